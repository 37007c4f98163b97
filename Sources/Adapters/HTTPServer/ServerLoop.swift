import Network

/// What lives on a server's loop: the listener and the connections.
final class ServerLoop {
    let loop: Loop
    let limits: HTTPServerLimits
    private(set) var isStopping = false
    private let handler: @Sendable (HTTPRequest) async -> HTTPResponse
    /// Weak, because the thread keeps this object; handlers under way keep the thread.
    private weak var thread: LoopThread<ServerLoop>?
    private var listener: Listener?
    private var connections: [UInt64: Connection] = [:]
    private var newestNumber: UInt64 = 0
    private var whenEmpty: (() -> Void)?
    private var graceEnd: Int64?

    /// How often the connections' clocks are looked at.
    private static let tickMilliseconds = 200

    init(_ loop: Loop, limits: HTTPServerLimits, handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
    }

    /// Listens, and answers where.
    func start(at address: SocketAddress, thread: LoopThread<ServerLoop>) throws(NetworkError) -> SocketAddress {
        self.thread = thread
        let listener = try loop.listen(address, backlog: limits.connections) { [weak self] _, descriptor in
            self?.take(descriptor)
        }
        self.listener = listener
        loop.repeatEvery(milliseconds: Self.tickMilliseconds) { [weak self] in self?.tick() }
        return listener.address
    }

    /// Takes no more connections, ends those that rest and lets the others finish; `whenEmpty` is called when none is
    /// left or the grace is over.
    func stop(grace: Duration, whenEmpty: @escaping () -> Void) {
        isStopping = true
        listener?.close()
        graceEnd = loop.now + grace.milliseconds
        self.whenEmpty = whenEmpty
        for connection in connections.values { connection.stop() }
        endIfEmpty()
    }

    private func take(_ descriptor: OwnedDescriptor) {
        newestNumber += 1
        let connection = Connection(self, number: newestNumber, peer: descriptor.peer)
        connections[newestNumber] = connection
        connection.open(descriptor)
        if connections.count >= limits.connections { listener?.rest() }
    }

    /// A connection has closed.
    func forget(_ number: UInt64) {
        connections[number] = nil
        if connections.count < limits.connections { listener?.resume() }
        endIfEmpty()
    }

    private func tick() {
        let now = loop.now
        for connection in connections.values { connection.tick(now) }
        if let graceEnd, now >= graceEnd { finishStop() }
    }

    private func endIfEmpty() {
        if isStopping, connections.isEmpty { finishStop() }
    }

    private func finishStop() {
        whenEmpty?()
        whenEmpty = nil
    }

    // MARK: Handling

    /// Has a request handled in a task of its own, which outlives its connection.
    func handle(_ request: HTTPRequest, of number: UInt64) -> Task<Void, Never>? {
        guard let thread else { return nil }
        return Task { [handler] in
            let response = await handler(request)
            guard let body = response.stream else {
                thread.post { $0.connections[number]?.answer(response) }
                return
            }
            // A loop that has stopped has no connection left to stream to.
            let begun = try? await thread.perform { $0.connections[number]?.beginStreaming(response) }
            guard begun == true else { return }
            await body(HTTPBodyWriter(connection: number, thread: thread))
            thread.post { $0.connections[number]?.endStreaming() }
        }
    }

    /// Writes a piece of a streamed body.
    func write(_ bytes: [UInt8], to number: UInt64, _ done: @escaping (Bool) -> Void) {
        guard let connection = connections[number] else { return done(false) }
        connection.write(bytes, done)
    }
}
