import Engine

/// `GET /v1/status`: what an operator looks at first.
public struct StatusBody: Codable, Equatable, Sendable {
    /// The gateway's version.
    public var version: String
    /// When it started.
    public var started: Timestamp
    /// How long it runs, as a duration in whole seconds: `5025s`.
    public var uptime: String
    /// Whether it serves clients.
    public var isReady: Bool
    /// The gateways that share the store; with SQLite this one alone.
    public var replicas: [ReplicaBody]
    /// The groups, in the order of the settings.
    public var groups: [GroupLine]
    /// All statements in flight.
    public var inFlight: InFlightBody
    /// Whether failures are retried, and what is at hand for it.
    public var retries: RetryStateBody
    /// How the store is.
    public var store: StoreBody
    /// What somebody should look at, one sentence each.
    public var warnings: [String]

    private enum CodingKeys: String, CodingKey {
        case version, started, uptime
        case isReady = "ready"
        case replicas, groups
        case inFlight = "in_flight"
        case retries, store, warnings
    }

    /// A status. `uptimeMilliseconds` comes from the monotonic clock.
    public init(
        version: String, started: Timestamp, uptimeMilliseconds: Int64, isReady: Bool, replicas: [ReplicaBody],
        groups: [GroupLine], inFlight: InFlightBody, retries: RetryStateBody, store: StoreBody, warnings: [String]
    ) {
        self.version = version
        self.started = started
        uptime = "\(uptimeMilliseconds / 1000)s"
        self.isReady = isReady
        self.replicas = replicas
        self.groups = groups
        self.inFlight = inFlight
        self.retries = retries
        self.store = store
        self.warnings = warnings
    }
}

/// Whether failures are retried, and what is at hand for it.
public struct RetryStateBody: Codable, Equatable, Sendable {
    /// `retries.mode`.
    public var mode: RetryMode
    /// Retries that the budget allows in its window, as it stands now.
    public var budgetLimit: Int
    /// Those of them that are left.
    public var budgetLeft: Int
    /// Rules whose breaker is open.
    public var openBreakers: [String]
    /// Bytes of texts and headers kept for retries.
    public var capsuleBytes: Int

    private enum CodingKeys: String, CodingKey {
        case mode
        case budgetLimit = "budget_limit"
        case budgetLeft = "budget_left"
        case openBreakers = "open_breakers"
        case capsuleBytes = "capsule_bytes"
    }

    /// What the data plane says, under the settings' mode.
    public init(mode: RetryMode, _ state: RetryState) {
        self.mode = mode
        budgetLimit = state.budgetLimit
        budgetLeft = state.budgetLeft
        openBreakers = state.openBreakers
        capsuleBytes = state.capsuleBytes
    }
}

/// A gateway that shares the store.
public struct ReplicaBody: Codable, Equatable, Sendable {
    /// What `acknowledged` and `silent` of a flip call it.
    public var name: String
    /// Its front door, `host:port`.
    public var front: String
    /// When it started.
    public var started: Timestamp

    /// A gateway.
    public init(name: String, front: String, started: Timestamp) {
        self.name = name
        self.front = front
        self.started = started
    }
}

/// A group in short.
public struct GroupLine: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// The active pool.
    public var active: String
    /// Raised by each flip.
    public var epoch: UInt64

    /// A group in short.
    public init(name: String, active: String, epoch: UInt64) {
        self.name = name
        self.active = active
        self.epoch = epoch
    }
}

/// How the store is.
public struct StoreBody: Codable, Equatable, Sendable {
    /// `sqlite` or `postgresql`.
    public var kind: String
    /// Whether it can be written.
    public var isWritable: Bool
    /// What keeps it from being written.
    @OrNull public var problem: String?
    /// The file or the server.
    public var location: String
    /// Bytes it takes.
    public var bytes: Int

    private enum CodingKeys: String, CodingKey {
        case kind
        case isWritable = "writable"
        case problem, location, bytes
    }

    /// The condition that the store reports.
    public init(_ condition: StorageCondition) {
        kind = condition.kind
        isWritable = condition.isWritable
        location = condition.location
        bytes = condition.bytes
        problem = condition.problem
    }
}
