import Model

/// Runs the command that the words of the command line name, and answers with the process's exit code.
/// - Parameter words: what follows the program's name.
public func runCommand(_ words: [String]) async -> Int32 {
    await run(words, in: .ofProcess()).rawValue
}

/// Finds the verb, reads its arguments, runs it; a failure goes to standard error.
func run(_ words: [String], in surroundings: Surroundings) async -> ExitCode {
    guard let word = words.first else {
        surroundings.errors(VerbTable.help)
        return .wrongUsage
    }
    do throws(Failure) {
        switch word {
        case "--version":
            surroundings.output("penstock \(releaseVersion)\n")
            return .done
        case "--help", "-h":
            surroundings.output(VerbTable.help)
            return .done
        default:
            return try await run(VerbTable.verb(word), Array(words.dropFirst()), in: surroundings)
        }
    } catch {
        surroundings.errors("penstock: \(printable(error.message))\n")
        return error.code
    }
}

private func run(_ verb: Verb, _ words: [String], in surroundings: Surroundings) async throws(Failure) -> ExitCode {
    let isHelp = words.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
    if isHelp {
        surroundings.output(verb.help)
        return .done
    }
    let arguments: Arguments
    do throws(Failure) {
        arguments = try Arguments(words, operands: verb.operands, options: verb.allOptions)
    } catch {
        throw .usage("\(error.message)\nusage: \(verb.synopsis)")
    }
    do throws(Failure) {
        return try await verb.run(arguments, surroundings)
    } catch {
        if arguments.has("--json"), !error.body.isEmpty {
            surroundings.output(String(decoding: error.body, as: UTF8.self) + "\n")
        }
        throw error
    }
}
