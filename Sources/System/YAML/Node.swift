/// A place in a YAML text; lines and columns (of characters) count from 1.
public struct Mark: Equatable, Sendable {
    /// From 1.
    public var line: Int
    /// From 1.
    public var column: Int

    /// A place.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A value of a YAML text with the place where it begins. Aliases are already replaced by what they stand for (with
/// the marks of that).
public struct Node: Equatable, Sendable {
    /// A key with its value.
    public struct Entry: Equatable, Sendable {
        /// The key; keys are scalars.
        public var key: String
        /// Where the key stands.
        public var mark: Mark
        /// Its value.
        public var value: Node

        /// A key at a place with its value.
        public init(key: String, mark: Mark, value: Node) {
            self.key = key
            self.mark = mark
            self.value = value
        }
    }

    /// The three kinds of values.
    public indirect enum Kind: Equatable, Sendable {
        /// A text. What is not quoted may mean something else than a text (a number, null, true): that is the
        /// reader's business.
        case scalar(String, isQuoted: Bool)
        /// A list.
        case sequence([Node])
        /// Keys with values, in their order.
        case mapping([Entry])
    }

    /// Where it begins.
    public var mark: Mark
    /// What it is.
    public var kind: Kind

    /// A value at a place.
    public init(mark: Mark, kind: Kind) {
        self.mark = mark
        self.kind = kind
    }
}

/// How much of a YAML text is accepted.
public struct Bounds: Equatable, Sendable {
    /// Bytes of the text.
    public var bytes = 1 << 20
    /// Sequences and mappings within one another.
    public var depth = 32
    /// Values, with every alias counted as what it expands to.
    public var nodes = 20_000

    /// The defaults.
    public init() {}
}

/// What is wrong with a YAML text, and where.
public struct YAMLProblem: Error, Equatable, Sendable {
    /// Where.
    public var mark: Mark
    /// A sentence without its full stop.
    public var message: String

    /// A problem at a place.
    public init(mark: Mark, message: String) {
        self.mark = mark
        self.message = message
    }
}
