import Engine
import SQL
import Wire

/// Statements of one registration in flight, by what is known of them.
public struct InFlight: Equatable, Sendable {
    /// Selected or in the coordinator's queue.
    public var queued: Int
    /// Seen running.
    public var running: Int
    /// Left by an owner that is gone; they may still run.
    public var presumed: Int
    /// Counts from their parts.
    public init(queued: Int = 0, running: Int = 0, presumed: Int = 0) {
        self.queued = queued
        self.running = running
        self.presumed = presumed
    }
    /// All of them.
    public var total: Int { queued + running + presumed }
}

/// What happened to a statement, as the loops report it. Events of one statement arrive in order if one loop saw them;
/// else the times tell.
public struct StatementEvent: Sendable {
    /// The statement.
    public var key: StatementKey
    /// When.
    public var at: Timestamp
    /// What.
    public var change: Change

    /// What happened.
    public enum Change: Equatable, Sendable {
        /// Its POST was taken and a group was chosen; nearly always it was sent at once, as its first attempt. What the
        /// coordinator called that attempt is there if it has answered already.
        case submitted(Submission, sentTo: Place? = nil, queryID: String? = nil)
        /// It was sent to a coordinator later.
        case attempted(number: Int, Place)
        /// The coordinator answered with an id.
        case answered(number: Int, queryID: String)
        /// A page showed that it runs.
        case running
        /// A failure of the attempt was judged. Few are, so that it makes no other event larger.
        indirect case judged(Verdict, coordinator: String)
        /// It waits here, from now until it is sent to a coordinator or ends.
        case waits(WaitReason)
        /// A poll of a statement whose owner is gone arrived here.
        case adopted(attempt: Int, registration: UInt32)
        /// It ended.
        case ended(StatementState, failure: String?, message: String?)
    }

    /// An event from its parts.
    public init(key: StatementKey, at: Timestamp, change: Change) {
        self.key = key
        self.at = at
        self.change = change
    }
}

/// Counters of the data plane since the start, summed over the loops. Names are those of the metrics.
public struct RelayCounters: Equatable, Sendable {
    /// Requests of clients, by what they asked for.
    public var submissions: UInt64 = 0
    /// Polls relayed.
    public var polls: UInt64 = 0
    /// Other requests answered or relayed.
    public var others: UInt64 = 0
    /// Requests refused before anything was done: bad heads, unknown paths, forged tags.
    public var refused: UInt64 = 0
    /// Bytes of page bodies sent to clients.
    public var pageBytes: UInt64 = 0
    /// Exchanges repeated on the same URI.
    public var repeats: UInt64 = 0
    /// Pages without rows made because a coordinator gave no answer.
    public var waitingPages: UInt64 = 0
    /// Statements that ended with an error of the gateway's own.
    public var ownErrors: UInt64 = 0
    /// History events dropped because a loop's buffer was full.
    public var droppedEvents: UInt64 = 0
    /// Times that a pattern of the policy reached one of its limits and counted as no match.
    public var patternsGivenUp: UInt64 = 0
    /// Client connections accepted.
    public var connections: UInt64 = 0
    /// Client connections open now.
    public var openConnections: Int = 0
    /// Idle upstream connections now.
    public var idleConnections: Int = 0
    /// All counters at zero.
    public init() {}
}

/// What retrying has at hand, as the data plane counts it.
public struct RetryState: Equatable, Sendable {
    /// Retries that the budget allows in its window, as it stands now (`retries.budget`).
    public var budgetLimit: Int
    /// Those of them that are left.
    public var budgetLeft: Int
    /// Rules whose breaker is open: too few of their retries succeeded of late.
    public var openBreakers: [String]
    /// Statements that wait here.
    public var waiting: Int
    /// Bytes of texts and headers kept for retries, of `limits.capsules`.
    public var capsuleBytes: Int

    /// A state from its parts.
    public init(
        budgetLimit: Int = 0, budgetLeft: Int = 0, openBreakers: [String] = [], waiting: Int = 0, capsuleBytes: Int = 0
    ) {
        self.budgetLimit = budgetLimit
        self.budgetLeft = budgetLeft
        self.openBreakers = openBreakers
        self.waiting = waiting
        self.capsuleBytes = capsuleBytes
    }
}

/// A pool by its group and its name.
public struct PoolPlace: Hashable, Sendable {
    /// The group.
    public var group: String
    /// The pool.
    public var pool: String
    /// A pool by its names.
    public init(group: String, pool: String) {
        self.group = group
        self.pool = pool
    }
}

/// Something only a service can do and a loop asks for: it hands it over and goes on.
public enum TrafficRequest: Sendable {
    /// An answer of a coordinator does not fit what is known of its incarnation: probe it now.
    case probe(registration: UInt32)
    /// A first id of an incarnation was seen: its suffix tells where later ids belong.
    case suffixSeen(registration: UInt32, suffix: String)
    /// A pool that should begin at the first poll ran a statement in its POST.
    case startsOnPost(group: String, pool: String)
    /// A transaction began or was used; the page that says so waits for `stored` if it is given.
    case pin(TransactionPin, stored: (@Sendable () -> Void)?)
    /// A transaction ended.
    case unpin(id: String)
    /// A failure of class unavailable, or of class internal before any row: it counts against the coordinator.
    case failed(registration: UInt32, FailureClass)
    /// A statement failed because the coordinator has too few workers: it takes nothing for a while.
    case condemned(registration: UInt32)
    /// A statement that was let through to a condemned coordinator has left its queue.
    case leftQueue(registration: UInt32)
    /// A waiting statement that may write is about to be POSTed to a pool that runs it in the POST; `stored` is called
    /// with whether that is durable.
    case submitting(StatementKey, stored: @Sendable (Bool) -> Void)
    /// An attempt of a statement that may write is superseded; `stored` is called with whether that is durable.
    case superseded(StatementKey, attempt: Int, stored: @Sendable (Bool) -> Void)
    /// A rule's pattern reached one of its limits for the first time on a loop.
    case patternGaveUp(rule: String)
    /// A statement was canceled; `stored` is called when its tombstone is durable or known not to become so.
    case tombstone(Tombstone, stored: @Sendable () -> Void)
}

/// The port to the data plane, which Relay provides.
public protocol Traffic: Sendable {
    /// Makes a table the one that every POST is routed by whose head arrives from now on.
    func publish(_ table: RoutingTable)
    /// The published table.
    var table: RoutingTable { get }
    /// Statements in flight, by registration.
    func inFlight() -> [UInt32: InFlight]
    /// Attempts that were ever placed since this process began, by registration.
    func submitted() -> [UInt32: UInt64]
    /// Open transactions, by registration.
    func openTransactions() -> [UInt32: Int]
    /// How many statements wait here, by the pool that they would go to now.
    func waiting() -> [PoolPlace: Int]
    /// The state of every statement that this gateway holds, by key.
    func liveStates() -> [StatementKey: StatementState]
    /// Counts unfinished statements of owners that are gone as presumed on their registrations, each until it is
    /// polled (then it is adopted and counts as what it is) or `forgetPresumed` ends it.
    func presume(_ statements: [StatementRecord])
    /// Ends the presumption of all that were not polled since `presume`; answers their keys. A poll that comes later
    /// adopts as ever.
    func forgetPresumed() -> [StatementKey]
    /// What retrying has at hand.
    func retryState() -> RetryState
    /// Sums up the loops' counters.
    func counters() async -> RelayCounters
    /// Whether clients' requests for readiness are answered with yes.
    func setReady(_ ready: Bool)
    /// From now on responses carry `Connection: close`, and connections at rest are closed.
    func closeGently()
}

/// Where the loops' events and requests go: one writer task takes each batch whole.
public protocol TrafficSink: Sendable {
    /// Takes what a loop tells at a tick. Called on the loop: it must only hand over.
    func accept(_ batch: EventBatch)
    /// Takes a request. Called on the loop: it must only hand over.
    func accept(_ request: TrafficRequest)
}
