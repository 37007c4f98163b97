import Engine
import Model

extension SettingsReader {
    /// Takes the rules of the file that `policy` names, or the shipped ones, and checks what the settings say of them.
    /// - Parameter folder: from where a relative path counts.
    /// - Returns: the problems of the policy's own file, with paths below `policy`.
    mutating func readPolicy(folder: String) -> [SettingsProblem] {
        // Of a malformed path it is not known which rules were meant.
        if problems.contains(where: { $0.path == "policy" }) { return [] }
        do throws(SettingsProblems) {
            guard let rules = try rules(folder: folder) else { return [] }
            settings.policy.rules = rules
            checkOptIn()
            return []
        } catch {
            return error.problems.map { problem in
                var problem = problem
                problem.path = "policy" + problem.path
                return problem
            }
        }
    }

    /// The rules; nil where the file cannot be read, which is then a problem of the key that names it.
    private mutating func rules(folder: String) throws(SettingsProblems) -> Policy? {
        guard let name = settings.policy.file else { return try PolicyFile.shipped() }
        let path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
        let bytes: [UInt8]
        do throws(UnreadableFile) {
            bytes = try readFile(path, maximumBytes: PolicyFile.maximumBytes)
        } catch {
            report(
                places["policy"] ?? Place(file: path, line: nil), "policy", "the file `\(path)` \(error.reason)",
                suggestion: "name a file that exists and may be read; with `policy: null` the shipped rules hold")
            return nil
        }
        return try PolicyFile.read(bytes, from: path)
    }

    /// An id that no rule has would opt in to nothing, unnoticed.
    private mutating func checkOptIn() {
        let ids = settings.policy.rules.rules.map(\.id)
        let path = "retries.opt_in"
        for id in settings.retries.optIn where !ids.contains(id) {
            let those = settings.policy.rules.rules.filter(\.optIn).map(\.id).prefix(12).joined(separator: ", ")
            report(
                places[path] ?? Place(file: "", line: nil), path, "the policy has no rule `\(id)`",
                suggestion: nearestName(to: id, among: ids).map { "did you mean `\($0)`?" }
                    ?? (those.isEmpty ? "no rule of this policy waits to be named" : "name some of: \(those)"))
        }
    }
}
