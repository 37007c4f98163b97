import Engine
import FoundationEssentials
import Model

/// The clocks of this machine.
public struct SystemClock: Clock {
    private static let start = ContinuousClock.now

    /// The clocks of this machine.
    public init() {}

    /// The wall clock.
    public func now() -> Timestamp {
        Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }

    /// Milliseconds since this was first asked.
    public func monotonic() -> Int64 {
        Self.start.duration(to: .now).wholeMilliseconds
    }

    /// Suspends the task for a while; throws when it is cancelled.
    public func sleep(milliseconds: Int64) async throws {
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
}
