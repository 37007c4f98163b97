import HTTPServer
import Network
import Synchronization
import Testing

/// A client that sends what the test says, byte for byte, and shows what comes back.
final class Client: Sendable {
    private let thread: LoopThread<Line>

    init(_ address: SocketAddress) throws {
        ignoreBrokenPipes()
        thread = try LoopThread(name: "client", bufferBytes: 16_384) { Line($0, address) }
    }

    func send(_ text: String) {
        thread.post { $0.stream?.write(Array(text.utf8).span) }
    }

    /// Sends the end of this direction.
    func endSending() {
        thread.post { $0.stream?.shutdownWrite() }
    }

    func stopReading() {
        thread.post { $0.stream?.pauseReading() }
    }

    func leave() {
        thread.post { $0.stream?.close() }
    }

    /// All that came so far, once it holds `text` so many times.
    func received(_ text: String, times: Int = 1) async -> String {
        await wait { $0.count(of: text) >= times }
    }

    /// All that came, once the server has closed its side or the connection.
    func receivedAll() async -> String {
        await wait { $0.hasEnded }
    }

    private func wait(until isEnough: @escaping @Sendable (Line) -> Bool) async -> String {
        await withCheckedContinuation { continuation in
            thread.post { $0.wait(isEnough) { continuation.resume(returning: $0) } }
        }
    }

    /// The client's connection.
    final class Line: StreamOwner {
        var stream: Network.Stream?
        var bytes: [UInt8] = []
        var hasEnded = false
        private var waiter: (isEnough: (Line) -> Bool, done: (String) -> Void)?

        init(_ loop: Loop, _ address: SocketAddress) {
            stream = loop.connect(address, owner: self)
        }

        func connected() {}

        func received(_ span: Span<UInt8>) {
            for index in span.indices { bytes.append(span[index]) }
            look()
        }

        func drained() {}

        func ended() {
            hasEnded = true
            stream?.close()
            look()
        }

        func closed(_ reason: CloseReason) {
            hasEnded = true
            stream = nil
            look()
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }

        func count(of part: String) -> Int {
            let part = Array(part.utf8)
            guard bytes.count >= part.count else { return 0 }
            return (0...bytes.count - part.count).count { place in
                bytes[place] == part[0] && bytes[place..<place + part.count] == part[...]
            }
        }

        func wait(_ isEnough: @escaping (Line) -> Bool, _ done: @escaping (String) -> Void) {
            waiter = (isEnough, done)
            look()
        }

        /// A connection that is over gives what it has, so that a test fails instead of waiting.
        private func look() {
            guard let (isEnough, done) = waiter, hasEnded || isEnough(self) else { return }
            waiter = nil
            done(text)
        }
    }
}

/// A server on a free port for the time of a test.
func withServer(
    limits: HTTPServerLimits = HTTPServerLimits(), grace: Duration = .zero,
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = { .text(200, $0.path) },
    _ test: (SocketAddress, HTTPServer) async throws -> Void
) async throws {
    let loopback = try #require(SocketAddress(ip: "127.0.0.1", port: 0))
    let server = HTTPServer(name: "test", address: loopback, limits: limits, handler: handler)
    let address = try await server.start()
    #expect(address.port != 0)
    try await test(address, server)
    await server.stop(grace: grace)
}

/// A door that opens once, for handlers that are to take long.
final class Gate: Sendable {
    private struct Content {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let content = Mutex(Content())

    func open() {
        let waiters = content.withLock { content in
            content.isOpen = true
            defer { content.waiters = [] }
            return content.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = content.withLock { content in
                if !content.isOpen { content.waiters.append(continuation) }
                return content.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
