/// Whose fault a failure is.
public enum FailureClass: String, CaseIterable, Sendable {
    /// The statement's, or its client's wish.
    case user
    /// It wanted more than it was given.
    case resource
    /// The engine's.
    case `internal`
    /// That of what the engine reads from or writes to.
    case external
    /// The coordinator's, which cannot take the statement now.
    case unavailable
}

/// What a rule says to do about a failure; whether it may be done, the gates say.
public enum RetryAction: String, CaseIterable, Sendable {
    /// Nothing: the failure is shown.
    case none
    /// Submit again to any healthy coordinator of the same pool.
    case same
    /// Submit again to another coordinator.
    case other
    /// Submit again to a pool that is tagged as bigger; without one nothing.
    case bigger
    /// Ask for the same URI again.
    case `repeat`
}

/// How often a rule retries a statement.
public enum RetryCount: Equatable, Sendable, CustomStringConvertible {
    /// At most so often; each counts as an attempt once it has started.
    case limited(Int)
    /// Time alone bounds it: `limits.wait_for_coordinator` for a submission, the event `gone` for a poll.
    case unbounded

    /// Retries that a rule may ask for at most.
    public static let maximum = 100

    /// As a policy file has it.
    public var description: String {
        switch self {
        case .limited(let number): "\(number)"
        case .unbounded: "unbounded"
        }
    }
}

/// How long to wait before a retry: the profiles of the policy, all with jitter over the whole length, so that what
/// failed together does not come back together.
public enum WaitProfile: String, CaseIterable, Sendable {
    /// Up to 250 ms.
    case now
    /// Up to 1 s, twice as long each time, up to 30 s.
    case short = "S"
    /// Up to 10 s, twice as long each time, up to 60 s.
    case medium = "M"
    /// Up to 30 s, twice as long each time, up to 5 min.
    case long = "L"
    /// Up to 100 ms, 200 ms, 300 ms ... up to 5 s; the event `gone` ends it after 120 s.
    case repoll
    /// What the answer's Retry-After says; as `repoll` where it has none.
    case retryAfter = "RA"
    /// What the answer's Retry-After says; as `S` where it has none.
    case retryAfterElseShort = "RA, else S"

    /// A Retry-After beyond it counts as this: a client that waits longer is taken for gone.
    public static let longestRetryAfter = Duration.seconds(300)

    /// How long to wait.
    /// - Parameters:
    ///   - retry: which retry of this rule it is, from 1.
    ///   - retryAfter: what the answer's header asked for.
    ///   - jitter: a random number from 0 to 1.
    public func delay(before retry: Int, retryAfter: Duration? = nil, jitter: Double) -> Duration {
        let share = min(max(jitter, 0), 1)
        let number = max(retry, 1)
        switch self {
        case .now: return .milliseconds(250) * share
        case .short: return doubled(.seconds(1), number, atMost: .seconds(30)) * share
        case .medium: return doubled(.seconds(10), number, atMost: .seconds(60)) * share
        case .long: return doubled(.seconds(30), number, atMost: .seconds(300)) * share
        case .repoll: return .milliseconds(100 * min(number, 50)) * share
        case .retryAfter, .retryAfterElseShort:
            guard let retryAfter else {
                let instead: WaitProfile = self == .retryAfter ? .repoll : .short
                return instead.delay(before: retry, jitter: jitter)
            }
            // Never earlier than asked for.
            return min(max(retryAfter, .zero), Self.longestRetryAfter) + Duration.milliseconds(250) * share
        }
    }

    private func doubled(_ first: Duration, _ retry: Int, atMost most: Duration) -> Duration {
        min(first * (1 << min(retry - 1, 16)), most)
    }
}
