import Model
import YAML

/// Where a value was given.
struct Place: Equatable {
    var file: String
    var line: Int?
}

/// Walks trees over the tables of keys, one tree after the other over the same settings, and notes every problem.
struct SettingsReader {
    /// What has been read so far over the defaults; of use only if there are no problems.
    var settings = Settings()
    private(set) var problems: [SettingsProblem] = []
    /// Where each key was given last, by its path.
    private(set) var places: [String: Place] = [:]
    /// Where each coordinator's name was given.
    var coordinators: [String: Place] = [:]

    private let references: References
    private var file = ""
    private var hasLines = true

    /// So many problems are reported; who has more begins with these.
    static let maximumProblems = 200

    init(references: References) {
        self.references = references
    }

    /// Reads a tree over what was read before.
    mutating func read(_ root: Node, from file: String, hasLines: Bool = true) {
        self.file = file
        self.hasLines = hasLines
        var settings = settings
        readEntry(root, into: &settings, at: "") { reader, settings, name, node in
            switch name {
            case "groups": settings.groups = reader.readGroups(node)
            case "routing": settings.routing = reader.readRouting(node)
            default: return false
            }
            return true
        }
        self.settings = settings
    }

    mutating func report(_ place: Place, _ path: String, _ message: String, suggestion: String) {
        if isFull { return }
        problems.append(
            SettingsProblem(file: place.file, line: place.line, path: path, message: message, suggestion: suggestion))
    }

    private var isFull: Bool { problems.count >= Self.maximumProblems }

    func place(of mark: Mark) -> Place { Place(file: file, line: hasLines ? mark.line : nil) }

    // MARK: Entries

    /// Reads a list in an entry; false if the entry has no list of that name.
    typealias ListReader<Entry> = (inout SettingsReader, inout Entry, _ name: String, Node) -> Bool

    /// Reads the keys of an entry, and the lists in it.
    /// - Parameter path: the way to the entry, with the dot behind it; empty for the settings.
    mutating func readEntry<Entry: SettingsEntry>(
        _ node: Node, into entry: inout Entry, at path: String,
        list: ListReader<Entry> = { _, _, _, _ in false }
    ) {
        readSection(node, prefix: "", into: &entry, at: path, list: list)
    }

    private mutating func readSection<Entry: SettingsEntry>(
        _ node: Node, prefix: String, into entry: inout Entry, at path: String, list: ListReader<Entry>
    ) {
        if node.isNull { return }
        guard case .mapping(let members) = node.kind else {
            let name = String((path + prefix).dropLast())
            let known = Self.names(of: Entry.self, below: prefix).prefix(4).joined(separator: ", ")
            return report(
                place(of: node.mark), name, "\(node.subject) stands where keys with values are expected",
                suggestion: "write keys like \(known) below it, each with a colon and a value")
        }
        for member in members where !isFull {
            let name = prefix + member.key
            if let key = Entry.keys.first(where: { $0.name == name }) {
                readValue(member.value, of: key, into: &entry, at: path + name, mark: member.mark)
            } else if Entry.keys.contains(where: { $0.name.hasPrefix(name + ".") }) {
                readSection(member.value, prefix: name + ".", into: &entry, at: path, list: list)
            } else if !list(&self, &entry, name, member.value) {
                report(
                    place(of: member.mark), path + name, "there is no such key",
                    suggestion: Self.suggestion(for: member.key, in: Entry.self, below: prefix))
            }
        }
    }

    private mutating func readValue<Entry: SettingsEntry>(
        _ node: Node, of key: SettingsKey<Entry>, into entry: inout Entry, at path: String, mark: Mark
    ) {
        // An empty value has no place of its own, its key has.
        let place = node.isNull ? place(of: mark) : place(of: node.mark)
        places[path] = place
        do throws(References.Problem) {
            let value = try node.value { (text) throws(References.Problem) in try references.expand(text) }
            do throws(SettingsRefusal) {
                try key.set(value, in: &entry)
            } catch {
                // An advice may repeat the value, and what a reference brought in may be a secret.
                let isWritten = value == node.value { $0 }
                report(
                    place, path, "\(node.subject) \(error.message)",
                    suggestion: isWritten ? error.suggestion : "look at what the reference in it stands for")
            }
        } catch {
            report(place, path, error.message, suggestion: error.suggestion)
        }
    }

    // MARK: Lists of entries

    /// Reads a list of entries. Each is given with its place and the way to it.
    /// - Parameter isNamed: whether its entries are told apart by their names.
    mutating func readList<Entry: SettingsEntry>(
        _ node: Node, of type: Entry.Type, at path: String, isNamed: Bool,
        list: @escaping (inout SettingsReader, inout Entry, _ path: String, _ name: String, Node) -> Bool
    ) -> [Entry] {
        if node.isNull { return [] }
        guard case .sequence(let items) = node.kind else {
            report(
                place(of: node.mark), path, "\(node.subject) stands where a list is expected",
                suggestion: "begin each entry with `- `; `[]` is an empty list")
            return []
        }
        var entries: [Entry] = []
        var seen: [String: String] = [:]
        for (index, item) in items.enumerated() {
            let name = isNamed ? item.name : nil
            let way = "\(path)[\(name ?? "\(index)")]"
            if let name {
                if let first = seen[name] {
                    report(
                        place(of: item.mark), way, "`\(name)` is the name of an entry before it too\(first)",
                        suggestion: "give one of them another name")
                }
                seen[name] = hasLines ? " (line \(item.mark.line))" : ""
            }
            var entry = Entry.blank
            readEntry(item, into: &entry, at: way + ".") { list(&$0, &$1, way, $2, $3) }
            for key in Entry.keys
            where key.isRequired && (item.isMapping || item.isNull) && item.member(key.name) == nil {
                report(
                    place(of: item.mark), way, "`\(key.name)` is missing",
                    suggestion: "give the entry its `\(key.name)`")
            }
            entries.append(entry)
        }
        return entries
    }

    // MARK: Unknown keys

    private static func names<Entry: SettingsEntry>(of entry: Entry.Type, below prefix: String) -> [String] {
        var names: [String] = []
        for key in Entry.keys where key.name.hasPrefix(prefix) {
            let name = String(key.name.dropFirst(prefix.count).prefix { $0 != "." })
            if names.last != name { names.append(name) }
        }
        return names + (prefix.isEmpty ? lists(of: entry) : [])
    }

    private static func lists<Entry: SettingsEntry>(of entry: Entry.Type) -> [String] {
        if entry == Settings.self { return ["groups", "routing"] }
        if entry == GroupSettings.self { return ["pools"] }
        return entry == PoolSettings.self ? ["coordinators"] : []
    }

    private static func suggestion<Entry: SettingsEntry>(
        for name: String, in entry: Entry.Type, below prefix: String
    ) -> String {
        let known = names(of: entry, below: prefix)
        if let near = nearestName(to: name, among: known) { return "did you mean `\(near)`?" }
        if let elsewhere = Settings.keys.first(where: { $0.name.hasSuffix(".\(name)") }) {
            return "did you mean `\(elsewhere.name)`?"
        }
        return "known here: \(known.joined(separator: ", "))"
    }
}

extension Node {
    /// Whether it is `null`, `~` or nothing.
    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = kind else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    var isSequence: Bool {
        guard case .sequence = kind else { return false }
        return true
    }

    fileprivate var isMapping: Bool {
        guard case .mapping = kind else { return false }
        return true
    }

    fileprivate func member(_ key: String) -> Node? {
        guard case .mapping(let members) = kind else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text of its member `name`.
    fileprivate var name: String? {
        guard case .scalar(let text, _) = member("name")?.kind, !text.isEmpty else { return nil }
        return text
    }

    /// What it is as a value of a key. Of what lies deeper than a value may, only that it is there is kept.
    fileprivate func value<Problem: Error>(
        expand: (String) throws(Problem) -> String
    ) throws(Problem) -> SettingsValue {
        if isNull { return .null }
        switch kind {
        case .scalar(let text, _):
            return .text(try expand(text))
        case .sequence(let items):
            var texts: [String] = []
            for item in items { texts.append(try item.text(expand: expand)) }
            return .list(texts)
        case .mapping(let members):
            var pairs: [SettingsPair] = []
            for member in members {
                pairs.append(SettingsPair(name: member.key, text: try member.value.text(expand: expand)))
            }
            return .pairs(pairs)
        }
    }

    /// A scalar's text; nothing, which no key takes, for what is none.
    private func text<Problem: Error>(expand: (String) throws(Problem) -> String) throws(Problem) -> String {
        guard case .scalar(let text, _) = kind, !isNull else { return "" }
        return try expand(text)
    }

    /// How it is called in a message: as it was written, references not replaced, cut where it is long.
    var subject: String {
        switch kind {
        case .sequence(let items): return items.isEmpty ? "`[]`" : "the list"
        case .mapping: return "the set of keys"
        case .scalar(let text, _):
            if isNull { return "`null`" }
            let shown = text.prefix(60).map { $0.isNewline || $0 == "\0" ? " " : $0 }
            return "`\(String(shown))\(text.count > 60 ? "..." : "")`"
        }
    }
}
