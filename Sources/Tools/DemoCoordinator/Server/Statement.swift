import Network
import Wire

/// A statement that was submitted, until the coordinator forgets it. It lives on the server's loop.
final class Statement {
    /// How far it has come.
    enum Phase: Equatable {
        /// Nobody has polled it: nothing has happened.
        case submitted
        /// It waits for workers, or for others to end.
        case waiting
        /// Its text is being understood.
        case planning
        /// It runs, or has run.
        case running
    }

    /// A poll that is not answered yet.
    struct Poll {
        let exchange: Exchange
        let context: URIContext
        let token: Int
        /// When it is answered whatever there is, in the loop's milliseconds.
        let deadline: Int64
    }

    let id: String
    let slugs: Slugs
    /// How its pages and URIs look.
    let dialect: Dialect
    let sql: String
    let session: ClientSession
    /// When it was submitted: the loop's milliseconds, and the civil time.
    let submitted: Int64
    let created: CivilTime

    var tokens = StatementTokens()
    var phase = Phase.submitted
    /// When its first poll came.
    var started: Int64?
    var lastSeen: Int64
    var lastSeenAt: CivilTime
    var polls: [Poll] = []
    var planned: PlannedStatement?
    var failure: QueryFailure?
    var columns: [ResultColumn]?
    var headers: [SessionHeader] = []
    var updateCount: Int?
    /// Pages of rows that no poll has fetched.
    var batches: [RowBatch] = []
    var isFetching = false
    /// Whether no further rows can come.
    var isExhausted = false
    /// FINISHED pages with a nextUri that are still to come.
    var finishedPages: Int
    /// The newest executing page.
    var newest: Response?
    var givenRows = 0
    var givenBytes = 0
    /// The last page has been made.
    var isOver = false
    /// When it ended, in the loop's milliseconds.
    var ended: Int64?
    var database: DatabaseSession?
    var fault: Fault?

    init(
        id: String, slugs: Slugs, dialect: Dialect, sql: String, session: ClientSession, submitted: Int64,
        created: CivilTime,
        finishedPages: Int
    ) {
        self.id = id
        self.slugs = slugs
        self.dialect = dialect
        self.sql = sql
        self.session = session
        self.submitted = submitted
        self.created = created
        self.finishedPages = finishedPages
        lastSeen = submitted
        lastSeenAt = created
    }

    /// The slug of a token: Presto has one for all of them.
    func slug(_ context: URIContext, _ token: Int) -> String {
        switch dialect {
        case .trino: slugs.slug(context, token)
        case .presto: "x" + slugs.slug(.queued, 0).dropFirst().prefix(32)
        }
    }

    func path(_ context: URIContext, _ token: Int) -> String {
        let start = "/v1/statement/\(context.rawValue)/\(id)"
        return switch dialect {
        case .trino: "\(start)/\(slug(context, token))/\(token)"
        case .presto: "\(start)/\(token)?slug=\(slug(context, token))"
        }
    }

    /// What its pages' stats say now.
    var state: StatementState {
        if failure != nil, batches.isEmpty { return .failed }
        if isExhausted, batches.isEmpty { return .finished }
        return phase == .running ? .running : .queued
    }

    /// Whether it has ended, whether or not its pages have been fetched.
    var isDone: Bool { failure != nil || isExhausted }
}
