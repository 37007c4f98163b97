import Engine
import Model

/// All that the routing table is made of: what the settings say, what the store keeps and what probes found.
struct RoutingState: Sendable {
    /// What probes and statements found out about one registration.
    struct Finding: Sendable {
        var standing: Standing
        /// The health that the log tells of.
        var logged = CoordinatorHealth.unknown
        var address: CoordinatorAddress?
        /// On the monotonic clock: when something was last in flight on a retired registration.
        var busy: Int64
        /// A retired registration on which nothing has been in flight for long: it is in the table no more.
        var isGone = false
    }

    var settings: Settings
    var groups: [StoredGroup]
    var registrations: [StoredRegistration]
    var poolStarts: [StoredPoolStart]
    var findings: [UInt32: Finding] = [:]
    /// Pools that once lost the traffic to another, by group.
    var left: [String: Set<String>] = [:]
    /// The last settings of pools that the file no longer names, and that may still have statements.
    private var former: [String: [PoolSettings]] = [:]
    private var version: UInt64 = 0

    init(settings: Settings, stored: OperationalState, now: Int64) {
        self.settings = settings
        groups = stored.groups
        registrations = stored.registrations
        poolStarts = stored.poolStarts
        for registration in registrations { find(registration, now: now) }
    }

    /// Begins to know a registration.
    mutating func find(_ registration: StoredRegistration, now: Int64) {
        let probe = pool(of: registration).probe
        let machine = HealthMachine(fall: probe.fall, rise: probe.rise, knownSuffixes: registration.idSuffixes)
        findings[registration.number] = Finding(standing: Standing(machine), busy: now)
    }

    /// Other settings hold from now on.
    mutating func adopt(_ new: Settings) {
        for group in settings.groups {
            let kept = new.groups.first { $0.name == group.name }?.pools.map(\.name) ?? []
            let gone = group.pools.filter { !kept.contains($0.name) }
            former[group.name, default: []].removeAll { pool in
                kept.contains(pool.name) || gone.contains { $0.name == pool.name }
            }
            former[group.name, default: []] += gone
        }
        settings = new
        for registration in registrations {
            let probe = pool(of: registration).probe
            findings[registration.number]?.standing.adopt(fall: probe.fall, rise: probe.rise)
        }
    }

    /// The settings of a registration's pool: those of the file, else the last known, else the defaults.
    func pool(of registration: StoredRegistration) -> PoolSettings {
        poolSettings(registration.pool, in: registration.group)
    }

    /// The stored state of a group; one that could not be declared yet is as the file has it.
    func group(_ name: String) -> StoredGroup? {
        if let stored = groups.first(where: { $0.name == name }) { return stored }
        return settings.groups.first { $0.name == name }.map {
            StoredGroup(name: $0.name, active: $0.active, epoch: 1)
        }
    }

    /// The live registration of that name.
    func live(_ name: String) -> StoredRegistration? {
        registrations.first { $0.name == name && $0.retired == nil }
    }

    /// Takes a registration as it was written to the store.
    mutating func put(_ registration: StoredRegistration) {
        if let index = registrations.firstIndex(where: { $0.number == registration.number }) {
            registrations[index] = registration
        } else {
            registrations.append(registration)
        }
    }

    // MARK: The table

    /// The registrations that the table shows: retired ones stay until nothing has been in flight on them for long.
    var visible: [StoredRegistration] {
        registrations.filter { findings[$0.number]?.isGone == false }
    }

    /// The routing table with a version that was never given out.
    /// - Parameters:
    ///   - wall: what the wall clock shows,
    ///   - now: what the monotonic clock shows at that moment.
    mutating func nextTable(at wall: Timestamp, now: Int64) -> RoutingTable {
        version += 1
        let visible = visible
        let declared = settings.groups.map(\.name)
        let further = groups.map(\.name).filter { name in
            !declared.contains(name) && visible.contains { $0.group == name }
        }
        return RoutingTable(
            version: version,
            groups: (declared + further).compactMap { name in group(name).map { table($0, visible) } },
            coordinators: visible.map { coordinator($0, at: wall, now: now) }, selectors: settings.routing)
    }

    private func table(_ group: StoredGroup, _ visible: [StoredRegistration]) -> Group {
        var names = settings.groups.first { $0.name == group.name }?.pools.map(\.name) ?? []
        let further = visible.filter { $0.group == group.name }.map(\.pool) + [group.active]
        for name in further where !names.contains(name) { names.append(name) }
        let pools = names.map { name in
            let settings = poolSettings(name, in: group.name)
            let runsOnPost = poolStarts.contains(StoredPoolStart(group: group.name, pool: name))
            var pool = Pool(
                name: name, dialect: settings.dialect, starts: runsOnPost ? .post : settings.starts,
                takes: settings.takes, bigger: settings.bigger, pinnedUsers: settings.pinnedUsers,
                uiURL: settings.uiURL)
            pool.isRolledBack = group.rolledBack == name && group.active != name
            return pool
        }
        return Group(name: group.name, pools: pools, active: group.active, epoch: group.epoch)
    }

    private func coordinator(_ registration: StoredRegistration, at wall: Timestamp, now: Int64) -> Coordinator {
        let url = ServerURL(registration.url)
        var coordinator = Coordinator(
            registration: registration.number, name: registration.name, group: registration.group,
            pool: registration.pool, url: registration.url, authority: url?.authority ?? "")
        coordinator.isDrained = registration.isDrained
        coordinator.isRetired = registration.retired != nil
        guard let finding = findings[registration.number] else { return coordinator }
        coordinator.address = finding.address
        let standing = finding.standing
        coordinator.health = standing.health
        coordinator.workers = standing.probes.workers
        coordinator.version = standing.probes.version
        coordinator.incarnation = standing.probes.incarnation
        coordinator.startedAfter = standing.probes.startedAfter
        coordinator.checked = standing.probes.checked
        coordinator.idSuffix = standing.probes.idSuffix
        coordinator.episode = standing.episode
        coordinator.capacity = standing.capacity
        coordinator.share = standing.share
        coordinator.reason = standing.reason
        coordinator.until = standing.until.map { wall.adding(milliseconds: $0 - now) }
        return coordinator
    }

    private func poolSettings(_ name: String, in group: String) -> PoolSettings {
        let declared = settings.groups.first { $0.name == group }?.pools.first { $0.name == name }
        return declared ?? former[group]?.first { $0.name == name } ?? PoolSettings(name: name)
    }
}
