import Engine
import Model
import YAML

/// A file with a failure policy: a YAML list of rules, in order. It replaces the shipped one, whole.
public struct PolicyFile: Sendable {
    private let path: String

    /// Bytes of a policy file that are read; beyond it the file is refused.
    static let maximumBytes = 1 << 20

    /// The file at a path.
    public init(path: String) {
        self.path = path
    }

    /// The policy, all of its rules valid.
    /// - Throws: every problem of the file at once.
    public func load() throws(SettingsProblems) -> Policy {
        let bytes: [UInt8]
        do throws(UnreadableFile) {
            bytes = try readFile(path, maximumBytes: Self.maximumBytes)
        } catch {
            throw SettingsProblems([
                SettingsProblem(
                    file: path, line: nil, path: "", message: "the file \(error.reason)",
                    suggestion: "name a file that exists and may be read; with `policy: null` the shipped rules hold")
            ])
        }
        return try Self.read(bytes, from: path)
    }

    /// The policy that a text is.
    /// - Parameters:
    ///   - bytes: the text.
    ///   - file: what problems call it.
    /// - Throws: every problem of the text at once.
    public static func read(_ bytes: [UInt8], from file: String) throws(SettingsProblems) -> Policy {
        var reader = PolicyReader(file: file)
        var rules: [Rule] = []
        do throws(YAMLProblem) {
            let document = try Document(bytes)
            for problem in document.repeatedKeys {
                reader.report(problem.mark, "", problem.message, suggestion: "keep one of the two")
            }
            rules = reader.rules(of: document.root)
        } catch {
            reader.report(
                error.mark, "", error.message,
                suggestion: "look at indentation, quotes and brackets around column \(error.mark.column)")
        }
        let problems = reader.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        guard problems.isEmpty else { throw SettingsProblems(problems) }
        return Policy(rules)
    }
}
