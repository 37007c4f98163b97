import SQL
import Wire

/// When a pool's servers begin to run a statement (design 4.2).
public enum PoolStart: String, Sendable, CaseIterable {
    /// At the first GET of the statement's nextUri, as Trino and Presto do.
    case firstPoll = "first-poll"
    /// At the first byte of the POST.
    case post
}

/// What an idle pool takes besides the polls of its own statements.
public enum PoolTakes: String, Sendable, CaseIterable {
    /// Statements that name the pool by `X-Penstock-Pool`.
    case pinned
    /// Retries of statements that failed elsewhere.
    case retries
}

/// What is known of a coordinator's ability to take statements.
public enum CoordinatorHealth: String, Sendable, CaseIterable {
    /// No probe has been answered yet.
    case unknown
    /// Takes statements.
    case ready
    /// Answers, but says that it is still starting.
    case starting
    /// Answers, but says that it is inactive or shutting down.
    case shuttingDown = "shutting-down"
    /// Answers, but has no workers: an engine queues everything then.
    case noWorkers = "no-workers"
    /// Does not answer.
    case down
    /// Answers probes, but failed too many statements.
    case ejected
}

/// One registration of a coordinator: a name at a URL. A changed URL is a new registration; numbers are never reused.
public struct Coordinator: Equatable, Sendable {
    /// The registration number that tags carry.
    public var registration: UInt32
    /// The name operators use.
    public var name: String
    /// The group it is registered in.
    public var group: String
    /// The pool it is registered in.
    public var pool: String
    /// The base URL as registered, `http://host:port`.
    public var url: String
    /// `host:port` as it goes into the Host header.
    public var authority: String
    /// The resolved address, as `ip` and port; nil until the name was resolved for the first time.
    public var address: CoordinatorAddress?
    /// What probes and failures say of it.
    public var health: CoordinatorHealth
    /// Drained by an operator: nothing new goes there.
    public var isDrained: Bool
    /// Replaced or removed: takes nothing new, still answers what carries its tags.
    public var isRetired: Bool
    /// The number of workers, where an endpoint tells it.
    public var workers: Int?
    /// `nodeVersion.version` of its last answered probe.
    public var version: String?
    /// What tells this run of the server from an earlier one; raised with each restart that was noticed.
    public var incarnation: UInt32
    /// No earlier than this did the present incarnation start, as far as its uptime tells.
    public var startedAfter: Timestamp?
    /// When the last probe was answered: knowledge about the incarnation is as old as this.
    public var checked: Timestamp?
    /// The last five characters of this incarnation's query ids, once known.
    public var idSuffix: String?
    /// Raised each time that its health leaves `ready`: statements that wait in its queue are moved away once for each.
    public var episode: UInt32
    /// How many statements may wait in its queue; nil: any number. While it is set, a statement that leaves the queue
    /// is news.
    public var capacity: Int?
    /// How much it gets of what would come to it, in percent: less than 100 for a while after it came back.
    public var share: Int
    /// Why it is not ready, or gets less than it could.
    public var reason: HealthReason?
    /// Until when that lasts, where the clock decides.
    public var until: Timestamp?

    /// A registration about which nothing is known yet.
    public init(registration: UInt32, name: String, group: String, pool: String, url: String, authority: String) {
        self.registration = registration
        self.name = name
        self.group = group
        self.pool = pool
        self.url = url
        self.authority = authority
        address = nil
        health = .unknown
        isDrained = false
        isRetired = false
        workers = nil
        version = nil
        incarnation = 0
        startedAfter = nil
        checked = nil
        idSuffix = nil
        episode = 0
        capacity = nil
        share = 100
        reason = nil
        until = nil
    }

    /// Its name and what it can take, for people: `blue-1 is down (nobody answers its probes)`.
    public var summary: String {
        if isDrained { return "\(name) is drained" }
        return "\(name) is \(health.rawValue)" + (reason.map { " (\($0.text))" } ?? "")
    }

    /// Whether new statements may go there.
    public var isReady: Bool {
        // Inlined, or the coordinator would be copied with all its names for it.
        @inline(__always) get {
            guard case .ready = health else { return false }
            return !isDrained && !isRetired && address != nil
        }
    }
}

/// A resolved address: a literal IPv4 or IPv6 address and a port.
public struct CoordinatorAddress: Hashable, Sendable {
    /// The literal address.
    public var ip: String
    /// The port.
    public var port: UInt16
    /// An address from its parts.
    public init(ip: String, port: UInt16) {
        self.ip = ip
        self.port = port
    }
}

/// A named set of coordinators that answer the same queries.
public struct Pool: Equatable, Sendable {
    /// The pool's name, unique within its group.
    public var name: String
    /// The dialect its engines speak.
    public var dialect: Dialect
    /// When its servers begin to run a statement.
    public var starts: PoolStart
    /// What it takes while idle.
    public var takes: Set<PoolTakes>
    /// Whether statements that outgrew another pool's memory may be retried here.
    public var bigger: Bool
    /// Patterns of the users who may reach it by header; `*` matches any run of characters.
    public var pinnedUsers: [String]
    /// Where people find its web UI; no trailing slash.
    public var uiURL: String?
    /// Rolled back from: it takes pinned statements at most.
    public var isRolledBack: Bool
    /// A pool from its settings.
    public init(
        name: String, dialect: Dialect = .trino, starts: PoolStart = .firstPoll, takes: Set<PoolTakes> = [.pinned],
        bigger: Bool = false, pinnedUsers: [String] = ["*"], uiURL: String? = nil
    ) {
        self.name = name
        self.dialect = dialect
        self.starts = starts
        self.takes = takes
        self.bigger = bigger
        self.pinnedUsers = pinnedUsers
        self.uiURL = uiURL
        isRolledBack = false
    }
}

/// A routing group: its pools, which one is active, and its epoch.
public struct Group: Equatable, Sendable {
    /// The group's name.
    public var name: String
    /// Its pools, in the order of the settings.
    public var pools: [Pool]
    /// The name of the active pool.
    public var active: String
    /// Raised by each flip.
    public var epoch: UInt64
    /// A group from its parts.
    public init(name: String, pools: [Pool], active: String, epoch: UInt64) {
        self.name = name
        self.pools = pools
        self.active = active
        self.epoch = epoch
    }

    /// The pool of that name.
    public func pool(_ name: String) -> Pool? { pools.first { $0.name == name } }
}

/// Everything a submission needs to know about where it may go: an immutable value, published whole.
public struct RoutingTable: Equatable, Sendable {
    /// Raised with each publication; what has a newer version replaces what has an older one.
    public var version: UInt64
    /// The groups, in the order of the settings; the first is where a statement goes that no selector names.
    public var groups: [Group]
    /// Every registration that takes statements or still answers tags.
    public var coordinators: [Coordinator]
    /// The ordered routing lines; the first that matches decides.
    public var selectors: [Selector]

    /// An empty table.
    public init(
        version: UInt64 = 0, groups: [Group] = [], coordinators: [Coordinator] = [], selectors: [Selector] = []
    ) {
        self.version = version
        self.groups = groups
        self.coordinators = coordinators
        self.selectors = selectors
    }

    /// The group of that name.
    public func group(_ name: String) -> Group? { groupIndex(name).map { groups[$0] } }

    /// The index of the group of that name.
    func groupIndex(_ name: String) -> Int? {
        // A span, because an element of the array would be copied with all its names.
        let groups = groups.span
        return groups.indices.first { groups[$0].name == name }
    }

    /// The registration of that number.
    public func coordinator(_ registration: UInt32) -> Coordinator? {
        coordinators.first { $0.registration == registration }
    }

    /// The index of the coordinator in the pool that is ready, not excluded, not full, and has the fewest statements in
    /// flight. Equal counts go to the one that is named first from `rotation` on, so that idle coordinators share the
    /// load. One that came back a short while ago is passed over but for its share, and what it has counts for more,
    /// unless nobody else is there.
    ///
    /// - Parameters:
    ///   - inFlight: statements in flight, by index into `coordinators`.
    ///   - queued: of these, the ones that were not seen running.
    ///   - excluded: registrations that this statement has tried already.
    ///   - rotation: at least 0, another for each statement.
    public func select(
        group: String, pool: String, excluding excluded: [UInt32], rotation: Int, inFlight: (Int) -> Int,
        queued: (Int) -> Int
    ) -> Int? {
        var best: Int?
        var fewest = Int.max
        var passedOver: Int?
        var fewestThere = Int.max
        // A span, because an element of the array would be copied with all its names.
        let candidates = coordinators.span
        let count = candidates.count
        guard count > 0 else { return nil }
        for step in 0..<count {
            let index = (step + rotation) % count
            guard candidates[index].isReady, candidates[index].pool == pool, candidates[index].group == group
            else { continue }
            guard !excluded.contains(candidates[index].registration) else { continue }
            if let capacity = candidates[index].capacity, queued(index) >= capacity { continue }
            let share = candidates[index].share
            let load = share < 100 ? inFlight(index) * 100 / max(1, share) : inFlight(index)
            if Self.isTurn(rotation, share: share) {
                if load < fewest { (fewest, best) = (load, index) }
            } else if load < fewestThere {
                (fewestThere, passedOver) = (load, index)
            }
        }
        return best ?? passedOver
    }

    /// Whether this turn is one of so many in a hundred. 61 and 100 have no common divisor and a ratio near the golden
    /// one, so that the turns lie far apart.
    private static func isTurn(_ rotation: Int, share: Int) -> Bool { share >= 100 || rotation &* 61 % 100 < share }
}
