import Engine

/// How it went on after a verdict (interface 5).
public enum RetryOutcome: String, Sendable, CaseIterable {
    /// Nothing was retried: the client got the failure.
    case surfaced
    /// It is to be retried, and the statement waits here for that.
    case waiting
    /// It was retried, and the statement has not ended.
    case retried
    /// It was retried, and the statement finished.
    case finished
    /// It was retried, and the statement ended in any other way.
    case failed
}

/// A verdict as history keeps it: a line of the retry log.
public struct VerdictRecord: Equatable, Sendable {
    /// From 1 within the statement, in the order in which history heard of them. It stays when others are dropped.
    public var number: Int
    /// When it was reached.
    public var at: Timestamp
    /// When it was reached last; later than `at` where it stands for several.
    public var last: Timestamp
    /// The attempt that failed, from 1.
    public var attempt: Int
    /// That attempt's pool; empty where none was found.
    public var pool: String
    /// The coordinator that failed, by name; empty where none was found.
    public var coordinator: String
    /// The error's name, the word for an event (interface 5), or the HTTP status.
    public var failure: String
    /// The error's message, at most `StatementRecord.messageLength` characters.
    public var message: String?
    /// The rule that judged; nil: none did.
    public var rule: String?
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What the rule asked for.
    public var action: RetryAction
    /// What forbade it.
    public var gate: RetryGate?
    /// How long to wait before the retry at least, in milliseconds; the sum where it stands for several.
    public var wait: Int64
    /// How long the attempt had run when it failed, in milliseconds.
    public var cost: Int64
    /// How many verdicts in a row it stands for, each like the one before.
    public var times: Int
    /// How it went on.
    public var outcome: RetryOutcome

    /// A verdict that was just reached. A retry waits until a submission shows that it was made, unless it is a repeat
    /// of the same URI.
    public init(_ verdict: Verdict, pool: String, coordinator: String, at time: Timestamp) {
        number = 0
        at = time
        last = time
        attempt = verdict.attempt
        self.pool = pool
        self.coordinator = coordinator
        failure = verdict.failure
        message = verdict.message.map { String($0.prefix(StatementRecord.messageLength)) }
        rule = verdict.rule
        failureClass = verdict.failureClass
        action = verdict.action
        gate = verdict.gate
        wait = verdict.wait
        cost = verdict.cost
        times = 1
        outcome = verdict.isRetried ? (verdict.action == .repeat ? .retried : .waiting) : .surfaced
    }

    /// Whether the statement went on after it.
    public var isRetried: Bool { outcome != .surfaced }
    /// Whether it ended its attempt; a repeat of the same URI does not.
    public var endsAttempt: Bool { !(isRetried && action == .repeat) }
}

/// A time that a statement waited in the gateway, as history keeps it.
public struct WaitRecord: Equatable, Sendable {
    /// Since when.
    public var began: Timestamp
    /// Until when; nil: it waits still.
    public var ended: Timestamp?
    /// Why.
    public var reason: WaitReason

    /// A wait that has begun.
    public init(began: Timestamp, ended: Timestamp? = nil, reason: WaitReason) {
        self.began = began
        self.ended = ended
        self.reason = reason
    }
}

/// A line of the retry log: a verdict and whose it is.
public struct RetryRecord: Equatable, Sendable {
    /// The statement's id.
    public var statement: String
    /// The statement's user.
    public var user: String
    /// The statement's group.
    public var group: String
    /// The verdict.
    public var verdict: VerdictRecord

    /// A line from its parts.
    public init(statement: String, user: String, group: String, verdict: VerdictRecord) {
        self.statement = statement
        self.user = user
        self.group = group
        self.verdict = verdict
    }

    /// Where it stands in the log.
    public var position: RetryPosition {
        RetryPosition(at: verdict.at, statement: statement, number: verdict.number)
    }
}

extension StatementRecord {
    /// Its lines of the retry log.
    public var lines: [RetryRecord] {
        verdicts.map { RetryRecord(statement: id, user: user, group: group, verdict: $0) }
    }
}

/// A place in the retry log, which is sorted by it from the greatest down.
public struct RetryPosition: Comparable, Sendable {
    /// When the verdict was reached.
    public var at: Timestamp
    /// The statement's id.
    public var statement: String
    /// The verdict's number within the statement.
    public var number: Int

    /// A place from its parts.
    public init(at: Timestamp, statement: String, number: Int) {
        self.at = at
        self.statement = statement
        self.number = number
    }

    /// Whether the left one is listed after the right one.
    public static func < (left: RetryPosition, right: RetryPosition) -> Bool {
        if left.at != right.at { return left.at < right.at }
        return (left.statement, left.number) < (right.statement, right.number)
    }
}

/// Which lines of the retry log a list asks for; nil and empty members do not restrict.
public struct RetryFilter: Equatable, Sendable {
    /// Reached at or after.
    public var since: Timestamp?
    /// Reached before.
    public var until: Timestamp?
    /// Rules, any of which may have judged.
    public var rules: [String] = []
    /// Classes, any of which may hold.
    public var classes: [FailureClass] = []
    /// Actions, any of which may have been asked for.
    public var actions: [RetryAction] = []
    /// Gates, any of which may have stopped it.
    public var gates: [RetryGate] = []
    /// Outcomes, any of which may hold.
    public var outcomes: [RetryOutcome] = []
    /// The statement, by the gateway's id or any engine query id.
    public var statement: String?
    /// The statement's user, exactly.
    public var user: String?
    /// The statement's group.
    public var group: String?
    /// The pool of the attempt that failed.
    public var pool: String?
    /// The coordinator that failed.
    public var coordinator: String?
    /// At most so many, 1 to 1000.
    public var limit: Int = 100
    /// Continue after this place.
    public var after: RetryPosition?
    /// A filter that lets everything pass.
    public init() {}

    /// Whether the line is one that the filter asks for.
    /// - Parameter queryIDs: the ids that engines gave the line's statement.
    public func matches(_ line: RetryRecord, queryIDs: [String]) -> Bool {
        let verdict = line.verdict
        return (since.map { verdict.at >= $0 } ?? true) && (until.map { verdict.at < $0 } ?? true)
            && (rules.isEmpty || verdict.rule.map(rules.contains) ?? false)
            && (classes.isEmpty || classes.contains(verdict.failureClass))
            && (actions.isEmpty || actions.contains(verdict.action))
            && (gates.isEmpty || verdict.gate.map(gates.contains) ?? false)
            && (outcomes.isEmpty || outcomes.contains(verdict.outcome))
            && (statement.map { $0 == line.statement || queryIDs.contains($0) } ?? true)
            && (user == nil || user == line.user) && (group == nil || group == line.group)
            && (pool == nil || pool == verdict.pool) && (coordinator == nil || coordinator == verdict.coordinator)
            && (after.map { line.position < $0 } ?? true)
    }
}
