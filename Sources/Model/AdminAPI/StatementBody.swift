import Engine
import SQL

/// A statement, as lists and `GET /v1/statements/{id}` show it.
public struct StatementBody: Codable, Equatable, Sendable {
    /// The gateway's id.
    public var id: String
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
    /// The coordinator of its newest attempt.
    public var coordinator: String
    /// What its text does; null if this gateway never saw the text.
    @OrNull public var kind: StatementKind?
    /// Every id that the engines gave it.
    public var queryIDs: [String]
    /// When its POST was taken.
    public var submitted: Timestamp
    /// When it ended.
    @OrNull public var ended: Timestamp?
    /// What it ended with: an error's name; null if it has not ended, or ended well.
    @OrNull public var failure: String?
    /// That error's message.
    @OrNull public var message: String?
    /// Whether it was, or is to be, submitted again.
    public var isRetried: Bool
    /// Its attempts, in order.
    public var attempts: [AttemptBody]
    /// What befell it: its lines of the retry log, in order of time.
    public var verdicts: [RetryLine]
    /// Verdicts that are left out in the middle of these.
    public var droppedVerdicts: Int
    /// When and why it waited here, in order of time.
    public var waits: [WaitBody]
    /// Waits that are left out in the middle of these.
    public var droppedWaits: Int

    private enum CodingKeys: String, CodingKey {
        case id, state, user, source, group, pool, coordinator, kind
        case queryIDs = "query_ids"
        case submitted, ended, failure, message
        case isRetried = "retried"
        case attempts, verdicts
        case droppedVerdicts = "dropped_verdicts"
        case waits
        case droppedWaits = "dropped_waits"
    }

    /// A statement as history keeps it.
    public init(_ record: StatementRecord) {
        id = record.id
        state = record.state
        user = record.user
        source = record.source
        group = record.group
        pool = record.pool
        coordinator = record.coordinator
        queryIDs = record.queryIDs
        submitted = record.submitted
        isRetried = record.isRetried
        attempts = record.attempts.map(AttemptBody.init)
        verdicts = record.lines.map(RetryLine.init)
        droppedVerdicts = record.droppedVerdicts
        waits = record.waits.map(WaitBody.init)
        droppedWaits = record.droppedWaits
        kind = record.kind
        ended = record.ended
        failure = record.failure
        message = record.message
    }
}

/// One run of a statement on one coordinator.
public struct AttemptBody: Codable, Equatable, Sendable {
    /// From 1.
    public var number: Int
    /// The pool it ran in.
    public var pool: String
    /// The coordinator it was sent to.
    public var coordinator: String
    /// The engine's id, once it answered.
    @OrNull public var queryID: String?
    /// What went wrong: an error name, or the word for an event.
    @OrNull public var failure: String?
    /// The error's message.
    @OrNull public var message: String?
    /// The rule that judged the failure.
    @OrNull public var rule: String?
    /// The failure's class.
    @OrNull public var failureClass: String?
    /// What was done about it.
    @OrNull public var action: String?
    /// The gate that stopped a retry.
    @OrNull public var gate: String?
    /// When it was submitted.
    public var started: Timestamp
    /// When it ended.
    @OrNull public var ended: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case number, pool, coordinator
        case queryID = "query_id"
        case failure, message, rule
        case failureClass = "class"
        case action, gate, started, ended
    }

    /// An attempt as history keeps it.
    public init(_ record: AttemptRecord) {
        number = record.number
        pool = record.pool
        coordinator = record.coordinator
        started = record.started
        queryID = record.queryID
        failure = record.failure
        message = record.message
        rule = record.rule
        failureClass = record.failureClass
        action = record.action
        gate = record.gate
        ended = record.ended
    }
}
