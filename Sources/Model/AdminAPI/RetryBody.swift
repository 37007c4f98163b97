import Engine

/// A line of the retry log: a failure, what the policy said of it, and how it went on.
public struct RetryLine: Codable, Equatable, Sendable {
    /// When it was judged.
    public var at: Timestamp
    /// The statement, by the gateway's id.
    public var statement: String
    /// The statement's user.
    public var user: String
    /// The statement's group.
    public var group: String
    /// The attempt that failed, from 1.
    public var attempt: Int
    /// The pool in which it failed; empty where nobody was found to take it.
    public var pool: String
    /// The coordinator on which it failed; empty where nobody was found to take it.
    public var coordinator: String
    /// The error's name, the word for an event, or the HTTP status.
    public var failure: String
    /// The error's message.
    @OrNull public var message: String?
    /// The rule that judged; null: none did.
    @OrNull public var rule: String?
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What the rule asked for.
    public var action: RetryAction
    /// What forbade it.
    @OrNull public var gate: RetryGate?
    /// How long to wait before the retry at least, in milliseconds.
    public var waitMilliseconds: Int64
    /// How long the attempt had run when it failed, in milliseconds.
    public var costMilliseconds: Int64
    /// How many verdicts like it, one after the other, the line stands for.
    public var times: Int
    /// When it was judged last; later than `at` where the line stands for several.
    public var last: Timestamp
    /// How it went on.
    public var outcome: RetryOutcome

    private enum CodingKeys: String, CodingKey {
        case at, statement, user, group, attempt, pool, coordinator, failure, message, rule
        case failureClass = "class"
        case action, gate
        case waitMilliseconds = "wait_ms"
        case costMilliseconds = "cost_ms"
        case times, last, outcome
    }

    /// A line as history keeps it.
    public init(_ record: RetryRecord) {
        let verdict = record.verdict
        at = verdict.at
        statement = record.statement
        user = record.user
        group = record.group
        attempt = verdict.attempt
        pool = verdict.pool
        coordinator = verdict.coordinator
        failure = verdict.failure
        failureClass = verdict.failureClass
        action = verdict.action
        waitMilliseconds = verdict.wait
        costMilliseconds = verdict.cost
        times = verdict.times
        last = verdict.last
        outcome = verdict.outcome
        message = verdict.message
        rule = verdict.rule
        gate = verdict.gate
    }

    /// Whether it stands for repeats of the same URI, which are no new attempt.
    public var isRepeat: Bool { action == .repeat && outcome != .surfaced }

    /// Whether nothing had failed: a read left the queue of a coordinator that could take nothing, so no rule judged.
    public var isMove: Bool { rule == nil && action == .other && gate == nil }
}

/// A time that a statement waited in the gateway.
public struct WaitBody: Codable, Equatable, Sendable {
    /// Why.
    public var reason: WaitReason
    /// Since when.
    public var began: Timestamp
    /// Until when; null: it waits still.
    @OrNull public var ended: Timestamp?

    /// A wait as history keeps it.
    public init(_ record: WaitRecord) {
        reason = record.reason
        began = record.began
        ended = record.ended
    }
}

extension RetryMode: Codable {}
extension RetryOutcome: Codable {}
extension WaitReason: Codable {}

extension RetryPosition {
    /// The place as a list's `next_cursor` names it.
    public var text: String { "\(at.milliseconds)-\(statement)-\(number)" }

    /// Reads what `text` wrote; nil for anything else.
    public init?(text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, text.utf8.count <= 160, let milliseconds = Int64(parts[0]), let number = Int(parts[2])
        else { return nil }
        self.init(at: Timestamp(milliseconds: milliseconds), statement: String(parts[1]), number: number)
    }
}
