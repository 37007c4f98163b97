/// What a statement asks for, once its text and names are understood.
indirect enum StatementPlan: Sendable {
    /// Rows of a query in SQLite's SQL, with what its text tells of the columns.
    case rows(sql: String, hints: [ColumnHint])
    /// A change of tables.
    case change(Change)
    /// A change of the client's session: headers without their prefix.
    case session(updateType: String, headers: [SessionHeader])
    /// START TRANSACTION, COMMIT, ROLLBACK.
    case transaction(TransactionStep)
    /// The plan of a query in SQLite's SQL; `runs` is what EXPLAIN ANALYZE runs first.
    case explain(sql: String?, runs: StatementPlan?)

    /// A statement that changes tables.
    struct Change: Sendable {
        var updateType: String
        var steps: [Step]
        /// Whether it says how many rows it changed. Those that do not have one page only.
        var countsRows = false
    }

    /// One step of a change.
    enum Step: Sendable {
        /// A statement of SQLite's SQL.
        case run(String)
        /// A table made of a query, which is filled with its rows if `withData`.
        case create(TableName, query: String, hints: [ColumnHint], withData: Bool)
    }
}

/// What a statement does to the client's transaction.
enum TransactionStep: Equatable, Sendable {
    case start, commit, rollback

    var updateType: String {
        switch self {
        case .start: "START TRANSACTION"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        }
    }
}

/// A header that changes the client's session, its name without prefix: `Set-Session`.
struct SessionHeader: Equatable, Sendable {
    let name: String
    let value: String
}
