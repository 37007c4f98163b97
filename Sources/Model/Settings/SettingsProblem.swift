/// One thing that is wrong with the settings: where, what, and what to do.
public struct SettingsProblem: Error, Equatable, Sendable {
    /// The file, or the override as it was given (`--set listen.prot=1`).
    public var file: String
    /// The line in the file, from 1; nil where there is none.
    public var line: Int?
    /// The key with the way to it, entries of lists by their names: `groups[default].pools[blue].dialect`. Empty where
    /// the whole file is meant.
    public var path: String
    /// What is wrong: a sentence without its full stop.
    public var message: String
    /// What to do about it, the same way.
    public var suggestion: String

    /// A problem with its parts.
    public init(file: String, line: Int?, path: String, message: String, suggestion: String) {
        self.file = file
        self.line = line
        self.path = path
        self.message = message
        self.suggestion = suggestion
    }

    /// Two lines of text: `FILE:LINE: PATH: MESSAGE`, then the suggestion.
    public var rendered: String {
        let place = line.map { "\(file):\($0)" } ?? file
        let subject = path.isEmpty ? "" : "\(path): "
        return "\(place): \(subject)\(message)\n    \(suggestion)\n"
    }
}

/// Every problem that was found, at least one, in the order of the file.
public struct SettingsProblems: Error, Equatable, Sendable {
    /// The problems.
    public var problems: [SettingsProblem]

    /// These problems.
    public init(_ problems: [SettingsProblem]) {
        self.problems = problems
    }
}

/// The text that `penstock check` and `penstock serve` print: every problem, then how many there are.
public func render(_ problems: [SettingsProblem]) -> String {
    let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
    return problems.map(\.rendered).joined() + count + "\n"
}

/// The port to wherever the settings come from. It may be asked again and again: a reload asks anew.
public protocol SettingsSource: Sendable {
    /// The settings as they stand now: all of them valid, or none.
    func load() throws(SettingsProblems) -> Settings
}
