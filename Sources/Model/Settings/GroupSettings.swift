import Engine
import Wire

/// An entry of `groups`: a routing group as the file declares it. The store knows better once it has run.
public struct GroupSettings: Equatable, Sendable {
    /// Unique among the groups.
    public var name: String
    /// The pool that is active at the very first start; from then on the store knows.
    public var active: String
    /// The pools, at least one.
    public var pools: [PoolSettings]

    /// A group of these pools.
    public init(name: String, active: String, pools: [PoolSettings]) {
        self.name = name
        self.active = active
        self.pools = pools
    }
}

/// An entry of `pools`: coordinators that answer the same queries.
public struct PoolSettings: Equatable, Sendable {
    /// Unique in its group.
    public var name: String
    /// Which of the two header prefixes its coordinators speak.
    public var dialect = Dialect.trino
    /// When a statement begins to run.
    public var starts = PoolStart.firstPoll
    /// What it takes while it is idle; empty: nothing.
    public var takes: Set<PoolTakes> = [.pinned]
    /// Whether statements that outgrew another pool's memory may be retried here.
    public var bigger = false
    /// Where people find the web UI of this pool, without a slash at the end.
    public var uiURL: String?
    /// Which X-Forwarded-* its coordinators get.
    public var forwarded = ForwardedHeaders.none
    /// Who may reach this pool by X-Penstock-Pool: names, `*` stands for any run of characters.
    public var pinnedUsers = ["*"]
    /// How its coordinators are probed.
    public var probe = ProbeSettings()
    /// Its coordinators; none is allowed, they may be added later.
    public var coordinators: [CoordinatorSettings] = []

    /// A pool with the defaults and no coordinator.
    public init(name: String) {
        self.name = name
    }
}

/// `forwarded`: which X-Forwarded-* the coordinators get.
public enum ForwardedHeaders: String, CaseIterable, Sendable {
    /// None (Trino answers 406 unless it is told to expect them).
    case none
    /// X-Forwarded-For.
    case `for`
    /// X-Forwarded-For, -Host, -Port and -Proto.
    case all
}

/// `probe`: how a pool's coordinators are probed.
public struct ProbeSettings: Equatable, Sendable {
    /// What is asked for; of a path other than /v1/info only status 200 is asked.
    public var path = ProbeSettings.infoPath
    /// From one probe to the next.
    public var interval = Duration.seconds(2)
    /// How long a probe may take.
    public var timeout = Duration.milliseconds(1500)
    /// Failed probes in a row that make a coordinator down.
    public var fall = 3
    /// Good probes in a row that make it ready again.
    public var rise = 2
    /// Whether the number of workers is asked for.
    public var workers = WorkerProbe.auto

    /// The path whose answer is understood.
    public static let infoPath = "/v1/info"

    /// The defaults.
    public init() {}
}

/// `probe.workers`: whether the number of workers is asked for.
public enum WorkerProbe: String, CaseIterable, Sendable {
    /// Where an endpoint tells it.
    case auto
    /// Never.
    case off
}

/// An entry of `coordinators`: one upstream server.
public struct CoordinatorSettings: Equatable, Sendable {
    /// Unique among all coordinators of all groups.
    public var name: String
    /// Where it listens.
    public var url: ServerURL

    /// A coordinator by this name at this place.
    public init(name: String, url: ServerURL) {
        self.name = name
        self.url = url
    }
}
