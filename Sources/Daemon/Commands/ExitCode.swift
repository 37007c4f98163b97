/// How a command ended, as scripts see it.
public enum ExitCode: Int32, Sendable {
    /// What was asked for is done.
    case done = 0
    /// It was refused, or it failed; the reason is on standard error.
    case refused = 1
    /// The command line makes no sense.
    case wrongUsage = 2
    /// There is no gateway at the URL.
    case unreachable = 3
    /// `--wait` ran out of time.
    case timedOut = 4
}

/// Why a command did not do what it was asked.
struct Failure: Error, Equatable {
    let code: ExitCode
    /// A sentence for standard error.
    let message: String
    /// The gateway's problem as it came, for `--json`.
    var body: [UInt8] = []

    /// The command line makes no sense.
    static func usage(_ message: String) -> Failure { Failure(code: .wrongUsage, message: message) }
}
