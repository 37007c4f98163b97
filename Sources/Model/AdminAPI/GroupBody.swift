import Engine

/// `GET /v1/groups/{group}`: a group and what its pools do.
public struct GroupBody: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// The name of the active pool.
    public var active: String
    /// Raised by each flip.
    public var epoch: UInt64
    /// Its pools, in the order of the settings.
    public var pools: [PoolBody]

    /// A group.
    public init(name: String, active: String, epoch: UInt64, pools: [PoolBody]) {
        self.name = name
        self.active = active
        self.epoch = epoch
        self.pools = pools
    }
}

/// A pool of a `GroupBody`.
public struct PoolBody: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Whether it is the group's active pool.
    public var isActive: Bool
    /// Whether at least one of its coordinators takes statements.
    public var isHealthy: Bool
    /// The share of the group's new statements that goes there, 0 to 1.
    public var share: Double
    /// `trino` or `presto`.
    public var dialect: String
    /// How far it is with finishing what it has; `none` for the active pool.
    public var drain: DrainState
    /// What keeps it from being drained, one sentence each; empty unless it drains.
    public var drainsFor: [String]
    /// Its statements in flight.
    public var inFlight: InFlightBody
    /// Transactions that are open there.
    public var openTransactions: Int
    /// The engine versions of its coordinators, without repetition, sorted.
    public var versions: [String]
    /// Its coordinators.
    public var coordinators: [CoordinatorBody]

    private enum CodingKeys: String, CodingKey {
        case name
        case isActive = "active"
        case isHealthy = "healthy"
        case share, dialect, drain
        case drainsFor = "drains_for"
        case inFlight = "in_flight"
        case openTransactions = "open_transactions"
        case versions, coordinators
    }

    /// A pool.
    public init(
        name: String, isActive: Bool, isHealthy: Bool, share: Double, dialect: String, drain: DrainState,
        drainsFor: [String], inFlight: InFlightBody, openTransactions: Int, versions: [String],
        coordinators: [CoordinatorBody]
    ) {
        self.name = name
        self.isActive = isActive
        self.isHealthy = isHealthy
        self.share = share
        self.dialect = dialect
        self.drain = drain
        self.drainsFor = drainsFor
        self.inFlight = inFlight
        self.openTransactions = openTransactions
        self.versions = versions
        self.coordinators = coordinators
    }
}

/// Statements in flight by state.
public struct InFlightBody: Codable, Equatable, Sendable {
    /// In the gateway.
    public var waiting: Int
    /// In a coordinator's queue.
    public var queued: Int
    /// Seen running.
    public var running: Int
    /// Left by a gateway that is gone; they may still run.
    public var presumed: Int

    /// Counts.
    public init(waiting: Int = 0, queued: Int = 0, running: Int = 0, presumed: Int = 0) {
        self.waiting = waiting
        self.queued = queued
        self.running = running
        self.presumed = presumed
    }

    /// The counts of a registration, or of several added up.
    public init(_ counts: InFlight, waiting: Int = 0) {
        self.init(waiting: waiting, queued: counts.queued, running: counts.running, presumed: counts.presumed)
    }

    /// All of them.
    public var total: Int { waiting + queued + running + presumed }
}
