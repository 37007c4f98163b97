import Engine
import Model
import SQLite

/// What is written behind and never waited for.
extension SQLiteStorage {
    /// Statements that one transaction of pruning removes: it must not keep a flip waiting.
    private static let pruneBatch = 1000

    /// Writes a batch of history in one transaction, not synced by itself.
    public func record(_ statements: [StatementRecord]) async throws(StorageProblem) {
        guard !statements.isEmpty else { return }
        try writeBehind { connection throws(SQLiteError) in
            try connection.withStatement(SQLiteStorage.saving) { saving throws(SQLiteError) in
                var last: [Value] = []
                for statement in statements { try save(statement, saving, after: &last, connection) }
            }
        }
    }

    /// The statements that match, newest first.
    public nonisolated func statements(_ filter: StatementFilter) async throws(StorageProblem) -> [StatementRecord] {
        try await reader.statements(filter)
    }

    /// One statement, by the gateway's id, else the newest that an engine gave this id.
    public nonisolated func statement(_ id: String) async throws(StorageProblem) -> StatementRecord? {
        try await reader.statement(id)
    }

    /// The statements of these ids, those that there are.
    public nonisolated func statements(ids: [String]) async throws(StorageProblem) -> [StatementRecord] {
        try await reader.statements(ids: ids)
    }

    /// The lines of the retry log that match, newest first.
    public nonisolated func retries(_ filter: RetryFilter) async throws(StorageProblem) -> [RetryRecord] {
        try await reader.retries(filter)
    }

    /// Removes ended statements in batches, each a transaction of its own, and gives the room back to the disk.
    public func prune(before: Timestamp, maximumBytes: Int) async throws(StorageProblem) -> Int {
        var pruned = 0
        while true {
            let removed = try writeBehind { connection throws(SQLiteError) in
                let isTooLarge = try usedBytes(connection) > maximumBytes
                // Only what has ended goes: what still runs is needed to know what drains.
                try connection.run(
                    """
                    DELETE FROM statement WHERE number IN (
                        SELECT number FROM statement WHERE ended IS NOT NULL AND submitted < ?
                        ORDER BY submitted LIMIT \(SQLiteStorage.pruneBatch))
                    """, isTooLarge ? .integer(.max) : before.value)
                return connection.changes
            }
            pruned += removed
            if removed == 0 { break }
            // Between two transactions others have their turn.
            await Task.yield()
        }
        try writeBehind { connection throws(SQLiteError) in try connection.run("PRAGMA incremental_vacuum") }
        return pruned
    }

    private func usedBytes(_ connection: borrowing Connection) throws(SQLiteError) -> Int {
        func number(_ pragma: String) throws(SQLiteError) -> Int64 {
            try connection.rows("PRAGMA \(pragma)").first?.first?.integer ?? 0
        }
        return Int(try (number("page_count") - number("freelist_count")) * number("page_size"))
    }

    /// Writes the row of a statement, or what may have changed in it: its user and its time, by which rows are found,
    /// never do.
    private static let saving = """
        INSERT INTO statement (id, owner, owner_random, owner_number, state, user, source, group_name, pool,
            coordinator, registration, kind, submitted, ended, failure, message, is_retried, dropped_verdicts,
            dropped_waits, sent, query_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, source = excluded.source,
            group_name = excluded.group_name, pool = excluded.pool, coordinator = excluded.coordinator,
            registration = excluded.registration, kind = excluded.kind, ended = excluded.ended,
            failure = excluded.failure, message = excluded.message, is_retried = excluded.is_retried,
            dropped_verdicts = excluded.dropped_verdicts, dropped_waits = excluded.dropped_waits, sent = excluded.sent,
            query_id = excluded.query_id
        """

    private func save(
        _ record: StatementRecord, _ saving: borrowing Statement, after last: inout [Value],
        _ connection: borrowing Connection
    ) throws(SQLiteError) {
        let only = record.onlyAttempt
        let values: [Value] = [
            .text(record.id), Value(record.key.owner.counter), Value(bits: record.key.owner.random),
            Value(bits: record.key.number), .text(record.state.rawValue), .text(record.user), .text(record.source),
            .text(record.group), .text(record.pool), .text(record.coordinator), Value(record.registration),
            Value(record.kind?.rawValue), record.submitted.value, Value(record.ended),
            Value(record.failure), Value(record.message), Value(record.isRetried ? 1 : 0),
            Value(record.droppedVerdicts), Value(record.droppedWaits), Value(only?.started), Value(only?.queryID),
        ]
        try saving.bind(values, after: last)
        last = values
        while try saving.step() {}
        if only != nil || record.hasNothingBeside { return }
        let rows = try connection.rows("SELECT number FROM statement WHERE id = ?", .text(record.id))
        guard let number = rows.first?.first else { return }
        try connection.run("DELETE FROM attempt WHERE statement = ?", number)
        for attempt in record.attempts {
            try connection.run(
                "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", number,
                Value(attempt.number), .text(attempt.pool), .text(attempt.coordinator), Value(attempt.queryID),
                Value(attempt.failure), Value(attempt.message), Value(attempt.rule), Value(attempt.failureClass),
                Value(attempt.action), Value(attempt.gate), attempt.started.value, Value(attempt.ended))
        }
        try connection.run("DELETE FROM query_id WHERE statement = ?", number)
        for (position, id) in record.queryIDs.enumerated() {
            try connection.run("INSERT INTO query_id VALUES (?, ?, ?)", number, Value(position), .text(id))
        }
        try save(record.verdicts, of: number, connection)
        try save(record.waits, of: number, connection)
    }
}

extension StatementRecord {
    /// Its attempt, if it is its only one and its own row tells all of it but when it was sent and its id.
    fileprivate var onlyAttempt: AttemptRecord? {
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
    fileprivate var hasNothingBeside: Bool {
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
