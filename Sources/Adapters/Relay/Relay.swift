import Engine
import Model
import Network
import Synchronization
import Wire

/// Why the data plane could not start.
public enum RelayProblem: Error, Equatable, Sendable {
    /// A loop could not be made.
    case loop(String)
    /// The address cannot be listened on.
    case listening(String)
}

/// The data plane: loops that relay, and the statements that they share. It provides the port `Traffic`.
public final class Relay: Traffic {
    private let hub: Hub
    private let threads: Guarded<[LoopThread<RelayLoop>]> = Guarded([])
    private let maximumConnections: Int
    private let loops: Int

    /// A data plane that does not accept yet.
    ///
    /// - Parameters:
    ///   - owner: this process's owner number, committed already.
    ///   - keys: what tags are made and verified with.
    ///   - loops: how many threads relay, 1 to 64.
    ///   - maximumConnections: `limits.client_connections`; at the bound the listener rests.
    ///   - externalBase: `scheme://host:port` that clients see, if it is not the one they use.
    ///   - retries: the terms of retrying.
    ///   - policy: what failures are judged by.
    ///   - sink: takes the loops' events and requests.
    public init(
        owner: Owner, keys: TagKeys, loops: Int, maximumConnections: Int, externalBase: String?,
        limits: LimitSettings, retries: RetrySettings, policy: Policy, sink: any TrafficSink, clock: any Clock
    ) {
        self.loops = max(1, min(64, loops))
        self.maximumConnections = maximumConnections
        hub = Hub(
            owner: owner, keys: keys, sink: sink, clock: clock, limits: RelayLimits(limits),
            retries: RetryTerms(retries, limits), policy: policy, externalBase: externalBase.map { Array($0.utf8) })
    }

    /// Begins to accept; answers the address that it listens on.
    public func start(address: SocketAddress, authority: String) async throws(RelayProblem) -> SocketAddress {
        var made: [LoopThread<RelayLoop>] = []
        for index in 0..<loops {
            made.append(try makeLoop(index))
        }
        threads.withLock { $0 = made }
        let hub = hub
        let others = made
        let maximum = maximumConnections
        do {
            let bound = try await made[0].perform { relay in
                hub.startedAt.store(relay.now, ordering: .relaxed)
                return try relay.listen(address, threads: others, maximumConnections: maximum)
            }
            let shown = authority.hasSuffix(":0") ? "\(authority.dropLast(2)):\(bound.port)" : authority
            hub.isReached(at: shown)
            return bound
        } catch {
            for thread in made { thread.stop() }
            throw .listening("\(error)")
        }
    }

    private func makeLoop(_ index: Int) throws(RelayProblem) -> LoopThread<RelayLoop> {
        let hub = hub
        let count = loops
        let door = LoopDoor()
        do {
            let thread = try LoopThread<RelayLoop>(name: "relay-\(index)") { loop in
                RelayLoop(loop: loop, hub: hub, index: index, loopCount: count) { job in door.post(job) }
            }
            door.open(thread)
            return thread
        } catch {
            throw .loop("\(error)")
        }
    }

    /// Stops accepting new connections.
    public func stopAccepting() async {
        guard let first = threads.withLock({ $0.first }) else { return }
        _ = try? await first.perform { $0.stopListening() }
    }

    /// Ends every loop; connections that are still open are closed.
    public func stop() async {
        let all = threads.withLock { threads in
            let all = threads
            threads = []
            return all
        }
        // The last events of each loop leave before it ends.
        for thread in all { _ = try? await thread.perform { $0.tick() } }
        for thread in all { thread.stop() }
        for thread in all { await thread.join() }
    }

    /// Clients' connections that are open.
    public var openConnections: Int { hub.openConnections.load(ordering: .relaxed) }

    /// Takes new limits, other terms of retrying and another policy; they hold from the next request on.
    public func apply(_ limits: LimitSettings, retries: RetrySettings, policy: Policy) {
        hub.apply(limits: RelayLimits(limits), retries: RetryTerms(retries, limits), policy: policy)
    }

    /// Takes over what the store held when this process started: open transactions, canceled statements, and what must
    /// not be forgotten of those that waited or were retried.
    public func restore(pins: [TransactionPin], tombstones: [Tombstone]) {
        let now = monotonicMilliseconds()
        for pin in pins { hub.pins.add(pin.id, registration: pin.registration, now: pin.used) }
        for tombstone in tombstones {
            switch tombstone.kind {
            case .canceled:
                var placement = Placement(Place(group: ""), submitted: tombstone.at)
                placement.queryID = tombstone.queryID
                hub.cells.add(
                    Cell(key: tombstone.key, machine: StatementMachine(canceledAt: now), placement: placement))
            case .superseded, .submitted: hub.restored.add(tombstone)
            }
        }
    }

    // MARK: Traffic

    /// Makes a table the one that every POST is routed by whose head arrives from now on.
    public func publish(_ table: RoutingTable) { hub.publish(table) }

    /// The published table.
    public var table: RoutingTable { hub.snapshot.table }

    /// Statements in flight, by registration.
    public func inFlight() -> [UInt32: InFlight] {
        hub.loads.mapValues { load in
            let parts = load.parts
            return InFlight(queued: parts.queued, running: parts.running, presumed: parts.presumed)
        }
    }

    /// Attempts that were ever placed, by registration.
    public func submitted() -> [UInt32: UInt64] { hub.loads.mapValues(\.submitted) }

    /// Open transactions, by registration.
    public func openTransactions() -> [UInt32: Int] { hub.pins.counts }

    /// How many statements wait here, by the pool that they would go to now.
    public func waiting() -> [PoolPlace: Int] {
        guard hub.waiting.value > 0 else { return [:] }
        let table = hub.snapshot.table
        var counts: [PoolPlace: Int] = [:]
        for cell in hub.cells.all where cell.machine.isWaiting {
            let group = cell.placement.group
            guard let pool = cell.submission?.fixedPool ?? table.group(group)?.active else { continue }
            counts[PoolPlace(group: group, pool: pool), default: 0] += 1
        }
        return counts
    }

    /// The state of every statement that has not ended.
    public func liveStates() -> [StatementKey: StatementState] {
        var states: [StatementKey: StatementState] = [:]
        for cell in hub.cells.all {
            let state = cell.machine.state
            if !state.isTerminal { states[cell.key] = state }
        }
        return states
    }

    /// What retrying has at hand.
    public func retryState() -> RetryState {
        let condition = hub.retries.condition(hub.snapshot.retries, now: monotonicMilliseconds())
        return RetryState(
            budgetLimit: condition.limit, budgetLeft: condition.left, openBreakers: condition.open,
            waiting: hub.waiting.value, capsuleBytes: hub.capsuleBytes.inUse)
    }

    /// Sums up the loops' counters.
    public func counters() async -> RelayCounters {
        var sum = RelayCounters()
        for thread in threads.withLock({ $0 }) {
            guard let counters = try? await thread.perform({ $0.counters }) else { continue }
            sum.add(counters)
        }
        sum.openConnections = hub.openConnections.load(ordering: .relaxed)
        return sum
    }

    /// What /-/ready answers from now on.
    public func setReady(_ ready: Bool) { hub.isReady.store(ready, ordering: .relaxed) }

    /// From now on answers carry `Connection: close`, and connections at rest are closed.
    public func closeGently() {
        hub.isClosing.store(true, ordering: .relaxed)
        for thread in threads.withLock({ $0 }) { thread.post { $0.closeResting() } }
    }

    /// Counts unfinished statements of owners that are gone as presumed.
    public func presume(_ statements: [StatementRecord]) {
        let now = monotonicMilliseconds()
        for record in statements where record.registration != 0 {
            let place = Place(
                group: record.group, pool: record.pool, coordinator: record.coordinator,
                registration: record.registration, load: hub.load(record.registration))
            var placement = Placement(place, submitted: record.submitted)
            placement.queryID = record.queryIDs.last ?? ""
            let machine = StatementMachine(
                presumedAttempt: max(
                    UInt16(clamping: record.attempts.last?.number ?? 1),
                    hub.restored.supersededAttempt(of: record.key) &+ 1),
                reads: record.kind?.reads ?? false,
                startsOnPost: false, now: now)
            let cell = hub.cells.add(Cell(key: record.key, machine: machine, placement: placement))
            for id in record.queryIDs.dropLast() {
                hub.shownIDs.keep(
                    id.utf8.span, key: record.key, registration: record.registration, hasKnownSuffix: false,
                    at: record.submitted)
            }
            if let id = record.queryIDs.last { hub.shownIDs.add(id.utf8.span, of: cell) }
        }
    }

    /// Ends the presumption of all that were not polled; answers their keys.
    public func forgetPresumed() -> [StatementKey] {
        hub.cells.all.filter { $0.presumptionEnded() }.map(\.key)
    }
}

extension RetryTerms {
    fileprivate init(_ retries: RetrySettings, _ limits: LimitSettings) {
        self.init()
        mode = retries.mode
        attempts = retries.attempts
        elapsed = retries.elapsed.wholeMilliseconds
        budgetShare = retries.budget.share
        budgetFloor = retries.budget.floor
        budgetWindow = retries.budget.window.wholeMilliseconds
        optIn = Set(retries.optIn)
        waitForCoordinator = limits.waitForCoordinator.wholeMilliseconds
    }
}

/// The way back into a loop, for what is made before its thread is known.
private final class LoopDoor: Sendable {
    private let thread = Mutex<Reference?>(nil)
    /// The thread is kept by the relay alone, so that nothing keeps a loop alive that was stopped.
    private struct Reference: Sendable {
        weak let thread: LoopThread<RelayLoop>?
    }

    func open(_ thread: LoopThread<RelayLoop>) { self.thread.withLock { $0 = Reference(thread: thread) } }

    func post(_ job: @escaping @Sendable (RelayLoop) -> Void) { thread.withLock { $0?.thread }?.post(job) }
}

extension RelayCounters {
    /// Adds a loop's counters.
    mutating func add(_ other: RelayCounters) {
        submissions += other.submissions
        polls += other.polls
        others += other.others
        refused += other.refused
        pageBytes += other.pageBytes
        repeats += other.repeats
        waitingPages += other.waitingPages
        ownErrors += other.ownErrors
        droppedEvents += other.droppedEvents
        connections += other.connections
        patternsGivenUp += other.patternsGivenUp
        idleConnections += other.idleConnections
    }
}
