/// `limits`: every limit by name, with its unit and its reason.
public struct LimitSettings: Equatable, Sendable {
    // Times of a statement.

    /// How long a statement waits for a coordinator that could take it.
    public var waitForCoordinator = Duration.seconds(300)
    /// How long a coordinator may take to answer a poll; the slowest honest one recorded took 3.8 s.
    public var pollAnswer = Duration.seconds(10)
    /// How long a coordinator may take to answer a POST.
    public var submitAnswer = Duration.seconds(10)
    /// How long polls may go without an answer before the coordinator is taken for gone.
    public var gone = Duration.seconds(120)
    /// How long the client's DELETE may take before it is answered in any case.
    public var cancelAnswer = Duration.seconds(10)
    /// A statement without GET or HEAD for so long is abandoned; the engines do the same.
    public var abandoned = Duration.seconds(300)
    /// How long an ended statement's last page, ids and tombstones are kept for late polls.
    public var remembered = Duration.seconds(900)
    /// How long an open transaction that nobody uses keeps its coordinator.
    public var idleTransaction = Duration.seconds(900)

    // Numbers and sizes of one thing.

    /// Statements that may wait in the gateway; beyond it QUERY_QUEUE_FULL.
    public var waitingStatements = 10_000
    /// Bytes of one statement's text; beyond it 413.
    public var statementText = 16 << 20
    /// Bytes of a text that are lexed on the loop to tell reads from writes.
    public var kindText = 64 << 10
    /// Bytes of a request's or response's head; prepared statements travel in it. Beyond it 431.
    public var headSize = 1 << 20
    /// Bytes of a page that must be there before its first byte leaves; until then a cut is repeated unseen.
    public var pageStart = 64 << 10
    /// Bytes of a page without nextUri that are kept back until it is known whether it carries an error.
    public var lastPage = 1 << 20
    /// Bytes that may wait for one client before reading from its coordinator rests.
    public var highWater = 512 << 10

    // Connections.

    /// How long a head that was begun may take; slower clients are closed.
    public var headTime = Duration.seconds(30)
    /// How long a request's body may stand still before it is dropped with its reservation.
    public var bodyProgress = Duration.seconds(30)
    /// How long a client's connection may rest; longer than any client's own pool keeps it.
    public var idleClient = Duration.seconds(600)
    /// Connections of clients; nil (`auto`): what the descriptors allow.
    public var clientConnections: Int?
    /// A reader that takes no byte for so long loses its exchange; Trino gives up a connection after 200 s.
    public var readerProgress = Duration.seconds(150)
    /// How long a connection to a coordinator may take to be made.
    public var connect = Duration.seconds(3)
    /// How long a connection to a coordinator may rest; Trino closes it after 200 s.
    public var idleUpstream = Duration.seconds(60)

    // Budgets in bytes over all connections.

    /// Heads of more than 16 KiB; beyond it 431.
    public var heads = 64 << 20
    /// Bodies of requests; without room a head waits.
    public var bodies = 256 << 20
    /// What is kept of statements to submit them again; beyond it none is kept.
    public var capsules = 256 << 20
    /// Pages that wait to be whole, or for their verdict; without room they leave at once.
    public var pagesKeptBack = 128 << 20
    /// Pages of the gateway's own that may be asked for again.
    public var answeredPages = 64 << 20
    /// What clients have not taken yet; beyond it reading rests earlier.
    public var relayBuffers = 512 << 20
    /// Tombstones of cancelled statements and superseded attempts.
    public var tombstones = 64 << 20

    /// The defaults.
    public init() {}
}
