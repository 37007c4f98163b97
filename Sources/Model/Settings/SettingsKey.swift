/// A value as a settings file has it, before it has a meaning.
public enum SettingsValue: Equatable, Sendable, CustomStringConvertible {
    /// `null`, `~` or nothing.
    case null
    /// A text, also of a number or a word.
    case text(String)
    /// A list of texts.
    case list([String])
    /// Names with texts, in their order.
    case pairs([SettingsPair])

    /// As the file would have it, in flow style.
    public var description: String {
        switch self {
        case .null: "null"
        case .text(let text): text
        case .list(let texts): "[\(texts.joined(separator: ", "))]"
        case .pairs(let pairs): "{\(pairs.map { "\($0.name): \($0.text)" }.joined(separator: ", "))}"
        }
    }
}

/// A name with its text, as in `header: { X-Trino-Routing-Group: etl }`.
public struct SettingsPair: Equatable, Sendable {
    /// The name.
    public var name: String
    /// Its text.
    public var text: String

    /// A name with its text.
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// Why a key does not take a value. The value itself is not in it: it may have come from a secret's file.
public struct SettingsRefusal: Error, Equatable, Sendable {
    /// What the value is not, to be read after the value: `is not a port (0 to 65535)`.
    public var message: String
    /// What to do about it.
    public var suggestion: String

    /// A refusal from its parts.
    public init(_ message: String, suggestion: String) {
        self.message = message
        self.suggestion = suggestion
    }
}

/// What has keys: the settings themselves, and each kind of entry of their lists.
public protocol SettingsEntry: Equatable, Sendable {
    /// Its keys, but those of the lists in it.
    static var keys: [SettingsKey<Self>] { get }
    /// What a reader begins with: every key at its default, the required ones still without a value.
    static var blank: Self { get }
}

/// A key of the settings: its name, and the way from a file's value into a settings value and back. The tables of all
/// keys (`Settings.keys` and its like) are what the reader, the list of changes and the tests of completeness go by.
public struct SettingsKey<Owner: SettingsEntry>: Sendable {
    /// The name with the way to it from its owner, `probe.interval`.
    public let name: String
    /// Whether an owner cannot be without it.
    public let isRequired: Bool
    private let print: @Sendable (Owner) -> SettingsValue
    private let parse: @Sendable (inout Owner, SettingsValue) throws(SettingsRefusal) -> Void

    /// The value that an owner has.
    public func value(in owner: Owner) -> SettingsValue { print(owner) }

    /// Gives an owner the value.
    /// - Throws: why this key does not take it.
    public func set(_ value: SettingsValue, in owner: inout Owner) throws(SettingsRefusal) {
        try parse(&owner, value)
    }

    /// A key of a property.
    /// - Parameter later: what the key belongs to, if that does not exist yet: then only the default is taken.
    init<Value: Equatable>(
        _ name: String, _ property: any WritableKeyPath<Owner, Value> & Sendable, _ codec: SettingsCodec<Value>,
        isRequired: Bool = false, later: String? = nil
    ) {
        self.name = name
        self.isRequired = isRequired
        print = { codec.print($0[keyPath: property]) }
        parse = { (owner, value) throws(SettingsRefusal) in
            let parsed = try codec.parse(value)
            if let later {
                let standard = Owner.blank[keyPath: property]
                if parsed != standard { throw .comesLater(later, standard: codec.print(standard)) }
            }
            owner[keyPath: property] = parsed
        }
    }

    /// A key of a property that may be nil.
    /// - Parameter word: how nil is written.
    init<Value: Equatable>(
        _ name: String, _ property: any WritableKeyPath<Owner, Value?> & Sendable, _ codec: SettingsCodec<Value>,
        or word: SettingsValue, later: String? = nil
    ) {
        self.init(name, property, codec.or(word), later: later)
    }

    /// A key that only takes `null`, because what it belongs to does not exist yet.
    init(_ name: String, nullUntil feature: String) {
        self.name = name
        isRequired = false
        print = { _ in .null }
        parse = { (_, value) throws(SettingsRefusal) in
            if value != .null { throw .comesLater(feature, standard: .null) }
        }
    }
}

extension SettingsRefusal {
    static func comesLater(_ feature: String, standard: SettingsValue) -> SettingsRefusal {
        SettingsRefusal(
            "cannot be set yet: \(feature) comes later",
            suggestion: "until then leave the key out or set it to its default, `\(standard)`")
    }
}
