import Engine
import Model
import Network
import Synchronization
import Wire

/// What all loops share: the snapshot, the statements, the budgets. Everything in it is a lock, an atomic or a
/// constant.
final class Hub: Sendable {
    let cells = CellTable()
    let pins = TransactionPins()
    let shownIDs: ShownIDs
    let restored = RestoredMarks()
    let owner: Owner
    let keys: TagKeys
    let sink: any TrafficSink
    let clock: any Clock
    /// `scheme://host:port` that clients see instead of the one they used.
    let externalBase: [UInt8]?
    /// The clients' connections that are open.
    let openConnections = Atomic<Int>(0)
    let headBytes = ByteBudget()
    let bodyBytes = ByteBudget()
    let keptBytes = ByteBudget()
    let pendingBytes = ByteBudget()
    let capsuleBytes = ByteBudget()
    let answeredBytes = ByteBudget()
    /// The retry budget and the breakers.
    let retries = RetryPermits()
    /// Statements that wait here.
    let waiting = WaitingCount()
    /// When the loops began, on their monotonic clock.
    let startedAt = Atomic<Int64>(0)
    let isReady = Atomic<Bool>(false)
    let isClosing = Atomic<Bool>(false)
    /// Raised with each snapshot, so that a loop looks at one integer per request.
    let version = Atomic<UInt64>(0)
    /// The host and port that clients without a Host header are taken to have used.
    let listenAuthority = Mutex<String>("localhost")
    private let numbers = Atomic<UInt64>(0)
    /// Ended statements that are remembered, by shard of the table.
    private let remembered = Mutex([Int](repeating: 0, count: CellTable.shardCount))
    private let state: Mutex<State>

    private struct State: Sendable {
        var snapshot: Snapshot
        var limits: RelayLimits
        var retries: RetryTerms
        var policy: Policy
        var loads: [UInt32: CoordinatorLoad] = [:]
    }

    init(
        owner: Owner, keys: TagKeys, sink: any TrafficSink, clock: any Clock, limits: RelayLimits,
        retries: RetryTerms, policy: Policy, externalBase: [UInt8]?
    ) {
        self.owner = owner
        self.keys = keys
        shownIDs = ShownIDs(KeyedHash(key: keys.newest))
        self.sink = sink
        self.clock = clock
        self.externalBase = externalBase
        let empty = Snapshot(table: RoutingTable(), limits: limits, retries: retries, policy: policy) { _ in
            CoordinatorLoad()
        }
        state = Mutex(State(snapshot: empty, limits: limits, retries: retries, policy: policy))
    }

    /// The statement's cell, if it has one.
    func cell(_ key: StatementKey) -> Cell? { cells.cell(key) }

    var snapshot: Snapshot { state.withLock { $0.snapshot } }

    /// The count of a registration; it outlives tables.
    func load(_ registration: UInt32) -> CoordinatorLoad { state.withLock { Self.load(registration, &$0) } }

    var loads: [UInt32: CoordinatorLoad] { state.withLock { $0.loads } }

    private static func load(_ registration: UInt32, _ state: inout State) -> CoordinatorLoad {
        if let load = state.loads[registration] { return load }
        let load = CoordinatorLoad()
        state.loads[registration] = load
        return load
    }

    func publish(_ table: RoutingTable) {
        state.withLock { state in
            guard table.version >= state.snapshot.table.version else { return }
            replaceSnapshot(table, &state)
        }
    }

    func apply(limits: RelayLimits, retries: RetryTerms, policy: Policy) {
        state.withLock { state in
            state.limits = limits
            state.retries = retries
            state.policy = policy
            replaceSnapshot(state.snapshot.table, &state)
        }
    }

    private func replaceSnapshot(_ table: RoutingTable, _ state: inout State) {
        let known = Set(table.coordinators.map(\.registration))
        state.loads = state.loads.filter { known.contains($0.key) || $0.value.total > 0 }
        var loads = state.loads
        state.snapshot = Snapshot(
            table: table, limits: state.limits, retries: state.retries, policy: state.policy
        ) { number in
            if let load = loads[number] { return load }
            let load = CoordinatorLoad()
            loads[number] = load
            return load
        }
        state.loads = loads
        version.wrappingAdd(1, ordering: .releasing)
    }

    /// Clients without a Host header are taken to have used this authority.
    @inline(never)
    func isReached(at authority: String) { listenAuthority.withLock { $0 = authority } }

    /// So many ended statements of a shard are remembered.
    func remember(_ count: Int, inShard shard: Int) { remembered.withLock { $0[shard] = count } }

    /// Whether there is no room for one more statement that must be remembered (`limits.tombstones`).
    func areTombstonesFull(_ limits: RelayLimits) -> Bool {
        remembered.withLock { $0.reduce(0, +) } * Self.tombstoneBytes >= limits.tombstones
    }

    /// What a remembered statement takes, about: its cell with its names, and its place in the table.
    static let tombstoneBytes = 512

    /// The next statement's number, from 1.
    func nextNumber() -> UInt64 { numbers.wrappingAdd(1, ordering: .relaxed).newValue }
}
