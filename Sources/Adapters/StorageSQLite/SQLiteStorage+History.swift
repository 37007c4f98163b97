import Engine
import Model
import SQLite

/// What is written behind and never waited for.
extension SQLiteStorage {
    /// Statements that one transaction of pruning removes: it must not keep a flip waiting.
    private static let pruneBatch = 1000

    /// Writes a batch of history in one transaction, not synced by itself.
    public func record(_ drafts: [RecordDraft]) async throws(StorageProblem) {
        guard !drafts.isEmpty else { return }
        try writeBehind { connection throws(SQLiteError) in
            var rest = drafts.indices
            for (count, text) in StatementRow.saving {
                while rest.count >= count {
                    let rows = rest.prefix(count)
                    rest = rest.dropFirst(count)
                    try connection.withStatement(text) { saving throws(SQLiteError) in
                        for (place, index) in rows.enumerated() {
                            try StatementRow(drafts[index]).bind(to: &saving, at: place)
                        }
                        while try saving.step() {}
                    }
                }
            }
            for draft in drafts { try saveBeside(draft, connection) }
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

    /// Writes what does not stand in the statement's own row.
    private func saveBeside(_ draft: RecordDraft, _ connection: borrowing Connection) throws(SQLiteError) {
        guard case .record(let record) = draft, record.onlyAttempt == nil, !record.hasNothingBeside else { return }
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
