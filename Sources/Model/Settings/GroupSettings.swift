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
    /// For smoke and probe statements.
    public var credentials: CredentialSettings?
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

/// `credentials`: who the gateway itself is on a pool.
public struct CredentialSettings: Equatable, Sendable {
    /// The user.
    public var user: String
    /// The file that holds the password.
    public var passwordFile: String

    /// A user with the file of its password.
    public init(user: String, passwordFile: String) {
        self.user = user
        self.passwordFile = passwordFile
    }
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
    public var url: BaseURL

    /// A coordinator by this name at this place.
    public init(name: String, url: BaseURL) {
        self.name = name
        self.url = url
    }
}

/// An entry of `routing`: a selector. All of its conditions must hold; without any it matches everything.
public struct SelectorSettings: Equatable, Sendable {
    /// The user; `*` stands for any run of characters, as in all conditions.
    public var user: String?
    /// The source.
    public var source: String?
    /// One of the client's tags.
    public var clientTag: String?
    /// Headers with their values, by name; an X-Trino- name stands for its X-Presto- twin too.
    public var headers: [HeaderSetting] = []
    /// The catalog header.
    public var catalog: String?
    /// What the statement does.
    public var kind: SelectorKind?
    /// The declared group that it chooses.
    public var group: String

    /// A selector without conditions.
    public init(group: String) {
        self.group = group
    }
}

/// A line of `when.header`: a header and what it must be.
public struct HeaderSetting: Equatable, Sendable {
    /// The header's name as it was written; case does not matter.
    public var name: String
    /// The value that it must have; `*` stands for any run of characters.
    public var value: String

    /// A header with the value that it must have.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
