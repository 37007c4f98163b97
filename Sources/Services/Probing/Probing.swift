import Engine
import Model

/// Asks every coordinator at a fixed rate how it is (design 3, Health), and tells Routing.
public final class Probing: Service {
    /// What the log and the status call it.
    public let name = "probing"
    /// How often it looks for probes that are due, in milliseconds.
    private static let tick: Int64 = 100
    /// How long an endpoint that tells nothing is not asked again, in milliseconds.
    private static let patience: Int64 = 60_000
    /// A probe's body that is larger is no answer, in bytes.
    private static let maximumBody = 64 << 10

    /// What is remembered of a coordinator between two probes.
    private struct Memory: Sendable {
        /// What its name resolved to last.
        var addresses: [CoordinatorAddress] = []
        var isResolving = false
        /// The address that did not answer last: it is tried last.
        var silent: CoordinatorAddress?
        /// When endpoints that told nothing are asked again.
        var askAgain: [String: Int64] = [:]
    }

    private let routing: Routing
    private let web: any Web
    private let names: any Names
    private let clock: any Clock
    private let log: any Log
    private let schedule = Guarded(ProbeSchedule())
    private let memories = Guarded<[UInt32: Memory]>([:])

    /// A prober of what this routing knows.
    public init(routing: Routing, web: any Web, names: any Names, clock: any Clock, log: any Log) {
        self.routing = routing
        self.web = web
        self.names = names
        self.clock = clock
        self.log = log
    }

    /// Probes everything once, so that the first statement meets coordinators that are known. A resolver that is slow
    /// does not hold up the start for longer than a probe may take.
    public func start() async throws {
        let targets = takeDue()
        let patience = targets.map { $0.settings.timeout.wholeMilliseconds }.max() ?? 0
        let (ends, end) = AsyncStream<Void>.makeStream()
        Task {
            await withDiscardingTaskGroup { group in
                for target in targets { group.addTask { await self.probe(target) } }
            }
            end.finish()
        }
        let bell = Task {
            do { try await self.clock.sleep(milliseconds: patience) } catch {}  // Cancelled: all have ended.
            end.finish()
        }
        for await _ in ends {}
        bell.cancel()
    }

    /// Probes until its task is cancelled.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                try await clock.sleep(milliseconds: Self.tick)
                for target in takeDue() { group.addTask { await self.probe(target) } }
            }
        }
    }

    /// Probes a coordinator soon, out of turn.
    func probeSoon(_ registration: UInt32) { schedule.withLock { $0.doubt(registration) } }

    private func takeDue() -> [ProbeTarget] {
        let targets = routing.probeTargets()
        let now = clock.monotonic()
        let intervals = targets.map { ($0.registration, max(1, $0.settings.interval.wholeMilliseconds)) }
        let due = schedule.withLock { schedule in
            schedule.keep(Dictionary(intervals) { first, _ in first }, now: now)
            return schedule.takeDue(now: now)
        }
        let known = Set(targets.map(\.registration))
        memories.withLock { memories in memories = memories.filter { known.contains($0.key) } }
        return targets.filter { due.contains($0.registration) }
    }

    /// One probe: at its address, or at one after the other while there is time.
    func probe(_ target: ProbeTarget) async {
        var isInDoubt = false
        defer { schedule.withLock { $0.ended(target.registration, isInDoubt: isInDoubt) } }
        let asked = clock.now()
        let candidates = await candidates(for: target)
        let deadline = clock.monotonic() + target.settings.timeout.wholeMilliseconds
        var result = ProbeResult.silent
        var answering: CoordinatorAddress?
        for address in candidates {
            result = await ask(target, at: address, until: deadline)
            if result != .silent { answering = address }
            if Task.isCancelled { return }
            memories.withLock { $0[target.registration, default: Memory()].silent = answering == nil ? address : nil }
            if answering != nil || clock.monotonic() >= deadline { break }
        }
        isInDoubt = await routing.observe(target.registration, result, address: answering, asked: asked)
    }

    // MARK: Addresses

    /// The addresses to try: the one that answered last first, one that was silent last. A name is resolved anew with
    /// each probe, on the side, so that a slow resolver delays no probe of an address that is known.
    private func candidates(for target: ProbeTarget) async -> [CoordinatorAddress] {
        if target.url.isLiteral { return [CoordinatorAddress(ip: target.url.host, port: target.url.port)] }
        let (known, mayResolve) = memories.withLock { memories in
            var memory = memories[target.registration] ?? Memory()
            let mayResolve = !memory.isResolving
            memory.isResolving = true
            memories[target.registration] = memory
            return (memory.addresses, mayResolve)
        }
        var addresses = known
        if known.isEmpty {
            addresses = await resolve(target)
        } else if mayResolve {
            Task { _ = await self.resolve(target) }
        }
        if addresses.isEmpty, let last = target.address { addresses = [last] }
        let silent = memories.withLock { $0[target.registration]?.silent }
        func rank(_ address: CoordinatorAddress) -> Int { address == silent ? 2 : address == target.address ? 0 : 1 }
        return (0...2).flatMap { wanted in addresses.filter { rank($0) == wanted } }
    }

    private func resolve(_ target: ProbeTarget) async -> [CoordinatorAddress] {
        let found = await names.resolve(host: target.url.host, port: target.url.port)
        memories.withLock { memories in
            memories[target.registration]?.isResolving = false
            // A name that does not resolve keeps its addresses.
            if !found.isEmpty { memories[target.registration]?.addresses = found }
        }
        return found
    }

    // MARK: Questions

    private func ask(_ target: ProbeTarget, at address: CoordinatorAddress, until deadline: Int64) async -> ProbeResult
    {
        guard let info = await get(target.settings.path, of: target, at: address, until: deadline) else {
            return .silent
        }
        guard info.status == 200 else { return .unwell(status: info.status) }
        guard target.settings.path == ProbeSettings.infoPath else { return .answered(ProbeAnswer()) }
        guard let body = InfoBody.read(info.body) else { return .unwell(status: info.status) }
        var answer = ProbeAnswer(
            isStarting: body.isStarting, uptime: body.uptime.flatMap(Uptime.init), coordinatorID: body.coordinatorID,
            version: body.version)
        if let state = body.state {
            answer.state = .told(state)
        } else {
            answer.state = await tell("/v1/info/state", of: target, at: address, until: deadline, read: Self.state)
        }
        if target.settings.workers == .auto {
            let path = target.dialect == .presto ? "/v1/cluster" : "/v1/integrations/gateway/metrics"
            answer.workers = await tell(path, of: target, at: address, until: deadline, read: WorkersBody.read)
        }
        return .answered(answer)
    }

    /// Asks an endpoint that not every server has.
    private func tell<Value>(
        _ path: String, of target: ProbeTarget, at address: CoordinatorAddress, until deadline: Int64,
        read: ([UInt8]) -> Value?
    ) async -> Told<Value> {
        let now = clock.monotonic()
        let again = memories.withLock { $0[target.registration]?.askAgain[path] }
        if let again, now < again { return .untold }
        guard let response = await get(path, of: target, at: address, until: deadline) else { return .unanswered }
        switch response.status {
        case 200:
            if let value = read(response.body) { return .told(value) }
        case 500...599:
            return .unanswered
        default:
            break
        }
        memories.withLock { $0[target.registration, default: Memory()].askAgain[path] = now + Self.patience }
        return .untold
    }

    private func get(
        _ path: String, of target: ProbeTarget, at address: CoordinatorAddress, until deadline: Int64
    ) async -> WebResponse? {
        let left = Int(deadline - clock.monotonic())
        guard left > 0 else { return nil }
        // Trino lets nobody without a user name ask for its workers.
        let user = WebHeader("\(target.dialect.headerPrefix)User", "penstock")
        let request = WebRequest(
            url: "\(target.url)\(path)", headers: [WebHeader("Accept", "application/json"), user],
            timeoutMilliseconds: left, address: address, maximumBody: Self.maximumBody)
        do throws(WebProblem) {
            return try await web.perform(request)
        } catch {
            log.debug(
                "probe failed", LogField("coordinator", target.name), LogField("path", path),
                LogField("problem", "\(error)"))
            return nil
        }
    }

    /// The state in a body that is one JSON string.
    private static func state(_ body: [UInt8]) -> String? {
        let text = String(decoding: body, as: UTF8.self).filter { !$0.isWhitespace }
        guard text.count > 2, text.first == "\"", text.last == "\"" else { return nil }
        return String(text.dropFirst().dropLast())
    }
}
