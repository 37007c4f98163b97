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
            for statement in statements { try save(statement, connection) }
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

    private func save(_ record: StatementRecord, _ connection: borrowing Connection) throws(SQLiteError) {
        let rows = try connection.rows(
            """
            INSERT INTO statement (id, owner, owner_random, owner_number, state, user, source, group_name, pool,
                coordinator, registration, kind, submitted, ended, failure, message, is_retried, dropped_verdicts,
                dropped_waits)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, user = excluded.user, source = excluded.source,
                group_name = excluded.group_name, pool = excluded.pool, coordinator = excluded.coordinator,
                registration = excluded.registration, kind = excluded.kind, submitted = excluded.submitted,
                ended = excluded.ended, failure = excluded.failure, message = excluded.message,
                is_retried = excluded.is_retried, dropped_verdicts = excluded.dropped_verdicts,
                dropped_waits = excluded.dropped_waits
            RETURNING number
            """, .text(record.id), Value(record.key.owner.counter), Value(bits: record.key.owner.random),
            Value(bits: record.key.number), .text(record.state.rawValue), .text(record.user), .text(record.source),
            .text(record.group), .text(record.pool), .text(record.coordinator), Value(record.registration),
            Value(record.kind?.rawValue), record.submitted.value, Value(record.ended),
            Value(record.failure), Value(record.message), Value(record.isRetried ? 1 : 0),
            Value(record.droppedVerdicts), Value(record.droppedWaits))
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
