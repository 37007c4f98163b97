import Engine
import Model

/// Keeps the truth about groups, pools and coordinators, and publishes it: the only place that makes a routing table.
///
/// What operators decide is written to the store before it takes effect; what probes find is not stored, but for the
/// suffixes of query ids.
public final class Routing: Service {
    /// What the log and the status call it.
    public let name = "routing"
    /// How often it looks for registrations that may go, and for settings that the store could not take.
    private static let tidying: Int64 = 5000
    /// How often it looks whether the time has come for a coordinator to take statements again, or more of them, in
    /// milliseconds.
    private static let reviewing: Int64 = 500

    let storage: any Storage
    let traffic: any Traffic
    let clock: any Clock
    let log: any Log
    let state: Guarded<RoutingState>
    /// Whatever reads the state, writes the store and changes the state takes its turn here.
    let turns = Turns()
    /// What the store could not be told of the settings yet, in words.
    private let untold = Guarded<String?>(nil)

    /// A keeper of these settings and of what the store had at this start.
    public init(
        settings: Settings, stored: OperationalState, storage: any Storage, traffic: any Traffic, clock: any Clock,
        log: any Log
    ) {
        self.storage = storage
        self.traffic = traffic
        self.clock = clock
        self.log = log
        state = Guarded(RoutingState(settings: settings, stored: stored, now: clock.monotonic()))
    }

    /// Tells the store what the settings newly name, and publishes the first table. When the store cannot be written,
    /// what it knows already is published, and the rest is tried again.
    public func start() async throws {
        await turns.take { await catchUp() }
        await recallFlips()
    }

    /// Tidies up from time to time, and lets coordinators back when it is time.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while true {
                    try await self.clock.sleep(milliseconds: Self.tidying)
                    await self.tidy()
                }
            }
            while true {
                try await clock.sleep(milliseconds: Self.reviewing)
                review()
            }
        }
    }

    /// The settings in force.
    public var settings: Settings { state.withLock { $0.settings } }

    /// What somebody should look at, one sentence each.
    var warnings: [String] {
        var warnings = untold.withLock { $0 }.map { [$0] } ?? []
        let starts = state.withLock { state in
            state.poolStarts.filter { start in
                let pool = state.settings.groups.first { $0.name == start.group }?.pools.first { $0.name == start.pool }
                return pool?.starts == .firstPoll
            }
        }
        warnings += starts.map {
            "Pool \($0.pool) of group \($0.group) runs statements in the POST, although its settings say first-poll: "
                + "set 'starts: post'."
        }
        return warnings
    }

    // MARK: Settings

    /// Makes other settings the ones in force, once the store has what they newly name. Throws before anything has
    /// changed if the store cannot take it.
    /// - Returns: what of them the store overrules.
    func apply(_ new: Settings) async throws(StorageProblem) -> [DifferenceBody] {
        try await turns.take { () async throws(StorageProblem) in
            let plan = state.withLock { Reconciliation(new, groups: $0.groups, registrations: $0.registrations) }
            let restarted = state.withLock { $0.startsToForget(for: new) }
            try await carryOut(plan)
            for start in restarted { try await storage.forget(start) }
            publish { state in
                state.poolStarts.removeAll(where: restarted.contains)
                state.adopt(new)
            }
            untold.withLock { $0 = nil }
            return plan.differences
        }
    }

    /// Tells the store what of the settings in force it does not know yet.
    private func catchUp() async {
        let plan = state.withLock { Reconciliation($0.settings, groups: $0.groups, registrations: $0.registrations) }
        do throws(StorageProblem) {
            try await carryOut(plan)
            untold.withLock { $0 = nil }
        } catch {
            let missing = plan.additions.map(\.name) + plan.replacements.map(\.new.name)
            let what = missing.isEmpty ? "its groups" : "coordinators \(missing.joined(separator: ", "))"
            let isNews = untold.withLock { untold in
                defer { untold = "The settings name \(what), which the store could not take yet: \(error.text)." }
                return untold == nil
            }
            if isNews { log.error("store did not take what the settings name", LogField("problem", error.text)) }
        }
        publish { _ in }
    }

    /// Writes a plan to the store, and takes each line of it as soon as it is durable: a number that was given out must
    /// be known here even if the next line fails.
    private func carryOut(_ plan: Reconciliation) async throws(StorageProblem) {
        if !plan.groups.isEmpty {
            try await storage.declare(plan.groups)
            state.withLock { $0.groups += plan.groups }
        }
        for replacement in plan.replacements {
            var old = replacement.old
            old.retired = clock.now()
            try await storage.update(old)
            state.withLock { $0.put(old) }
            try await register(replacement.new)
        }
        for addition in plan.additions { try await register(addition) }
    }

    @discardableResult
    func register(_ registration: StoredRegistration) async throws(StorageProblem) -> StoredRegistration {
        let registered = try await storage.register(registration)
        let now = clock.monotonic()
        state.withLock { state in
            state.put(registered)
            state.find(registered, now: now)
        }
        return registered
    }

    /// Learns from the log which pools once lost the traffic.
    private func recallFlips() async {
        do throws(StorageProblem) {
            for flip in try await storage.flips(group: nil, before: nil, limit: 1000) {
                state.withLock { _ = $0.left[flip.group, default: []].insert(flip.from) }
            }
        } catch {
            log.warning("flip log could not be read", LogField("problem", error.text))
        }
    }

    // MARK: Publishing

    /// Changes the truth and publishes the table that follows. The table is published under the lock, so that tables
    /// arrive in the order of their versions.
    func publish(_ change: (inout RoutingState) -> Void) {
        let (wall, now) = (clock.now(), clock.monotonic())
        let news = state.withLock { state in
            change(&state)
            _ = state.review(now: now)
            traffic.publish(state.nextTable(at: wall, now: now))
            return state.takeNews()
        }
        for item in news { tell(item) }
    }

    private func tell(_ news: HealthNews) {
        var fields = [
            LogField("coordinator", news.coordinator), LogField("from", news.from.rawValue),
            LogField("to", news.to.rawValue),
        ]
        if let reason = news.reason { fields.append(LogField("reason", reason.text)) }
        log.write(news.to == .ready ? .info : .warning, "coordinator health changed", fields)
    }

    /// A flip was committed: routes by it when this returns.
    func flipped(_ record: FlipRecord) {
        publish { state in
            let group = StoredGroup(
                name: record.group, active: record.to, epoch: record.epoch,
                rolledBack: record.undoes == nil ? nil : record.from)
            state.groups.removeAll { $0.name == record.group }
            state.groups.append(group)
            state.left[record.group, default: []].insert(record.from)
        }
    }

    /// Pools that once lost the traffic to another, by group.
    var left: [String: Set<String>] { state.withLock { $0.left } }

    // MARK: Tidying

    /// Retired registrations on which nothing has been in flight for `limits.remembered` go; what the store could not
    /// take is tried again.
    func tidy() async {
        let busy = traffic.inFlight().filter { $0.value.total > 0 }.map(\.key)
        let open = traffic.openTransactions().filter { $0.value > 0 }.map(\.key)
        let now = clock.monotonic()
        let gone = state.withLock { $0.settle(busy: Set(busy + open), now: now) }
        if !gone.isEmpty { publish { _ in } }
        await turns.take {
            for number in gone where state.withLock({ $0.mayForget(number) }) {
                do throws(StorageProblem) {
                    try await storage.forget(registration: number)
                    state.withLock { state in
                        state.registrations.removeAll { $0.number == number }
                        state.findings[number] = nil
                    }
                } catch {
                    // It stays in the store, and the next start lets it go.
                    log.debug("registration was not forgotten", LogField("problem", error.text))
                }
            }
            if untold.withLock({ $0 }) != nil { await catchUp() }
        }
    }
}

extension RoutingState {
    /// Notes on which retired registrations something is still in flight; answers those that are gone now.
    mutating func settle(busy: Set<UInt32>, now: Int64) -> [UInt32] {
        var gone: [UInt32] = []
        for registration in registrations where registration.retired != nil {
            guard var finding = findings[registration.number], !finding.isGone else { continue }
            if busy.contains(registration.number) { finding.busy = now }
            if now - finding.busy >= settings.limits.remembered.wholeMilliseconds {
                finding.isGone = true
                gone.append(registration.number)
            }
            findings[registration.number] = finding
        }
        return gone
    }

    /// Whether the store may forget a registration that is gone. The newest of a name that the file has must stay: it
    /// is the only trace that an operator removed it, and a reload must not bring it back.
    func mayForget(_ number: UInt32) -> Bool {
        guard let registration = registrations.first(where: { $0.number == number }) else { return false }
        let isSuperseded = registrations.contains { $0.name == registration.name && $0.number > number }
        let isNamed = settings.groups.contains { group in
            group.pools.contains { pool in pool.coordinators.contains { $0.name == registration.name } }
        }
        return isSuperseded || !isNamed
    }

    /// Pools that were seen to run statements in the POST and whose settings are about to change.
    func startsToForget(for new: Settings) -> [StoredPoolStart] {
        poolStarts.filter { start in
            func pool(_ settings: Settings) -> PoolSettings? {
                var found = settings.groups.first { $0.name == start.group }?.pools.first { $0.name == start.pool }
                found?.coordinators = []
                return found
            }
            return pool(new) != pool(settings)
        }
    }
}

extension StorageProblem {
    /// The problem in words, for the log and the status.
    var text: String {
        switch self {
        case .away(let why): why
        case .epochMismatch(let actual): "the group has epoch \(actual)"
        case .duplicate(let name): "'\(name)' is taken"
        case .unknown(let what): "\(what) is not there"
        case .damaged(let what): what
        }
    }
}
