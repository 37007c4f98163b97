import Model
import SQLite
import Threads

/// Reads lists on a thread of its own, so that a long search keeps no write waiting.
actor HistoryReader: ThreadActor {
    nonisolated let executor = ThreadExecutor(name: "history")
    private let directory: String
    private var isClosed = false

    init(_ directory: String) {
        self.directory = directory
    }

    func close() {
        isClosed = true
    }

    func statements(_ filter: StatementFilter) throws(StorageProblem) -> [StatementRecord] {
        let found: [StatementRecord]? = try read { connection throws(SQLiteError) in
            var position: (Value, Value)?
            if let after = filter.after {
                let rows = try connection.rows("SELECT submitted, number FROM statement WHERE id = ?", .text(after))
                guard let row = rows.first else { return nil }
                position = (row[0], row[1])
            }
            let clause = filter.clause(after: position)
            return try selectStatements(connection, clause.text, clause.values)
        }
        guard let found else { throw .unknown("statement \(filter.after ?? "")") }
        return found
    }

    func statement(_ id: String) throws(StorageProblem) -> StatementRecord? {
        try read { connection throws(SQLiteError) in
            if let own = try selectStatements(connection, "WHERE id = ?", [.text(id)]).first { return own }
            // Coordinators that restart may use an id again: the newest statement is meant.
            let clause = """
                WHERE number IN (
                    SELECT statement FROM query_id WHERE id = ?1 UNION ALL SELECT number FROM statement WHERE query_id = ?1)
                ORDER BY submitted DESC, number DESC LIMIT 1
                """
            return try selectStatements(connection, clause, [.text(id)]).first
        }
    }

    func statements(ids: [String]) throws(StorageProblem) -> [StatementRecord] {
        try read { connection throws(SQLiteError) in
            var found: [StatementRecord] = []
            for id in ids { found += try selectStatements(connection, "WHERE id = ?", [.text(id)]) }
            return found
        }
    }

    func retries(_ filter: RetryFilter) throws(StorageProblem) -> [RetryRecord] {
        try read { connection throws(SQLiteError) in try selectRetries(connection, filter) }
    }

    func flips(group: String?, before: Int64?, limit: Int) throws(StorageProblem) -> [FlipRecord] {
        try read { connection throws(SQLiteError) in
            try selectFlips(
                connection, "WHERE number < ? AND (?2 IS NULL OR group_name = ?2) ORDER BY number DESC LIMIT ?3",
                .integer(before ?? .max), Value(group), Value(min(max(limit, 1), 1000)))
        }
    }

    func flip(_ number: Int64) throws(StorageProblem) -> FlipRecord? {
        try read { connection throws(SQLiteError) in
            try selectFlips(connection, "WHERE number = ?", .integer(number)).first
        }
    }

    /// Runs the body in one snapshot of the file, on a connection of its own. None is kept: connections of one process
    /// share what they know of the file, and one that was opened while the disk was read-only would keep the writer
    /// from writing when it no longer is.
    private func read<Result>(
        _ body: (borrowing Connection) throws(SQLiteError) -> Result
    ) throws(StorageProblem) -> Result {
        guard !isClosed else { throw .away("the store is closed") }
        return try Database.forReading(directory).run { connection throws(SQLiteError) in
            try connection.execute("BEGIN")
            return try body(connection)
        }
    }
}
