/// Rows of a result, as many as a page holds, and whether more can come.
struct RowBatch: Equatable, Sendable {
    /// The rows as JSON, comma between them, without the outer brackets.
    var rows: [UInt8] = []
    var count = 0
    /// The columns; nil while they are not known.
    var columns: [ResultColumn]?
    /// Whether nothing comes after it.
    var isLast = false
    /// Why nothing comes after it, if it is no good reason.
    var failure: QueryFailure?
    /// How many rows the statement changed, if it says so.
    var updateCount: Int?
    /// Whether it has changed what it was to change.
    var tookEffect = false
}

/// How a statement is run.
struct StatementRequest: Sendable {
    var sql: String
    var session: ClientSession
    /// The moment of its submission.
    var now: CivilTime
    /// The coordinator's name.
    var node: String
    /// Rows of a page, at most.
    var pageRows: Int
    /// Bytes of a page's rows, roughly: the last row may pass it.
    var pageBytes: Int
    /// A failure that is to come once so many rows have been given.
    var fault: RowFault?
}

/// A scripted failure of a statement that has given rows, or changed something.
struct RowFault: Equatable, Sendable {
    var rows: Int
    var failure: QueryFailure
    /// Whether what changes something has done so by then.
    var hasEffect = false
}

/// What a statement turned out to be once it was understood.
struct PlannedStatement: Sendable {
    enum Kind: Equatable, Sendable {
        /// It gives rows.
        case rows
        /// It changes rows and says how many.
        case change
        /// It has one page and no rows: a change of tables, of the session, of the transaction.
        case task
    }

    var kind: Kind
    var columns: [ResultColumn]?
    var updateType: String?
    var headers: [SessionHeader] = []
    var transaction: TransactionStep?
}
