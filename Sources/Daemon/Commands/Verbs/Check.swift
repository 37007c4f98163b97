import Model
import SettingsFiles

extension Verb {
    /// Every problem of a settings file.
    static let check = Verb(
        name: "check", section: .run, summary: "Find every problem of a settings file",
        details: "Prints each problem with its place and a suggestion; 'ok' when there is none. Nothing is started.",
        operands: [Operand(name: "FILE")]
    ) { (arguments, surroundings) throws(Failure) in
        let path = arguments.operands[0]
        do throws(SettingsProblems) {
            _ = try SettingsFile(path: path, environment: surroundings.environment).load()
        } catch {
            surroundings.output(render(error.problems))
            let count = error.problems.count == 1 ? "1 problem" : "\(error.problems.count) problems"
            throw Failure(code: .refused, message: "\(path) has \(count)")
        }
        surroundings.output("ok\n")
        return .done
    }
}
