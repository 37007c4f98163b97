import Engine
import Model
import Network
import Wire

/// One loop of the data plane and everything that lives on its thread.
final class RelayLoop {
    let loop: Loop
    let hub: Hub
    let out = Output(capacity: 64 << 10)
    private(set) var snapshot: Snapshot
    /// The snapshot's.
    private(set) var limits: RelayLimits
    /// The wall clock, as of the last tick.
    private(set) var wall: Timestamp
    var counters = RelayCounters()
    /// Where the next selection begins among equals.
    var rotation = 0
    /// Takes a job back to this loop from any thread.
    let post: @Sendable (@escaping @Sendable (RelayLoop) -> Void) -> Void

    private var version: UInt64 = 0
    private let index: Int
    /// What follows the number in the ids of the statements that this process took.
    private let idEnd: [UInt8]
    private let loopCount: Int
    private var shard: Int
    /// Before these moments time does nothing to the statements of a shard, by shard.
    private var due = [Int64](repeating: .min, count: CellTable.shardCount)
    private var fronts: [Front] = []
    private var orphans: [any Ticking] = []
    /// By coordinator; they are few, and every request looks one up.
    private var idle: [IdleConnections] = []
    /// Parse one head after the other, in place; who waits for the rest of one takes it away until then. That is why a
    /// connection at rest has none.
    var requestHead: RequestHead
    var responseHead: ResponseHead
    /// What passed of a head of that revision, for the next head is mostly the same: neither changed a client's session.
    var passedRevision: UInt64 = 0
    var passedLines: [UInt8] = []
    private var events = EventBuffer()
    private var held: [UInt64: (Bool) -> Void] = [:]
    private var lastHeld: UInt64 = 0
    private var ticks = 0
    private var suffixes: [UInt32: String] = [:]
    private var patternsGivenUp: Set<String> = []
    private var listener: Listener?
    private var maximumConnections = Int.max

    /// Idle connections kept for one coordinator.
    private static let maximumIdle = 256
    private static let tickMilliseconds = 100
    private static let shardsPerTick = 8
    /// A shard is looked at this often at least, in milliseconds: limits may have changed.
    private static let longestSweep: Int64 = 5000

    init(
        loop: Loop, hub: Hub, index: Int, loopCount: Int,
        post: @escaping @Sendable (@escaping @Sendable (RelayLoop) -> Void) -> Void
    ) {
        self.loop = loop
        self.hub = hub
        self.index = index
        idEnd = Array(statementID(owner: hub.owner, statement: 0).utf8.dropFirst(5))
        self.loopCount = loopCount
        self.post = post
        shard = index
        rotation = index
        snapshot = hub.snapshot
        limits = snapshot.limits
        requestHead = RequestHead(maximumBytes: limits.headSize)
        responseHead = ResponseHead(maximumBytes: limits.headSize)
        wall = hub.clock.now()
        loop.repeatEvery(milliseconds: Self.tickMilliseconds) { [weak self] in self?.tick() }
    }

    var now: Int64 { loop.now }

    /// Looks whether a newer table was published: called before each request.
    func refresh() {
        let newest = hub.version.load(ordering: .acquiring)
        guard newest != version else { return }
        version = newest
        snapshot = hub.snapshot
        limits = snapshot.limits
    }

    // MARK: Heads

    /// Hands the parser of a head over that is not whole; the next head gets another.
    func takeRequestHead() -> RequestHead {
        var head = RequestHead(maximumBytes: limits.headSize)
        swap(&head, &requestHead)
        return head
    }

    /// Lends the parser: what is read of it one by one is copied with all that it holds each time.
    func lendRequestHead<Result>(_ body: (inout RequestHead) -> Result) -> Result { body(&requestHead) }

    /// As `lendRequestHead`.
    func lendResponseHead<Result>(_ body: (inout ResponseHead) -> Result) -> Result { body(&responseHead) }

    /// As `takeRequestHead`.
    func takeResponseHead() -> ResponseHead {
        var head = ResponseHead(maximumBytes: limits.headSize)
        swap(&head, &responseHead)
        return head
    }

    /// From now on heads may have the size that the newest limits say.
    private func heedHeadSize() {
        let size = limits.headSize
        if requestHead.maximumBytes != size { requestHead = RequestHead(maximumBytes: size) }
        if responseHead.maximumBytes != size { responseHead = ResponseHead(maximumBytes: size) }
    }

    // MARK: Looking up

    /// The statement's cell, if it has one.
    func cell(_ key: StatementKey) -> Cell? { hub.cell(key) }

    /// The coordinator of that registration, while the table has it.
    func target(_ registration: UInt32) -> Target? { snapshot.targets[registration] }

    // MARK: Clients

    /// Listens, and hands what connects to all loops in turn.
    func listen(
        _ address: SocketAddress, threads: [LoopThread<RelayLoop>], maximumConnections: Int
    ) throws(NetworkError) -> SocketAddress {
        var next = 0
        self.maximumConnections = maximumConnections
        let listener = try loop.listen(address) { [weak self] _, descriptor in
            guard let self else { return }
            let open = hub.openConnections.wrappingAdd(1, ordering: .relaxed).newValue
            if open >= maximumConnections { self.listener?.rest() }
            next = (next + 1) % threads.count
            if next == 0 { return accept(descriptor) }
            threads[next].post { $0.accept(descriptor) }
        }
        self.listener = listener
        return listener.address
    }

    func stopListening() {
        listener?.close()
        listener = nil
    }

    /// Hands the events over that no tick has taken yet.
    private func flush() {
        let batch = events.takeAll()
        guard batch.count > 0 else { return }
        hub.sink.accept(batch)
    }

    func accept(_ descriptor: OwnedDescriptor) {
        counters.connections += 1
        let front = Front(self)
        front.slot = fronts.count
        fronts.append(front)
        front.open(descriptor)
    }

    func remove(_ front: Front) {
        guard front.slot >= 0, front.slot < fronts.count, fronts[front.slot] === front else { return }
        let last = fronts.removeLast()
        if last !== front {
            fronts[front.slot] = last
            last.slot = front.slot
        }
        front.slot = -1
        hub.openConnections.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Something whose client is gone goes on by itself and still needs the clock.
    func adopt(_ orphan: any Ticking) { orphans.append(orphan) }

    /// Closes connections that are at rest: the gateway is about to stop.
    func closeResting() {
        for front in fronts { front.closeIfResting() }
    }

    // MARK: Upstream

    /// A connection to the target: an idle one if there is one and it may be reused.
    func upstream(to target: Target, fresh: Bool) -> Upstream? {
        if !fresh, !target.startsOnPost, let place = place(target.coordinator.registration) {
            while let found = idle[place].connections.popLast() {
                counters.idleConnections -= 1
                let isSame = found.target === target
                if isSame || found.target.address == target.address, found.isUsable {
                    if !isSame { found.target = target }
                    return found
                }
                found.discard()
            }
        }
        return Upstream(self, target)
    }

    /// Where the idle connections to a coordinator are.
    private func place(_ registration: UInt32) -> Int? {
        for index in idle.indices where idle[index].registration == registration { return index }
        return nil
    }

    /// Keeps a connection for the next request.
    func keep(_ upstream: Upstream) {
        let registration = upstream.target.coordinator.registration
        let place = place(registration) ?? addPlace(registration)
        guard idle[place].connections.count < Self.maximumIdle else { return upstream.discard() }
        upstream.idleSince = now
        idle[place].connections.append(upstream)
        counters.idleConnections += 1
    }

    private func addPlace(_ registration: UInt32) -> Int {
        idle.append(IdleConnections(registration: registration))
        return idle.count - 1
    }

    /// An idle connection ended.
    func forget(_ upstream: Upstream) {
        guard let place = place(upstream.target.coordinator.registration),
            let index = idle[place].connections.lastIndex(where: { $0 === upstream })
        else { return }
        idle[place].connections.remove(at: index)
        counters.idleConnections -= 1
    }

    /// Puts the gateway's id of a statement into the output.
    func putID(of key: StatementKey) {
        if key.owner == hub.owner {
            out.put(decimal: Int(clamping: key.number), digits: 5)
            out.put(idEnd)
        } else {
            let id = statementIDText(owner: key.owner, statement: key.number)
            out.put(id.bytes.span, id.range)
        }
    }

    // MARK: Events

    func report(_ key: StatementKey, _ change: consuming StatementEvent.Change) {
        report(key, change, at: hub.clock.now())
    }

    func report(_ key: StatementKey, _ change: consuming StatementEvent.Change, at moment: Timestamp) {
        let dropped = events.add(key, change, at: moment)
        if dropped > 0 { counters.droppedEvents += UInt64(dropped) }
    }

    /// A suffix of query ids that the table does not have yet: says so once.
    func noteSuffix(_ registration: UInt32, _ suffix: String) {
        guard suffixes[registration] != suffix else { return }
        suffixes[registration] = suffix
        hub.sink.accept(.suffixSeen(registration: registration, suffix: suffix))
    }

    /// A rule's pattern reached a limit, which counts as no match: counted, and told once.
    func noteGaveUp(_ rule: String) {
        counters.patternsGivenUp += 1
        guard patternsGivenUp.insert(rule).inserted else { return }
        hub.sink.accept(.patternGaveUp(rule: rule))
    }

    /// Keeps something until another thread says that it is done; the answer is what that thread is to call.
    func hold(_ release: @escaping () -> Void) -> @Sendable () -> Void {
        let then = holdResult { _ in release() }
        return { then(true) }
    }

    /// The same for what may not have worked.
    func holdResult(_ release: @escaping (Bool) -> Void) -> @Sendable (Bool) -> Void {
        lastHeld += 1
        let number = lastHeld
        held[number] = release
        let post = post
        return { worked in post { $0.held.removeValue(forKey: number)?(worked) } }
    }

    // MARK: Time

    /// Looks at the clock, and hands over what there is to tell.
    func tick() {
        refresh()
        heedHeadSize()
        ticks += 1
        wall = hub.clock.now()
        let now = now
        var at = fronts.count - 1
        // Backwards, because a front that closes takes the last one's place.
        while at >= 0 {
            if at < fronts.count { fronts[at].tick(now) }
            at -= 1
        }
        if !orphans.isEmpty {
            let looked = orphans
            orphans = []
            for orphan in looked where orphan.tick(now) { orphans.append(orphan) }
        }
        sweep(now)
        if ticks % 10 == 0 { closeIdle(now) }
        if let listener, hub.openConnections.load(ordering: .relaxed) < maximumConnections { listener.resume() }
        flush()
    }

    /// Goes over some shards of the statements, so that what is due is seen within a second.
    private func sweep(_ now: Int64) {
        for _ in 0..<Self.shardsPerTick { sweepShard(now) }
    }

    private func sweepShard(_ now: Int64) {
        if now >= due[shard] { lookAtShard(now) }
        shard += loopCount
        if shard >= CellTable.shardCount { shard = index % CellTable.shardCount }
    }

    private func lookAtShard(_ now: Int64) {
        let limits = limits
        let (abandoned, patience) = (limits.abandoned, limits.remembered)
        // What comes, or happens to a statement meanwhile, is due later than that; and a transaction that is in use is
        // seen before it would be forgotten.
        var due = now + min(Self.longestSweep, abandoned, patience, limits.idleTransaction / 2)
        var remembered: [(cell: Cell, since: Int64)] = []
        for cell in hub.cells.cells(ofShard: shard) {
            let look = cell.look(abandoned: abandoned, remembered: patience, now: now)
            switch look.tick {
            case .none: break
            case .abandoned: report(cell.key, .ended(.abandoned, failure: nil, message: nil))
            case .remembered(let since): remembered.append((cell, since))
            case .forget: forget(cell)
            }
            due = min(due, look.due)
            // What runs in a transaction uses it.
            if let transaction = look.transaction { usePin(transaction) }
        }
        self.due[shard] = due
        hub.remember(remembered.count, inShard: shard)
        forgetOldest(of: &remembered)
    }

    /// Keeps what is remembered of ended statements within `limits.tombstones`; the oldest go first.
    private func forgetOldest(of remembered: inout [(cell: Cell, since: Int64)]) {
        let room = limits.tombstones / Hub.tombstoneBytes / CellTable.shardCount
        guard remembered.count > room else { return }
        remembered.sort { $0.since < $1.since }
        for old in remembered.prefix(remembered.count - room) { forget(old.cell) }
    }

    /// The registration that an open transaction is pinned to; it counts as used.
    @discardableResult
    func usePin(_ transaction: String) -> UInt32? {
        guard let pin = hub.pins.use(transaction, now: wall) else { return nil }
        if let toSave = pin.toSave { hub.sink.accept(.pin(toSave, stored: nil)) }
        return pin.registration
    }

    private func closeIdle(_ now: Int64) {
        let patience = limits.idleUpstream
        for place in idle.indices {
            let address = snapshot.targets[idle[place].registration]?.address
            let old = idle[place].connections.filter {
                now - $0.idleSince >= patience || $0.target.address != address
            }
            guard !old.isEmpty else { continue }
            idle[place].connections.removeAll { connection in old.contains { $0 === connection } }
            counters.idleConnections -= old.count
            for connection in old { connection.discard() }
        }
        idle.removeAll { $0.connections.isEmpty && snapshot.targets[$0.registration] == nil }
        if index == 0 {
            hub.restored.expire(remembered: limits.remembered, now: wall)
            let cells = hub.cells
            hub.shownIDs.expire(remembered: limits.remembered, now: wall) { cells.cell($0) != nil }
            for id in hub.pins.expire(idle: limits.idleTransaction, now: wall) { hub.sink.accept(.unpin(id: id)) }
        }
    }
}

/// The idle connections to one coordinator, the newest last.
private struct IdleConnections {
    let registration: UInt32
    var connections: [Upstream] = []
}

/// Something that looks at the clock with every tick.
protocol Ticking: AnyObject {
    /// Looks at the clock; false when it needs no more ticks.
    func tick(_ now: Int64) -> Bool
}
