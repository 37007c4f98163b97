import Engine

/// Everything that an operator can set, as `Config/penstock.yaml` has it: a value, compared and published whole.
///
/// Each property is the key of the same name (`externalURL` is `external_url`); its initial value is the key's
/// default. Durations are `Duration`, sizes are bytes. Whoever holds a `Settings` may take it for valid: a source
/// refuses what is unknown, malformed, out of bounds or unreachable before it gives one out.
public struct Settings: Equatable, Sendable {
    /// The front door: the clients' SQL traffic.
    public var listen = ListenSettings()
    /// The second listener: API, console, metrics.
    public var admin = AdminSettings()
    /// Where what must outlive the process is kept.
    public var state = StateSettings()
    /// What is logged, and how.
    public var log = LogSettings()
    /// How the gateway goes.
    public var shutdown = ShutdownSettings()
    /// Several gateways that share the work.
    public var replicas = ReplicaSettings()
    /// The routing groups, at least one; the first takes what no selector names.
    public var groups: [GroupSettings] = [
        GroupSettings(
            name: "default", active: "blue", pools: [PoolSettings(name: "blue"), PoolSettings(name: "green")])
    ]
    /// The selectors in order: the first that matches chooses the group.
    public var routing: [Selector] = []
    /// How failed statements are submitted again.
    public var retries = RetrySettings()
    /// The failure policy.
    public var policy = PolicySettings()
    /// Every limit by name.
    public var limits = LimitSettings()

    /// The defaults.
    public init() {}

    /// What holds when nothing is set: one group `default` with the pools blue (active) and green, both still without
    /// coordinators.
    public static var `default`: Settings { blank }
}

/// `listen`: the front door.
public struct ListenSettings: Equatable, Sendable {
    /// An IPv4 or IPv6 address or a name of this host.
    public var address = "127.0.0.1"
    /// The port; 0 picks a free one.
    public var port: UInt16 = 8080
    /// Threads that relay; nil (`auto`): one for each core.
    public var loops: Int?
    /// What clients see when something that terminates TLS stands before the gateway; nil: what they connected to.
    public var externalURL: ServerURL?
    /// The CIDRs whose X-Forwarded-* and Forwarded are believed.
    public var trustedProxies: [String] = []

    /// The defaults.
    public init() {}
}

/// `admin`: the second listener.
public struct AdminSettings: Equatable, Sendable {
    /// An IPv4 or IPv6 address or a name of this host.
    public var address = "127.0.0.1"
    /// The port; 0 picks a free one.
    public var port: UInt16 = 8081
    /// Whether /metrics asks for the credential.
    public var metrics = MetricsAccess.token
    /// The file of the credential, relative to the state directory; the first start writes it (0600).
    public var tokenFile = "admin.token"

    /// The defaults.
    public init() {}

    /// The path of the token's file.
    /// - Parameter directory: the resolved state directory, see `StateSettings.resolvedDirectory(environment:)`.
    public func tokenPath(in directory: String) -> String {
        tokenFile.hasPrefix("/") ? tokenFile : "\(directory)/\(tokenFile)"
    }
}

/// `admin.metrics`: who may read /metrics.
public enum MetricsAccess: String, CaseIterable, Sendable {
    /// Whoever has the token.
    case token
    /// Everybody who reaches the listener.
    case open
}

/// `state`: what outlives the process.
public struct StateSettings: Equatable, Sendable {
    /// The folder as it was written; `resolvedDirectory(environment:)` is where it leads.
    public var directory = StateSettings.shippedDirectory
    /// Which store: `sqlite`, later a `postgresql://` URL.
    public var store = "sqlite"
    /// What is older or beyond is pruned, oldest first.
    public var history = HistorySettings()

    static let shippedDirectory = "~/.local/state/penstock"

    /// The defaults.
    public init() {}

    /// The folder with `~` replaced by the home folder, and $STATE_DIRECTORY in place of the default where systemd
    /// sets it (of several folders in it, the first).
    /// - Parameter environment: the process's environment.
    public func resolvedDirectory(environment: [String: String]) -> String {
        if directory == Self.shippedDirectory, let given = environment["STATE_DIRECTORY"],
            let first = given.split(separator: ":").first
        {
            return String(first)
        }
        guard directory == "~" || directory.hasPrefix("~/") else { return directory }
        // A service without a home folder gets the place that a package would use.
        guard let home = environment["HOME"], !home.isEmpty else { return "/var/lib/penstock" }
        return home + directory.dropFirst()
    }
}

/// `state.history`: how much history is kept.
public struct HistorySettings: Equatable, Sendable {
    /// What ended longer ago is pruned.
    public var age = Duration.seconds(30 * 86_400)
    /// Bytes on disk beyond which the oldest is pruned.
    public var size = 1 << 30

    /// The defaults.
    public init() {}
}

/// `log`: what is logged, and how.
public struct LogSettings: Equatable, Sendable {
    /// What is less important than this is not logged.
    public var level = LogLevel.info
    /// How a line looks.
    public var format = LogFormat.auto

    /// The defaults.
    public init() {}
}

/// `log.format`: how a line looks.
public enum LogFormat: String, CaseIterable, Sendable {
    /// Text on a terminal, JSON otherwise.
    case auto
    /// Text for people.
    case text
    /// One JSON object a line.
    case json
}

/// `shutdown`: how the gateway goes.
public struct ShutdownSettings: Equatable, Sendable {
    /// How long it still accepts while it says that it is not ready, so that load balancers notice.
    public var delay = Duration.seconds(5)
    /// How long it then waits for exchanges in flight.
    public var grace = Duration.seconds(30)

    /// The defaults.
    public init() {}
}

/// `replicas`: several gateways over one PostgreSQL.
public struct ReplicaSettings: Equatable, Sendable {
    /// Where the other gateways reach this one's front door; nil: what it listens on.
    public var advertise: ServerURL?
    /// How long a replica may go on without news of the store.
    public var lease = Duration.seconds(5)
    /// What a replica does once its lease has run out.
    public var whenStoreAway = StoreAway.route

    /// The defaults.
    public init() {}
}

/// `replicas.when_store_away`: what is done with new statements once the lease has run out.
public enum StoreAway: String, CaseIterable, Sendable {
    /// Go on routing on the last epoch known.
    case route
    /// Let new statements wait.
    case wait
}

/// `retries`: how failed statements are submitted again.
public struct RetrySettings: Equatable, Sendable {
    /// Whether retries happen.
    public var mode = RetryMode.on
    /// Runs of a statement; what reached nobody is no run.
    public var attempts = 5
    /// How long a statement's attempts may have run, waiting not counted.
    public var elapsed = Duration.seconds(600)
    /// How many of all statements may be retried.
    public var budget = RetryBudgetSettings()
    /// Ids of rules that act only when named here.
    public var optIn: [String] = []

    /// The defaults.
    public init() {}
}

/// `retries.budget`: retries as a share of all statements in a window.
public struct RetryBudgetSettings: Equatable, Sendable {
    /// From 0 to 1.
    public var share = 0.2
    /// Retries in a window that are allowed however few the statements are.
    public var floor = 10
    /// The time over which both are counted.
    public var window = Duration.seconds(60)

    /// The defaults.
    public init() {}
}

/// `policy`: the failure policy.
public struct PolicySettings: Equatable, Sendable {
    /// The file that replaces the shipped rules, as it was written; nil: the shipped ones hold.
    public var file: String?
    /// The rules. They stand in a file of their own, so a source fills them in; by itself there are none, and no
    /// failure meets one.
    public var rules = Policy([])

    /// The defaults, without rules.
    public init() {}
}
