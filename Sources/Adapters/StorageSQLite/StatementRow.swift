import Engine
import Model
import SQL
import SQLite
import Wire

/// The row of a statement, as it is written.
struct StatementRow {
    private let id: String
    private let key: StatementKey
    private let state: StatementState
    private var user = ""
    private var source = ""
    private var group = ""
    private var pool = ""
    private var coordinator = ""
    private var registration: UInt32 = 0
    private var kind: StatementKind?
    private let submitted: Timestamp
    private let ended: Timestamp?
    private var failure: String?
    private var message: String?
    private var isRetried = false
    private var droppedVerdicts = 0
    private var droppedWaits = 0
    /// When its only attempt was sent; nil if the row does not tell all of its attempts.
    private var sent: Timestamp?
    /// That attempt's id.
    private var queryID: String?

    init(_ draft: RecordDraft) {
        switch draft {
        case .course(let course): self.init(course)
        case .record(let record): self.init(record)
        }
    }

    private init(_ course: StatementCourse) {
        key = course.key
        id = statementID(owner: key.owner, statement: key.number)
        state = course.state
        submitted = course.submitted
        ended = course.ended
        if let submission = course.submission {
            user = submission.user
            source = submission.source
            group = submission.group
            kind = submission.kind
        }
        guard let place = course.place else { return }
        pool = place.pool
        coordinator = place.coordinator
        registration = place.registration
        sent = course.sent
        if !course.queryID.isEmpty { queryID = course.queryID }
    }

    private init(_ record: StatementRecord) {
        id = record.id
        key = record.key
        state = record.state
        user = record.user
        source = record.source
        group = record.group
        pool = record.pool
        coordinator = record.coordinator
        registration = record.registration
        kind = record.kind
        submitted = record.submitted
        ended = record.ended
        failure = record.failure
        message = record.message
        isRetried = record.isRetried
        droppedVerdicts = record.droppedVerdicts
        droppedWaits = record.droppedWaits
        let only = record.onlyAttempt
        sent = only?.started
        queryID = only?.queryID
    }

    /// Binds the columns of the row at this place of a statement of `saving`.
    func bind(to saving: inout Statement, at place: Int) throws(SQLiteError) {
        let first = place * Self.columnCount
        try saving.rebind(.text(id), at: first)
        try saving.rebind(Value(key.owner.counter), at: first + 1)
        try saving.rebind(Value(bits: key.owner.random), at: first + 2)
        try saving.rebind(Value(bits: key.number), at: first + 3)
        try saving.rebind(.text(state.rawValue), at: first + 4)
        try saving.rebind(.text(user), at: first + 5)
        try saving.rebind(.text(source), at: first + 6)
        try saving.rebind(.text(group), at: first + 7)
        try saving.rebind(.text(pool), at: first + 8)
        try saving.rebind(.text(coordinator), at: first + 9)
        try saving.rebind(Value(registration), at: first + 10)
        try saving.rebind(Value(kind?.rawValue), at: first + 11)
        try saving.rebind(submitted.value, at: first + 12)
        try saving.rebind(Value(ended), at: first + 13)
        try saving.rebind(Value(failure), at: first + 14)
        try saving.rebind(Value(message), at: first + 15)
        try saving.rebind(Value(isRetried), at: first + 16)
        try saving.rebind(Value(droppedVerdicts), at: first + 17)
        try saving.rebind(Value(droppedWaits), at: first + 18)
        try saving.rebind(Value(sent), at: first + 19)
        try saving.rebind(Value(queryID), at: first + 20)
    }

    private static let columnCount = 21

    /// Statements that write so many rows, the most first: what opens and closes the table and its indexes, a third of
    /// what a row costs by itself, is shared.
    static let saving = [64, 8, 1].map { count in (count: count, text: saving(rows: count)) }

    /// Writes rows, or what may have changed in them: a statement's user and its time, by which rows are found, never
    /// do.
    private static func saving(rows: Int) -> String {
        let row = "(" + Array(repeating: "?", count: columnCount).joined(separator: ", ") + ")"
        return """
            INSERT INTO statement (id, owner, owner_random, owner_number, state, user, source, group_name, pool,
                coordinator, registration, kind, submitted, ended, failure, message, is_retried, dropped_verdicts,
                dropped_waits, sent, query_id)
            VALUES \(Array(repeating: row, count: rows).joined(separator: ", "))
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, source = excluded.source,
                group_name = excluded.group_name, pool = excluded.pool, coordinator = excluded.coordinator,
                registration = excluded.registration, kind = excluded.kind, ended = excluded.ended,
                failure = excluded.failure, message = excluded.message, is_retried = excluded.is_retried,
                dropped_verdicts = excluded.dropped_verdicts, dropped_waits = excluded.dropped_waits,
                sent = excluded.sent, query_id = excluded.query_id
            """
    }
}

extension StatementRecord {
    /// Its attempt, if it is its only one and its own row tells all of it but when it was sent and its id.
    var onlyAttempt: AttemptRecord? {
        guard verdicts.isEmpty, waits.isEmpty, attempts.count == 1, let attempt = attempts.first, queryIDs.count <= 1,
            attempt.queryID == queryIDs.first
        else { return nil }
        guard attempt.number == 1, attempt.pool == pool, attempt.coordinator == coordinator, attempt.ended == ended,
            attempt.failure == failure, attempt.message == message, attempt.rule == nil, attempt.failureClass == nil,
            attempt.action == nil, attempt.gate == nil
        else { return nil }
        return attempt
    }

    /// Whether it has no attempt yet, and nothing befell it.
    var hasNothingBeside: Bool {
        verdicts.isEmpty && waits.isEmpty && attempts.isEmpty && queryIDs.isEmpty
    }
}

extension AttemptRecord {
    /// The only attempt of a statement, as the statement's row tells it.
    init(only started: Timestamp, queryID: String?, of record: StatementRecord) {
        self.init(number: 1, pool: record.pool, coordinator: record.coordinator, started: started)
        self.queryID = queryID
        ended = record.ended
        failure = record.failure
        message = record.message
    }
}
