import Engine

/// A registration: an entry of `GET /v1/coordinators` and of a pool.
public struct CoordinatorBody: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its group.
    public var group: String
    /// Its pool.
    public var pool: String
    /// Its base URL as registered.
    public var url: String
    /// What probes and failures say of it.
    public var health: CoordinatorHealth
    /// Why it is not ready, or gets less than it could.
    @OrNull public var reason: String?
    /// Until when that lasts, where the clock decides.
    @OrNull public var until: Timestamp?
    /// Whether an operator drained it.
    public var isDrained: Bool
    /// How far it is with finishing what it has.
    public var drain: DrainState
    /// Whether it was removed or replaced and only answers what carries its tags.
    public var isRetired: Bool
    /// Its statements in flight, presumed ones too.
    public var inFlight: Int
    /// Transactions that are open there.
    public var openTransactions: Int
    /// Its workers, where an endpoint tells their number.
    @OrNull public var workers: Int?
    /// The engine's version, once it answered a probe.
    @OrNull public var version: String?
    /// When it last answered a probe.
    @OrNull public var checked: Timestamp?
    /// The number that its tags carry; never reused.
    public var registration: UInt32

    private enum CodingKeys: String, CodingKey {
        case name, group, pool, url, health, reason, until
        case isDrained = "drained"
        case drain
        case isRetired = "retired"
        case inFlight = "in_flight"
        case openTransactions = "open_transactions"
        case workers, version, checked, registration
    }

    /// A coordinator of the published table, with what the data plane counts there.
    public init(_ coordinator: Coordinator, drain: DrainState, inFlight: Int, openTransactions: Int) {
        name = coordinator.name
        group = coordinator.group
        pool = coordinator.pool
        url = coordinator.url
        health = coordinator.health
        reason = coordinator.reason?.text
        until = coordinator.until
        isDrained = coordinator.isDrained
        self.drain = drain
        isRetired = coordinator.isRetired
        self.inFlight = inFlight
        self.openTransactions = openTransactions
        registration = coordinator.registration
        workers = coordinator.workers
        version = coordinator.version
        checked = coordinator.checked
    }
}

/// The body of `POST /v1/coordinators`.
public struct CoordinatorRequest: RequestBody, Equatable {
    /// A name that no coordinator has.
    public var name: String
    /// The group it belongs to.
    public var group: String
    /// Its pool there.
    public var pool: String
    /// Where it listens: scheme, host and port.
    public var url: String

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, group, pool, url
    }

    /// Its members.
    public static var members: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// A registration to be made.
    public init(name: String, group: String, pool: String, url: String) {
        self.name = name
        self.group = group
        self.pool = pool
        self.url = url
    }
}

/// A body that a client sends. A member that it does not know is refused by name, never ignored: a misspelt `force` or
/// `expect_epoch` must not do something else than what was meant.
public protocol RequestBody: Codable, Sendable {
    /// The members that may stand in it.
    static var members: [String] { get }
}
