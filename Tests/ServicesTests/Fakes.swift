import Engine
import Model
import Synchronization
import Wire

/// A clock that stands until it is moved.
final class ManualClock: Clock {
    private struct Sleeper {
        var id: UInt64
        var until: Int64
        var continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var milliseconds: Int64 = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
    }
    private let state = Mutex(State())
    static let start = Timestamp(milliseconds: 1_800_000_000_000)

    func now() -> Timestamp { Self.start.adding(milliseconds: monotonic()) }
    func monotonic() -> Int64 { state.withLock { $0.milliseconds } }

    func sleep(milliseconds: Int64) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelled.contains(id) || Task.isCancelled { return true }
                    let until = state.milliseconds + milliseconds
                    state.sleepers.append(Sleeper(id: id, until: until, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                state.cancelled.insert(id)
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves on and wakes whoever slept until then.
    func advance(_ milliseconds: Int64) {
        let woken = state.withLock { state in
            state.milliseconds += milliseconds
            let now = state.milliseconds
            let woken = state.sleepers.filter { $0.until <= now }
            state.sleepers.removeAll { $0.until <= now }
            return woken
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }
}

/// A store in memory that can be away.
actor MemoryStorage: Storage {
    var problem: StorageProblem?
    var state = OperationalState()
    var flipLog: [FlipRecord] = []
    var history: [String: StatementRecord] = [:]
    var batches: [Int] = []
    var prunes: [(before: Timestamp, bytes: Int)] = []
    private var lastNumber: UInt32 = 0

    init(_ state: OperationalState = OperationalState()) {
        self.state = state
        lastNumber = state.registrations.map(\.number).max() ?? 0
    }

    func setAway(_ isAway: Bool) { problem = isAway ? .away("the disk is full") : nil }
    func putFlip(_ record: FlipRecord) { flipLog.append(record) }
    func setHistory(_ records: [StatementRecord]) { for record in records { history[record.id] = record } }
    private func check() throws(StorageProblem) { if let problem { throw problem } }

    func claimOwner() async -> Owner { Owner(counter: 1, random: 7) }
    func tagKeys(now: Timestamp) async throws(StorageProblem) -> TagKeys {
        TagKeys(newest: TagKey(id: 1, k0: 1, k1: 2), previous: nil)
    }
    func load(now: Timestamp) async throws(StorageProblem) -> OperationalState { state }

    func declare(_ groups: [StoredGroup]) async throws(StorageProblem) {
        try check()
        state.groups += groups
    }
    func register(_ registration: StoredRegistration) async throws(StorageProblem) -> StoredRegistration {
        try check()
        if state.registrations.contains(where: { $0.name == registration.name && $0.retired == nil }) {
            throw .duplicate(registration.name)
        }
        lastNumber += 1
        var registered = registration
        registered.number = lastNumber
        state.registrations.append(registered)
        return registered
    }
    func update(_ registration: StoredRegistration) async throws(StorageProblem) {
        try check()
        guard let index = state.registrations.firstIndex(where: { $0.number == registration.number }) else {
            throw .unknown("registration \(registration.number)")
        }
        state.registrations[index] = registration
    }
    func forget(registration: UInt32) async throws(StorageProblem) {
        try check()
        state.registrations.removeAll { $0.number == registration }
    }
    func note(_ start: StoredPoolStart) async throws(StorageProblem) {
        try check()
        state.poolStarts.append(start)
    }
    func forget(_ start: StoredPoolStart) async throws(StorageProblem) {
        try check()
        state.poolStarts.removeAll { $0 == start }
    }
    func commit(_ record: FlipRecord) async throws(StorageProblem) -> FlipRecord {
        try check()
        guard let index = state.groups.firstIndex(where: { $0.name == record.group }) else {
            throw .unknown("group \(record.group)")
        }
        guard state.groups[index].epoch == record.epoch - 1 else {
            throw .epochMismatch(actual: state.groups[index].epoch)
        }
        state.groups[index] = StoredGroup(
            name: record.group, active: record.to, epoch: record.epoch,
            rolledBack: record.undoes == nil ? nil : record.from)
        var committed = record
        committed.number = Int64(flipLog.count + 1)
        flipLog.append(committed)
        return committed
    }
    func flips(group: String?, before: Int64?, limit: Int) async throws(StorageProblem) -> [FlipRecord] {
        let found = flipLog.reversed().filter { record in
            (group == nil || record.group == group) && (before.map { record.number < $0 } ?? true)
        }
        return Array(found.prefix(limit))
    }
    func flip(_ number: Int64) async throws(StorageProblem) -> FlipRecord? { flipLog.first { $0.number == number } }
    func save(pins: [TransactionPin], ended: [String]) async throws(StorageProblem) {
        try check()
        state.pins.removeAll { pin in pins.contains { $0.id == pin.id } || ended.contains(pin.id) }
        state.pins += pins
    }
    func save(_ tombstones: [Tombstone]) async throws(StorageProblem) {
        try check()
        state.tombstones += tombstones
    }
    func record(_ drafts: [RecordDraft]) async throws(StorageProblem) {
        try check()
        batches.append(drafts.count)
        for record in drafts.map(\.record) { history[record.id] = record }
    }
    func statements(_ filter: StatementFilter) async throws(StorageProblem) -> [StatementRecord] {
        try check()
        let found = history.values.filter { record in
            (filter.states.isEmpty || filter.states.contains(record.state))
                && (filter.user == nil || filter.user == record.user)
        }
        return Array(found.sorted { $0.submitted > $1.submitted }.prefix(filter.limit))
    }
    func statement(_ id: String) async throws(StorageProblem) -> StatementRecord? {
        try check()
        return history[id] ?? history.values.first { $0.queryIDs.contains(id) }
    }
    func statements(ids: [String]) async throws(StorageProblem) -> [StatementRecord] {
        try check()
        return ids.compactMap { history[$0] }
    }
    func retries(_ filter: RetryFilter) async throws(StorageProblem) -> [RetryRecord] {
        try check()
        let found = history.values.flatMap { record in
            record.lines.filter { filter.matches($0, queryIDs: record.queryIDs) }
        }
        return Array(found.sorted { $0.position > $1.position }.prefix(filter.limit))
    }
    func prune(before: Timestamp, maximumBytes: Int) async throws(StorageProblem) -> Int {
        try check()
        prunes.append((before, maximumBytes))
        return 3
    }
    func condition() async -> StorageCondition {
        StorageCondition(
            kind: "memory", isWritable: problem == nil, problem: problem == nil ? nil : "the disk is full",
            location: "", bytes: 0)
    }
    func close() async {}
}

/// A data plane that only remembers.
final class FakeTraffic: Traffic {
    struct State {
        var tables: [RoutingTable] = []
        var inFlight: [UInt32: InFlight] = [:]
        var openTransactions: [UInt32: Int] = [:]
        var submitted: [UInt32: UInt64] = [:]
        var waiting: [PoolPlace: Int] = [:]
        var live: [StatementKey: StatementState] = [:]
        var presumed: [StatementKey] = []
        var retries = RetryState()
        var isReady = false
    }
    let state = Mutex(State())

    func publish(_ table: RoutingTable) { state.withLock { $0.tables.append(table) } }
    var table: RoutingTable { state.withLock { $0.tables.last ?? RoutingTable() } }
    func inFlight() -> [UInt32: InFlight] { state.withLock { $0.inFlight } }
    func submitted() -> [UInt32: UInt64] { state.withLock { $0.submitted } }
    func openTransactions() -> [UInt32: Int] { state.withLock { $0.openTransactions } }
    func waiting() -> [PoolPlace: Int] { state.withLock { $0.waiting } }
    func liveStates() -> [StatementKey: StatementState] { state.withLock { $0.live } }
    func presume(_ statements: [StatementRecord]) {
        state.withLock { $0.presumed += statements.filter { $0.registration != 0 }.map(\.key) }
    }
    func forgetPresumed() -> [StatementKey] {
        state.withLock { state in
            defer { state.presumed = [] }
            return state.presumed
        }
    }
    func retryState() -> RetryState { state.withLock { $0.retries } }
    func counters() async -> RelayCounters { RelayCounters() }
    func setReady(_ ready: Bool) { state.withLock { $0.isReady = ready } }
    func closeGently() {}
}

/// Servers by `ip:port`, each with answers by path; whoever is not there refuses.
final class FakeWeb: Web {
    enum Answer: Sendable {
        case says(Int, String)
        case problem(WebProblem)
    }
    private struct State {
        var servers: [String: [String: Answer]] = [:]
        var requests: [WebRequest] = []
    }
    private let state = Mutex(State())

    func serve(_ place: String, _ answers: [String: Answer]?) { state.withLock { $0.servers[place] = answers } }
    var requests: [WebRequest] { state.withLock { $0.requests } }

    func perform(_ request: WebRequest) async throws(WebProblem) -> WebResponse {
        let place = request.address.map { "\($0.ip):\($0.port)" } ?? ""
        let path =
            request.url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true).last
            .map { "/" + $0 } ?? "/"
        let answer: Answer? = state.withLock { state in
            state.requests.append(request)
            guard let server = state.servers[place] else { return nil }
            return server[path] ?? .says(404, "")
        }
        switch answer {
        case nil: throw .refused
        case .says(let status, let body): return WebResponse(status: status, body: Array(body.utf8))
        case .problem(let problem): throw problem
        }
    }
}

/// Addresses by host. Whoever asks waits while it hangs.
final class FakeNames: Names {
    private struct State {
        var hosts: [String: [String]] = [:]
        var isHanging = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func point(_ host: String, to ips: [String]) { state.withLock { $0.hosts[host] = ips } }
    func hang() { state.withLock { $0.isHanging = true } }
    func goOn() {
        let waiting = state.withLock { state in
            defer { state = State(hosts: state.hosts) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func resolve(host: String, port: UInt16) async -> [CoordinatorAddress] {
        await withCheckedContinuation { continuation in
            let isHanging = state.withLock { state in
                if state.isHanging { state.waiting.append(continuation) }
                return state.isHanging
            }
            if !isHanging { continuation.resume() }
        }
        return (state.withLock { $0.hosts[host] } ?? []).map { CoordinatorAddress(ip: $0, port: port) }
    }
}

/// The lines that were logged.
final class LogBook: Log {
    private let lines = Mutex<[(message: String, fields: [LogField])]>([])
    func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField]) {
        lines.withLock { $0.append(("\(message)", fields)) }
    }
    var messages: [String] { lines.withLock { $0.map(\.message) } }
    func field(_ name: String, of message: String) -> String? {
        lines.withLock { $0.last { $0.message == message } }?.fields.first { $0.name == name }?.value
    }
}

/// Settings that a test hands out.
final class FakeSource: SettingsSource {
    let next = Mutex<Result<Settings, SettingsProblems>>(.success(.default))
    func load() throws(SettingsProblems) -> Settings { try next.withLock { $0 }.get() }
}
