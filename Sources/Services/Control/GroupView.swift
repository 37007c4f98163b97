import Engine
import Model

/// What the API shows of groups, pools and coordinators: the table, with what the data plane counts and what drains.
struct GroupView: Sendable {
    /// The published table.
    var table: RoutingTable
    /// Statements in flight, by registration.
    var inFlight: [UInt32: InFlight]
    /// Statements that wait in the gateway, by the pool that they would go to now.
    var waiting: [PoolPlace: Int]
    /// Open transactions, by registration.
    var openTransactions: [UInt32: Int]
    /// Pools that once lost the traffic, by group.
    var left: [String: Set<String>]
    /// Whether all that may still run is counted.
    var isCertain: Bool

    /// A group with its pools.
    func body(of group: Group) -> GroupBody {
        GroupBody(
            name: group.name, active: group.active, epoch: group.epoch,
            pools: group.pools.map { body(of: $0, in: group) })
    }

    /// The coordinators that take statements or still have some.
    var coordinators: [CoordinatorBody] { shown.map { body(of: $0) } }

    /// A coordinator by name; a live one before a retired one.
    func coordinator(_ name: String) -> CoordinatorBody? {
        let named = shown.filter { $0.name == name }
        return (named.first { !$0.isRetired } ?? named.last).map { body(of: $0) }
    }

    /// All statements in flight on coordinators.
    var total: InFlight { inFlight.values.reduce(into: InFlight()) { $0.add($1) } }

    /// A retired coordinator on which nothing is left answers its tags, but is nothing that anybody must know of.
    private var shown: [Coordinator] { table.coordinators.filter { !$0.isRetired || left(on: $0) > 0 } }

    private func left(on coordinator: Coordinator) -> Int {
        (inFlight[coordinator.registration]?.total ?? 0) + (openTransactions[coordinator.registration] ?? 0)
    }

    private func body(of pool: Pool, in group: Group) -> PoolBody {
        let isActive = pool.name == group.active
        let coordinators = shown.filter { $0.group == group.name && $0.pool == pool.name }
        var counts = InFlight()
        for coordinator in coordinators { counts.add(inFlight[coordinator.registration] ?? InFlight()) }
        let open = coordinators.reduce(0) { $0 + (openTransactions[$1.registration] ?? 0) }
        let drain = DrainState(
            hasTraffic: isActive, hadTraffic: hadTraffic(pool.name, group.name), left: counts.total + open,
            isCertain: isCertain)
        return PoolBody(
            name: pool.name, isActive: isActive, isHealthy: coordinators.contains(where: \.isReady),
            share: isActive ? 1 : 0, dialect: "\(pool.dialect)", drain: drain,
            drainsFor: drain == .draining ? coordinators.flatMap(reasons) : [],
            inFlight: InFlightBody(counts, waiting: waiting[PoolPlace(group: group.name, pool: pool.name)] ?? 0),
            openTransactions: open, versions: Set(coordinators.compactMap(\.version)).sorted(),
            coordinators: coordinators.map { body(of: $0) })
    }

    /// A coordinator with what it has.
    func body(of coordinator: Coordinator) -> CoordinatorBody {
        let isMeantToDrain = coordinator.isDrained || coordinator.isRetired
        let isActive = table.group(coordinator.group)?.active == coordinator.pool
        let drain = DrainState(
            hasTraffic: isActive && !isMeantToDrain,
            hadTraffic: isMeantToDrain || hadTraffic(coordinator.pool, coordinator.group), left: left(on: coordinator),
            isCertain: isCertain)
        return CoordinatorBody(
            coordinator, drain: drain, inFlight: inFlight[coordinator.registration]?.total ?? 0,
            openTransactions: openTransactions[coordinator.registration] ?? 0)
    }

    private func hadTraffic(_ pool: String, _ group: String) -> Bool { left[group]?.contains(pool) ?? false }

    private func reasons(_ coordinator: Coordinator) -> [String] {
        let counts = inFlight[coordinator.registration] ?? InFlight()
        let open = openTransactions[coordinator.registration] ?? 0
        return [
            (counts.queued, "queued"), (counts.running, "running"),
            (counts.presumed, "left by an earlier run of the gateway and may still run"),
        ].filter { $0.0 > 0 }.map { count, what in
            "\(coordinator.name): \(count) \(count == 1 ? "statement is" : "statements are") \(what)."
        }
            + (open > 0
                ? ["\(coordinator.name): \(open) \(open == 1 ? "transaction is" : "transactions are") open."] : [])
    }
}

extension InFlight {
    fileprivate mutating func add(_ other: InFlight) {
        queued += other.queued
        running += other.running
        presumed += other.presumed
    }
}
