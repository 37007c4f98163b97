/// Whether the gateway retries by itself (`retries.mode`, `X-Penstock-Retries`), from the least to the most.
public enum RetryMode: String, Sendable, CaseIterable, Comparable {
    /// Nothing is retried: gate `mode-off`.
    case off
    /// Verdicts are reached and recorded, none is acted on: gate `shadow`.
    case shadow
    /// What the policy and the gates allow is retried.
    case on

    private var rank: Int {
        switch self {
        case .off: 0
        case .shadow: 1
        case .on: 2
        }
    }

    /// The one that does less is the smaller.
    public static func < (left: RetryMode, right: RetryMode) -> Bool { left.rank < right.rank }
}

/// A condition that forbade a retry which the policy had asked for (design 5), by its name in records (interface 5).
/// In this order they are looked at; the first that is closed is the one that is recorded. Those that others keep
/// (budget, breaker, full tombstones) are asked last, because to ask costs.
public enum RetryGate: String, Sendable, CaseIterable {
    /// A row had left for the client.
    case rowsLeft = "rows-left"
    /// The new attempt has other columns than those that have left.
    case columnsDiffer = "columns-differ"
    /// It may write, and it had started.
    case started
    /// It belongs to an open transaction.
    case transaction
    /// A session header of the failed attempt had left for the client.
    case sessionHeader = "session-header"
    /// It is itself a retry, of another gateway or engine.
    case chained
    /// It may write, and the failed attempt may still run.
    case notDead = "not-dead"
    /// `retries.attempts`, or as often as the rule retries.
    case attempts
    /// `retries.elapsed`.
    case elapsed
    /// `retries.budget`.
    case budget
    /// Too few of the rule's retries succeeded of late.
    case breaker
    /// Nobody could take it.
    case noTarget = "no-target"
    /// Its text and headers are not here: no room in `limits.capsules`, or another gateway took its POST.
    case noCapsule = "no-capsule"
    /// `limits.tombstones`: a superseded attempt of what may write could not be remembered.
    case tombstonesFull = "tombstones-full"
    /// The rule acts only where `retries.opt_in` names it.
    case optIn = "opt-in"
    /// Retrying is switched off.
    case modeOff = "mode-off"
    /// Retrying is only watched.
    case shadow
}

/// What became of a failure: what the policy said, and what the gates let happen. One a failure.
public struct Verdict: Equatable, Sendable {
    /// The attempt that failed, from 1.
    public var attempt: Int
    /// The error's name, the word for an event (interface 5), or the HTTP status.
    public var failure: String
    /// The error's message; nil where there was none.
    public var message: String?
    /// The rule that judged; nil: none did.
    public var rule: String?
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What the rule asked for.
    public var action: RetryAction
    /// What forbade it; nil: nothing was asked for, or it was done.
    public var gate: RetryGate?
    /// Whether the statement goes on: it waits for another attempt, or the same URI is asked for again.
    public var isRetried: Bool
    /// How long it waits before that at least, in milliseconds.
    public var wait: Int64
    /// How long the attempt had run when it failed, in milliseconds.
    public var cost: Int64

    /// A verdict from its parts.
    public init(
        attempt: Int, failure: String, message: String? = nil, rule: String?, failureClass: FailureClass,
        action: RetryAction, gate: RetryGate? = nil, isRetried: Bool, wait: Int64 = 0, cost: Int64 = 0
    ) {
        self.attempt = attempt
        self.failure = failure
        self.message = message
        self.rule = rule
        self.failureClass = failureClass
        self.action = action
        self.gate = gate
        self.isRetried = isRetried
        self.wait = wait
        self.cost = cost
    }
}

/// Why a statement waits in the gateway.
public enum WaitReason: String, Sendable, CaseIterable {
    /// The rule that judged its last failure says so.
    case backOff = "back-off"
    /// No coordinator can take it.
    case noCoordinator = "no-coordinator"
    /// The retry budget is spent; what is unavailable waits for its turn.
    case budget
    /// What must be durable first cannot be written.
    case store
}
