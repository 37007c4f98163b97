import SQL

/// One routing line: all of its conditions must hold; the first line that matches decides the group.
public struct Selector: Equatable, Sendable {
    /// The group that a matching statement goes to.
    public var group: String
    /// A pattern for the user; `*` matches any run of characters.
    public var user: String?
    /// A pattern for the source.
    public var source: String?
    /// A client tag that must be among those of the statement.
    public var clientTag: String?
    /// A pattern for the catalog header.
    public var catalog: String?
    /// Whether the statement reads.
    public var kind: SelectorKind?
    /// Headers and the pattern that a value of each must match. A name that begins with X-Trino- matches its
    /// X-Presto- twin too.
    public var headers: [SelectorHeader]

    /// A routing line from its conditions.
    public init(
        group: String, user: String? = nil, source: String? = nil, clientTag: String? = nil, catalog: String? = nil,
        kind: SelectorKind? = nil, headers: [SelectorHeader] = []
    ) {
        self.group = group
        self.user = user
        self.source = source
        self.clientTag = clientTag
        self.catalog = catalog
        self.kind = kind
        self.headers = headers
    }
}

/// The statements that a selector's `kind` asks for; session statements count as reads.
public enum SelectorKind: String, CaseIterable, Sendable {
    /// Those that only read.
    case read
    /// All others.
    case write
}

/// A header condition of a selector.
public struct SelectorHeader: Equatable, Sendable {
    /// The header's name, in lower case.
    public var name: String
    /// The pattern that its value must match.
    public var pattern: String
    /// A condition on one header.
    public init(name: String, pattern: String) {
        self.name = name.lowercased()
        self.pattern = pattern
    }
}

/// What selectors look at. Headers hold only those that some selector names, in lower case.
public struct SubmissionFacts: Equatable, Sendable {
    /// X-Trino-User or its twin; empty if absent.
    public var user: String
    /// X-Trino-Source.
    public var source: String
    /// X-Trino-Client-Tags, split at commas.
    public var clientTags: [String]
    /// X-Trino-Catalog.
    public var catalog: String
    /// What the statement's text is.
    public var kind: StatementKind
    /// Header values by name in lower case, with X-Presto- names written as X-Trino-.
    public var headers: [(name: String, value: String)]

    /// Facts from a request.
    public init(
        user: String = "", source: String = "", clientTags: [String] = [], catalog: String = "",
        kind: StatementKind = .write, headers: [(name: String, value: String)] = []
    ) {
        self.user = user
        self.source = source
        self.clientTags = clientTags
        self.catalog = catalog
        self.kind = kind
        self.headers = headers
    }

    /// Two sets of facts are equal if every member is.
    public static func == (left: SubmissionFacts, right: SubmissionFacts) -> Bool {
        left.user == right.user && left.source == right.source && left.clientTags == right.clientTags
            && left.catalog == right.catalog && left.kind == right.kind
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }
}

extension Selector {
    /// Whether every condition of the line holds.
    public func matches(_ facts: SubmissionFacts) -> Bool {
        if let user, !Glob.matches(user, facts.user) { return false }
        if let source, !Glob.matches(source, facts.source) { return false }
        if let clientTag, !facts.clientTags.contains(where: { Glob.matches(clientTag, $0) }) { return false }
        if let catalog, !Glob.matches(catalog, facts.catalog) { return false }
        if let kind, (kind == .read) != facts.kind.reads { return false }
        for header in headers {
            let name = Self.canonicalName(header.name)
            let holds = facts.headers.contains { $0.name == name && Glob.matches(header.pattern, $0.value) }
            if !holds { return false }
        }
        return true
    }

    /// A header's name in lower case, with the X-Presto- prefix written as X-Trino-.
    public static func canonicalName(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasPrefix("x-presto-") ? "x-trino-" + lower.dropFirst("x-presto-".count) : lower
    }
}

extension RoutingTable {
    /// The index of the group of the first selector that matches, else of the first group; nil only if there is no
    /// group at all.
    public func groupIndex(for facts: SubmissionFacts) -> Int? {
        for selector in selectors where selector.matches(facts) {
            if let index = groupIndex(selector.group) { return index }
        }
        return groups.isEmpty ? nil : 0
    }
}

/// Patterns of selectors and of `pinned_users`: `*` matches any run of characters, everything else itself.
public enum Glob {
    /// Whether the whole text matches the pattern. Runs in time proportional to the product of the lengths at most.
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(text.utf8)
        var at = 0
        var position = 0
        var star: Int?
        var resume = 0
        while position < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = at
                resume = position
                at += 1
            } else if at < pattern.count, pattern[at] == text[position] {
                at += 1
                position += 1
            } else if let star {
                at = star + 1
                resume += 1
                position = resume
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        return at == pattern.count
    }
}
