import Engine
import FoundationEssentials
import Files
import Gateway
import Model
import WebClient

/// What a command meets: the environment, where its output goes, the network and the clock. Tests bring their own.
struct Surroundings: Sendable {
    /// The process's environment.
    var environment: [String: String]
    /// Takes results.
    var output: @Sendable (String) -> Void
    /// Takes everything else.
    var errors: @Sendable (String) -> Void
    /// How wide results may be; nil: as wide as they are.
    var columns: Int?
    /// Whether colour helps whoever reads.
    var isColoured: Bool
    /// Makes the way to gateways; called at most once, and only by verbs that need it.
    var web: @Sendable () -> any Web
    /// The clocks.
    var clock: any Clock

    /// What this process was given.
    static func ofProcess() -> Surroundings {
        let environment = ProcessInfo.processInfo.environment
        let output = OutputDescriptor.standardOutput
        let isTerminal = output.isTerminal
        return Surroundings(
            environment: environment,
            output: { output.write(Array($0.utf8)) },
            errors: { OutputDescriptor.standardError.write(Array($0.utf8)) },
            columns: isTerminal ? output.columns : nil,
            isColoured: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb",
            web: { CurlWeb() }, clock: SystemClock())
    }
}
