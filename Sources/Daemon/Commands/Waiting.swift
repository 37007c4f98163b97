import Model

/// What `--wait` takes, and how it waits.
enum Waiting {
    static let options = [
        Option(name: "--wait", value: nil, help: "Wait until nothing is left there"),
        Option(name: "--timeout", value: "TIME", help: "Wait no longer than this (10m), then exit with 4"),
    ]

    /// The bound that the arguments set; nil without `--wait`.
    static func bound(_ arguments: Arguments) throws(Failure) -> Duration? {
        let bound = try arguments.duration("--timeout")
        guard arguments.has("--wait") else {
            if bound != nil { throw .usage("'--timeout' is nothing without '--wait'") }
            return nil
        }
        return bound ?? .seconds(600)
    }

    /// Asks twice a second until nothing is left, or until the time is up.
    /// - Parameter left: what is still to wait for, in words; nil when it is done.
    static func wait(
        _ bound: Duration, _ surroundings: Surroundings, left: () async throws(Failure) -> String?
    ) async throws(Failure) -> ExitCode {
        let clock = surroundings.clock
        let deadline = clock.monotonic() + bound.wholeMilliseconds
        while let rest = try await left() {
            let time = deadline - clock.monotonic()
            guard time > 0 else {
                throw Failure(code: .timedOut, message: "time is up: \(rest)")
            }
            do {
                try await clock.sleep(milliseconds: min(500, time))
            } catch {
                throw Failure(code: .timedOut, message: "interrupted: \(rest)")
            }
        }
        return .done
    }
}
