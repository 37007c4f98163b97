import Engine
import Model
import YAML

/// Failure policies as text: a YAML list of rules, in order. The shipped one is inside the binary; a file of an
/// operator's own replaces it, whole.
public enum PolicyFile {
    /// Bytes of a policy file that are read; beyond it the file is refused.
    static let maximumBytes = 1 << 20

    /// `Config/failure-policy.yaml`, as it was when this was built.
    /// - Throws: never in a build whose tests passed; they read the same bytes.
    public static func shipped() throws(SettingsProblems) -> Policy {
        try read(PackageResources.failure_policy_yaml, from: "failure-policy.yaml, as shipped")
    }

    /// The policy that a text is, all of its rules valid.
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
