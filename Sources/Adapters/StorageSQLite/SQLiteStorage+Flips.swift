import Engine
import Model
import SQLite

/// Flips and their log.
extension SQLiteStorage {
    /// Commits a flip in one transaction: the group, if its epoch is the one before, and the line of the log.
    public func commit(_ record: FlipRecord) async throws(StorageProblem) -> FlipRecord {
        let result: Result<Int64, StorageProblem> = try write { connection throws(SQLiteError) in
            // What a rollback leaves is the pool that it came from (design 5: it takes no retries).
            let rolledBack = record.undoes == nil ? nil : record.from
            try connection.run(
                "UPDATE routing_group SET active = ?, epoch = ?, rolled_back = ? WHERE name = ? AND epoch = ?",
                .text(record.to), Value(bits: record.epoch), Value(rolledBack), .text(record.group),
                Value(bits: record.epoch &- 1))
            guard connection.changes == 1 else {
                let found = try connection.rows("SELECT epoch FROM routing_group WHERE name = ?", .text(record.group))
                guard let actual = found.first?.first?.bits else { return .failure(.unknown("group \(record.group)")) }
                return .failure(.epochMismatch(actual: actual))
            }
            try connection.run(
                """
                INSERT INTO flip (group_name, from_pool, to_pool, epoch, mode, reason, asked_by, at, is_forced, undoes)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, .text(record.group), .text(record.from), .text(record.to), Value(bits: record.epoch),
                .text(record.mode), Value(record.reason), .text(record.by), record.at.value, Value(record.forced),
                Value(record.undoes))
            return .success(connection.lastInsertRowID)
        }
        var committed = record
        committed.number = try result.get()
        return committed
    }

    /// The flip log, newest first, at most 1000 lines.
    public nonisolated func flips(
        group: String?, before: Int64?, limit: Int
    ) async throws(StorageProblem) -> [FlipRecord] {
        try await reader.flips(group: group, before: before, limit: limit)
    }

    /// One flip.
    public nonisolated func flip(_ number: Int64) async throws(StorageProblem) -> FlipRecord? {
        try await reader.flip(number)
    }
}

/// The flips that a clause selects.
func selectFlips(
    _ connection: borrowing Connection, _ clause: String, _ values: Value...
) throws(SQLiteError) -> [FlipRecord] {
    let statement = try connection.prepare(
        """
        SELECT number, group_name, from_pool, to_pool, epoch, mode, reason, asked_by, at, is_forced, undoes FROM flip
        \(clause)
        """)
    try statement.bind(values)
    var found: [FlipRecord] = []
    while try statement.step() {
        if let record = FlipRecord(row: statement.row()) { found.append(record) }
    }
    return found
}

extension FlipRecord {
    fileprivate init?(row: [Value]) {
        guard let number = row[0].integer, let group = row[1].text, let from = row[2].text, let to = row[3].text,
            let epoch = row[4].bits, let mode = row[5].text, let by = row[7].text, let at = Timestamp(row[8])
        else { return nil }
        self.init(
            number: number, group: group, from: from, to: to, epoch: epoch, mode: mode, reason: row[6].text, by: by,
            at: at, forced: row[9].isTrue, undoes: row[10].integer)
    }
}
