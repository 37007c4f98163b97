import Engine
import SQL

/// What history keeps of a statement. It holds no SQL text, no header and no credential.
public struct StatementRecord: Equatable, Sendable {
    /// The gateway's id (`Wire.statementID`).
    public var id: String
    /// What tags call it.
    public var key: StatementKey
    /// Where it stands.
    public var state: StatementState
    /// The user header.
    public var user: String
    /// The source header.
    public var source: String
    /// The group that the selectors chose.
    public var group: String
    /// The pool of its newest attempt.
    public var pool: String
    /// The coordinator of its newest attempt, by name.
    public var coordinator: String
    /// That coordinator's registration; 0 if it never had one.
    public var registration: UInt32
    /// What its text does; nil if this gateway never saw the text.
    public var kind: StatementKind?
    /// Every id that the engines gave it.
    public var queryIDs: [String]
    /// When its POST was taken.
    public var submitted: Timestamp
    /// When it ended.
    public var ended: Timestamp?
    /// What it ended with: an error's name; nil if it has not ended or ended well.
    public var failure: String?
    /// That error's message, at most `messageLength` characters.
    public var message: String?
    /// Its attempts, in order.
    public var attempts: [AttemptRecord]
    /// The verdicts on its failures, in order of time, at most `storyLength`.
    public var verdicts: [VerdictRecord]
    /// How many verdicts were dropped from the middle of that list, each as often as it was reached.
    public var droppedVerdicts: Int
    /// When and why it waited here, in order of time, at most `storyLength`.
    public var waits: [WaitRecord]
    /// How many waits were dropped from the middle of that list.
    public var droppedWaits: Int

    /// Characters of an error's message that are kept.
    public static let messageLength = 2000
    /// Bytes of messages that the verdicts of one statement keep together; beyond it they are cut.
    public static let storyText = 20_000
    /// Verdicts, and waits, that are kept of one statement.
    public static let storyLength = 100

    /// A record of a statement that was just submitted.
    public init(id: String, key: StatementKey, submitted: Timestamp) {
        self.id = id
        self.key = key
        self.submitted = submitted
        state = .waiting
        user = ""
        source = ""
        group = ""
        pool = ""
        coordinator = ""
        registration = 0
        kind = nil
        queryIDs = []
        ended = nil
        failure = nil
        message = nil
        attempts = []
        verdicts = []
        droppedVerdicts = 0
        waits = []
        droppedWaits = 0
    }

    /// How often it was, or is to be, submitted again.
    public var retries: Int {
        verdicts.lazy.filter { $0.isRetried && $0.endsAttempt }.reduce(0) { $0 + $1.times }
    }

    /// How long it waited here in waits that have ended, in milliseconds.
    public var waited: Int64 {
        waits.reduce(0) { $0 + max(0, ($1.ended ?? $1.began).milliseconds - $1.began.milliseconds) }
    }

    /// Whether it was, or is to be, submitted again.
    public var isRetried: Bool {
        attempts.count > 1 || verdicts.contains { $0.isRetried && $0.endsAttempt }
    }
}

/// One run of a statement on one coordinator, as history keeps it.
public struct AttemptRecord: Equatable, Sendable {
    /// From 1.
    public var number: Int
    /// The pool it ran in.
    public var pool: String
    /// The coordinator it was sent to, by name.
    public var coordinator: String
    /// The engine's id, once it answered.
    public var queryID: String?
    /// What went wrong: an error name, or the word for an event (interface 5); nil if nothing did.
    public var failure: String?
    /// The error's message, at most `StatementRecord.messageLength` characters.
    public var message: String?
    /// The rule that judged the failure.
    public var rule: String?
    /// The failure's class.
    public var failureClass: String?
    /// What was done about it.
    public var action: String?
    /// The gate that stopped a retry.
    public var gate: String?
    /// When it was submitted.
    public var started: Timestamp
    /// When it ended.
    public var ended: Timestamp?

    /// An attempt that was just submitted.
    public init(number: Int, pool: String, coordinator: String, started: Timestamp) {
        self.number = number
        self.pool = pool
        self.coordinator = coordinator
        self.started = started
        queryID = nil
        failure = nil
        message = nil
        rule = nil
        failureClass = nil
        action = nil
        gate = nil
        ended = nil
    }
}

/// Which statements a list asks for; nil members do not restrict.
public struct StatementFilter: Equatable, Sendable {
    /// States, any of which may hold; empty means all.
    public var states: [StatementState] = []
    /// The user, exactly.
    public var user: String?
    /// The source, exactly.
    public var source: String?
    /// The group.
    public var group: String?
    /// The pool.
    public var pool: String?
    /// The coordinator's name.
    public var coordinator: String?
    /// Classes, any of which a failure of it may have had; empty means all.
    public var classes: [FailureClass] = []
    /// Rules, any of which may have judged a failure of it; empty means all.
    public var rules: [String] = []
    /// Whether it was, or is to be, submitted again.
    public var isRetried: Bool?
    /// Submitted at or after.
    public var since: Timestamp?
    /// Submitted before.
    public var until: Timestamp?
    /// At most so many, 1 to 1000.
    public var limit: Int = 100
    /// Continue after this statement's id.
    public var after: String?
    /// A filter that lets everything pass.
    public init() {}
}
