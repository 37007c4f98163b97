import Engine
import Model
import Patterns
import YAML

/// Reads the rules of a policy file, and notes every problem.
struct PolicyReader {
    /// The keys of a rule.
    enum Key: String, CaseIterable {
        case id, step, event, status, names, type
        case notType = "not_type"
        case match, when
        case failureClass = "class"
        case action, retries, wait
        case optIn = "opt_in"
        case alert
    }

    private(set) var problems: [SettingsProblem] = []
    private let file: String
    /// The line of each rule's id.
    private var lines: [String: Int] = [:]

    init(file: String) {
        self.file = file
    }

    mutating func report(_ mark: Mark, _ path: String, _ message: String, suggestion: String) {
        if problems.count >= SettingsReader.maximumProblems { return }
        problems.append(
            SettingsProblem(file: file, line: mark.line, path: path, message: message, suggestion: suggestion))
    }

    /// The rules; of use only if there are no problems.
    mutating func rules(of root: Node?) -> [Rule] {
        let start = Mark(line: 1, column: 1)
        guard let root, case .sequence(let items) = root.kind, !items.isEmpty else {
            report(
                root?.mark ?? start, "", "a list of rules is expected here",
                suggestion: "begin each rule with `- id: `; leave `policy` out for the shipped rules")
            return []
        }
        return items.enumerated().compactMap { index, item in rule(of: item, index: index) }
    }

    private mutating func rule(of item: Node, index: Int) -> Rule? {
        guard case .mapping(let members) = item.kind else {
            report(
                item.mark, "[\(index)]", "\(item.subject) stands where a rule is expected",
                suggestion: "write like `- { id: X1, names: [SOME_ERROR], class: internal, action: none }`")
            return nil
        }
        let id = members.first { $0.key == Key.id.rawValue }?.value.text
        let path = "[\(id ?? "\(index)")]"
        var rule = Rule(id: id ?? "", failureClass: .internal, action: .none)
        var given: Set<Key> = []
        let before = problems.count
        for member in members {
            guard let key = Key(rawValue: member.key) else {
                report(
                    member.mark, "\(path).\(member.key)", "there is no such key",
                    suggestion: suggestion(for: member.key, among: Key.allCases.map(\.rawValue)))
                continue
            }
            if member.value.isNull, key != .id { continue }
            given.insert(key)
            read(member.value, of: key, into: &rule, at: "\(path).\(key.rawValue)")
        }
        for key in [Key.id, .failureClass, .action] where !given.contains(key) {
            report(item.mark, path, "`\(key.rawValue)` is missing", suggestion: "give the rule its `\(key.rawValue)`")
        }
        // Whether the values fit together can be said only of values that are right.
        if problems.count == before { checkWhole(rule, given: given, at: path, item.mark) }
        return rule
    }

    // MARK: Values

    private mutating func read(_ node: Node, of key: Key, into rule: inout Rule, at path: String) {
        switch key {
        case .id: checkID(node, at: path)
        case .step: rule.step = word(node, at: path)
        case .event:
            for node in node.items { rule.occurrences += word(node, at: path).map { [.event($0)] } ?? [] }
        case .status:
            for node in node.items { rule.occurrences += status(node, at: path).map { [$0] } ?? [] }
        case .names:
            for node in node.items { rule.names += name(node, at: path).map { [$0] } ?? [] }
        case .type: rule.type = word(node, at: path)
        case .notType: rule.notType = word(node, at: path)
        case .match: rule.match = pattern(node, at: path)
        case .when: rule.when = word(node, at: path) ?? rule.when
        case .failureClass: rule.failureClass = word(node, at: path) ?? rule.failureClass
        case .action: rule.action = word(node, at: path) ?? rule.action
        case .retries: rule.retries = count(node, at: path) ?? rule.retries
        case .wait: rule.wait = word(node, at: path)
        case .optIn: rule.optIn = flag(node, at: path)
        case .alert: rule.alert = flag(node, at: path)
        }
    }

    private mutating func checkID(_ node: Node, at path: String) {
        let text = node.text ?? ""
        let isPlain = text.utf8.allSatisfy {
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        guard isPlain, 1...32 ~= text.utf8.count else {
            return report(
                node.mark, path, "\(node.subject) is no id",
                suggestion: "write letters, digits, `-` and `_`, at most 32")
        }
        if let line = lines[text] {
            return report(
                node.mark, path, "`\(text)` is the id of an earlier rule too, first in line \(line)",
                suggestion: "give one of them another id")
        }
        lines[text] = node.mark.line
    }

    private mutating func word<Word: RawRepresentable & CaseIterable>(_ node: Node, at path: String) -> Word?
    where Word.RawValue == String {
        if let word = node.text.flatMap(Word.init) { return word }
        let words = Word.allCases.map(\.rawValue)
        report(
            node.mark, path, "\(node.subject) is none of \(words.map { "`\($0)`" }.joined(separator: ", "))",
            suggestion: suggestion(for: node.text ?? "", among: words))
        return nil
    }

    private mutating func status(_ node: Node, at path: String) -> Rule.Occurrence? {
        if node.text == "other" { return .anyStatus }
        if let number = node.text.flatMap({ Int($0) }), 100...599 ~= number { return .status(number) }
        report(
            node.mark, path, "\(node.subject) is no HTTP status",
            suggestion: "write a number like 503, or `other` for any but 200")
        return nil
    }

    private mutating func name(_ node: Node, at path: String) -> String? {
        if let text = node.text, !text.isEmpty, text.utf8.count <= 200,
            text.utf8.allSatisfy({
                UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                    || $0 == UInt8(ascii: "_")
            })
        {
            return text
        }
        report(
            node.mark, path, "\(node.subject) is no name of an error",
            suggestion: "write it as the engine does, like SYNTAX_ERROR; what a message says belongs into `match`")
        return nil
    }

    private mutating func pattern(_ node: Node, at path: String) -> Pattern? {
        guard let text = node.text, !text.isEmpty else {
            report(node.mark, path, "\(node.subject) is no regex", suggestion: "write a regex in single quotes")
            return nil
        }
        do throws(PatternProblem) {
            return try Pattern(text)
        } catch {
            let read = String(decoding: text.utf8.prefix(error.offset).suffix(20), as: UTF8.self)
            report(
                node.mark, path, "the regex is wrong: \(error.message), after `\(read)`",
                suggestion: "in single quotes a backslash stands for itself; a `'` is written twice")
            return nil
        }
    }

    private mutating func count(_ node: Node, at path: String) -> RetryCount? {
        if node.text == "unbounded" { return .unbounded }
        if let number = node.text.flatMap({ Int($0) }), 0...RetryCount.maximum ~= number { return .limited(number) }
        report(
            node.mark, path, "\(node.subject) is no number of retries",
            suggestion: "write 1 to \(RetryCount.maximum), or `unbounded` where time alone bounds them")
        return nil
    }

    private mutating func flag(_ node: Node, at path: String) -> Bool {
        switch node.text {
        case "true": return true
        case "false": return false
        default:
            report(node.mark, path, "\(node.subject) is neither true nor false", suggestion: "write one of these")
            return false
        }
    }

    // MARK: The rule as a whole

    private mutating func checkWhole(_ rule: Rule, given: Set<Key>, at path: String, _ mark: Mark) {
        if given.isDisjoint(with: [.event, .status, .names, .type, .match]) {
            report(
                mark, path, "the rule would judge failures of which nothing is known",
                suggestion: "give it `names`, `type`, `match`, `event` or `status`")
        }
        if rule.when == .nameOrText, !given.isSuperset(of: [.names, .match]) {
            report(
                mark, "\(path).when", "`name-or-text` needs both `names` and `match`",
                suggestion: "leave `when` out: what is given must hold")
        }
        if rule.action == .none {
            for key in [Key.retries, .wait, .optIn] where given.contains(key) {
                report(
                    mark, "\(path).\(key.rawValue)", "a rule with `action: none` has no `\(key.rawValue)`",
                    suggestion: "leave it out, or give another action")
            }
        } else {
            for key in [Key.retries, .wait] where !given.contains(key) {
                report(
                    mark, path, "`\(key.rawValue)` is missing beside `action: \(rule.action.rawValue)`",
                    suggestion: key == .wait ? "write like `wait: M`" : "write how often, like `retries: 2`")
            }
            if rule.retries == .limited(0), given.contains(.retries) {
                report(
                    mark, "\(path).retries", "no retry is left beside `action: \(rule.action.rawValue)`",
                    suggestion: "write 1 or more, or `action: none`")
            }
        }
    }

    private func suggestion(for text: String, among words: [String]) -> String {
        nearestName(to: text, among: words).map { "did you mean `\($0)`?" }
            ?? "write one of \(words.map { "`\($0)`" }.joined(separator: ", "))"
    }
}

extension Node {
    /// A scalar's text; nil for what is none.
    fileprivate var text: String? {
        guard case .scalar(let text, _) = kind else { return nil }
        return text
    }

    /// The items of a list; one value may stand without its list.
    fileprivate var items: [Node] {
        guard case .sequence(let items) = kind else { return [self] }
        return items
    }
}
