import FoundationEssentials
import Network
import Wire

/// What a coordinator is on its loop: its connections, statements and transactions. All of it stays on that thread.
final class Server {
    let loop: Loop
    let name: String
    let database: Database
    /// Has a job done on this server's loop, from any thread.
    let post: @Sendable (@escaping @Sendable (Server) -> Void) -> Void
    /// Called when a script lets the process die for good.
    let onDeath: @Sendable () -> Void
    var address: SocketAddress
    private var listener: Listener?
    /// When it listens again, if a script lets it rest.
    private var listensAgain: Int64?

    var behaviour = Behaviour(FaultScript())
    var script = FaultScript()
    var faults = FaultPlan([])
    var generator = SystemRandomNumberGenerator()
    var ids: QueryIDs
    var log = RequestLog()

    var connections: [ObjectIdentifier: ClientConnection] = [:]
    var statements: [String: Statement] = [:]
    /// Ids in the order of their submission, the oldest first.
    var order: [String] = []
    /// Statements with a poll that waits.
    var polled: [String: Statement] = [:]
    /// Statements that wait for workers or for others to end, in their order.
    var waiting: [Statement] = []
    /// Statements that run.
    var running = 0
    var transactions: [String: OpenTransaction] = [:]
    var idleSessions: [DatabaseSession] = []
    var sessions = 0

    var startedAt: Int64
    var startingUntil: Int64 = 0
    private var frozenUntil: Int64?
    /// What is to be done once the coordinator is no longer frozen.
    private var frozen: [() -> Void] = []
    /// What is to be done later, by the loop's milliseconds.
    private var delayed: [(due: Int64, body: () -> Void)] = []
    private var rounds = 0

    init(
        _ loop: Loop, name: String, address: SocketAddress, database: Database, script: FaultScript,
        onDeath: @escaping @Sendable () -> Void,
        post: @escaping @Sendable (@escaping @Sendable (Server) -> Void) -> Void
    ) {
        self.loop = loop
        self.name = name
        self.address = address
        self.database = database
        self.onDeath = onDeath
        self.post = post
        ids = QueryIDs(using: &generator)
        startedAt = loop.now
        take(script)
        loop.repeatEvery(milliseconds: 50) { [weak self] in self?.tick() }
    }

    /// Listens, and says where.
    func listen() throws(NetworkError) -> SocketAddress {
        let listener = try loop.listen(address) { [weak self] loop, descriptor in
            self?.accept(loop, descriptor)
        }
        self.listener = listener
        address = listener.address
        return address
    }

    private func accept(_ loop: Loop, _ descriptor: OwnedDescriptor) {
        let connection = ClientConnection(self)
        connections[ObjectIdentifier(connection)] = connection
        connection.open(loop.open(descriptor, owner: connection))
    }

    /// The civil time now.
    var now: CivilTime { CivilTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    var isStarting: Bool { loop.now < startingUntil }
    var isFrozen: Bool { frozenUntil != nil }

    // MARK: Scripts

    /// Takes a script in the place of the one before.
    func take(_ script: FaultScript) {
        self.script = script
        behaviour = Behaviour(script)
        faults = FaultPlan(script.faults ?? [])
        if let starting = script.startingMs { startingUntil = loop.now + starting }
        if isFrozen { thaw() }
        dispatchWaiting()
    }

    /// Does something later, or now.
    func after(_ milliseconds: Int64, _ body: @escaping () -> Void) {
        if milliseconds <= 0 { return body() }
        delayed.append((loop.now + milliseconds, body))
    }

    /// Does something now, or once the coordinator is no longer frozen.
    func unlessFrozen(_ body: @escaping () -> Void) {
        if isFrozen { frozen.append(body) } else { body() }
    }

    func freeze(_ milliseconds: Int64?) {
        frozenUntil = milliseconds.map { loop.now + $0 } ?? Int64.max
    }

    func thaw() {
        frozenUntil = nil
        let held = frozen
        frozen = []
        for body in held { body() }
    }

    /// Dies as by SIGKILL; comes back as a new incarnation after so many milliseconds, or never.
    func die(_ milliseconds: Int64?) {
        listener?.close()
        listener = nil
        forget()
        if let milliseconds { listensAgain = loop.now + milliseconds } else { onDeath() }
    }

    /// A new incarnation, after so many milliseconds without a listener.
    func restart(downFor down: Int64, startingFor starting: Int64) {
        if down > 0 {
            die(down)
            startingUntil = loop.now + down + starting
        } else {
            forget()
            startingUntil = loop.now + starting
        }
    }

    /// The end of the loop: sessions end with it.
    func end() {
        forget()
        for session in idleSessions { session.end() }
        idleSessions = []
    }

    /// Resets every connection and forgets what an incarnation knows.
    private func forget() {
        for connection in connections.values { connection.reset() }
        for statement in statements.values { statement.database?.end() }
        for transaction in transactions.values { transaction.database.end() }
        statements = [:]
        order = []
        polled = [:]
        waiting = []
        running = 0
        transactions = [:]
        delayed = []
        frozen = []
        frozenUntil = nil
        ids = QueryIDs(using: &generator)
        startedAt = loop.now
    }

    // MARK: Time

    private func tick() {
        let now = loop.now
        if let until = frozenUntil, until <= now { thaw() }
        if isFrozen { return }
        if let again = listensAgain, again <= now {
            listensAgain = nil
            startedAt = now
            // The port may be taken meanwhile: then it is tried again.
            if (try? listen()) == nil { listensAgain = now + 100 }
        }
        let due = delayed.filter { $0.due <= now }
        if !due.isEmpty {
            delayed.removeAll { $0.due <= now }
            for item in due { item.body() }
        }
        for statement in polled.values where statement.polls.contains(where: { $0.deadline <= now }) {
            settle(statement)
        }
        rounds += 1
        if rounds % 10 == 0 { tidy() }
    }

    // MARK: Answers

    /// Answers an exchange: at once, or when the coordinator is no longer frozen.
    func reply(_ exchange: Exchange, _ response: Response) {
        unlessFrozen { [self] in
            let closes = !exchange.request.keepsAlive
            var response = response
            if case .replaced(let other)? = exchange.loss { response = other }
            let written = response.written(
                for: exchange.request, date: now.httpDate, chunked: behaviour.isChunked, closes: closes)
            switch exchange.loss {
            case .cut(let cut)?: exchange.connection.write(written, cut: cut)
            case .silence?: exchange.connection.fallSilent()
            case .replaced?, nil: exchange.connection.write(written, closes: closes)
            }
        }
    }
}

/// A transaction that a client has open, on a session of its own.
final class OpenTransaction {
    let id: String
    let database: DatabaseSession
    var lastUsed: Int64
    var isAborted = false
    var isBusy = false

    init(id: String, database: DatabaseSession, now: Int64) {
        self.id = id
        self.database = database
        lastUsed = now
    }
}
