import Network
import Synchronization
import Testing

/// One side of a connection: notes what its stream tells it, and does what its script says.
final class Probe: StreamOwner {
    var stream: Network.Stream?
    var receivedBytes = 0
    var collected: [UInt8] = []
    var collects = true
    var events: [Event] = []
    var reason: CloseReason?
    var whenConnected: (Probe) -> Void = { _ in }
    var whenReceived: (Probe, Int) -> Void = { _, _ in }
    var whenDrained: (Probe) -> Void = { _ in }
    var whenEnded: (Probe) -> Void = { _ in }
    var whenClosed: (Probe, CloseReason) -> Void = { _, _ in }

    enum Event: Equatable {
        case connected, received, drained, ended, closed
    }

    func connected() {
        events.append(.connected)
        whenConnected(self)
    }

    func received(_ bytes: Span<UInt8>) {
        if events.last != .received { events.append(.received) }
        receivedBytes += bytes.count
        if collects { for index in bytes.indices { collected.append(bytes[index]) } }
        whenReceived(self, bytes.count)
    }

    func drained() {
        events.append(.drained)
        whenDrained(self)
    }

    func ended() {
        events.append(.ended)
        whenEnded(self)
    }

    func closed(_ reason: CloseReason) {
        events.append(.closed)
        self.reason = reason
        whenClosed(self, reason)
        // The scripts hold what they close over, often the probe of the other side.
        whenConnected = { _ in }
        whenReceived = { _, _ in }
        whenDrained = { _ in }
        whenEnded = { _ in }
        whenClosed = { _, _ in }
    }

    func write(_ text: String) {
        stream?.write(Array(text.utf8).span)
    }

    var text: String { String(decoding: collected, as: UTF8.self) }
}

/// What lives on a test's loop.
final class Bench {
    let loop: Loop
    var listener: Listener?
    var probes: [Probe] = []

    init(_ loop: Loop) { self.loop = loop }

    /// Listens on a free port; each connection gets a probe that `prepare` sets up.
    func serve(ip: String = "127.0.0.1", _ prepare: @escaping (Probe) -> Void) throws -> SocketAddress {
        let address = try #require(SocketAddress(ip: ip, port: 0))
        let listener = try loop.listen(address, backlog: 128) { [self] loop, descriptor in
            let probe = Probe()
            prepare(probe)
            probes.append(probe)
            probe.stream = loop.open(descriptor, owner: probe)
        }
        self.listener = listener
        return listener.address
    }

    /// Connects to an address with a probe that `prepare` sets up.
    @discardableResult
    func dial(_ address: SocketAddress, _ prepare: (Probe) -> Void) -> Probe {
        let probe = Probe()
        prepare(probe)
        probes.append(probe)
        probe.stream = loop.connect(address, owner: probe)
        return probe
    }
}

/// Runs a script on a loop of its own until it calls `done` with what the test wants to know, then ends the loop and
/// expects that no handle was left.
func onLoop<Result: Sendable>(
    answering: Result.Type = Result.self, bufferBytes: Int = 262_144,
    _ script: @escaping @Sendable (Bench, @escaping @Sendable (Result) -> Void) throws -> Void
) async throws -> Result {
    ignoreBrokenPipes()
    let thread = try LoopThread(name: "test", bufferBytes: bufferBytes) { Bench($0) }
    let outcome = Once<Result>()
    do {
        try await thread.perform { bench in
            try script(bench) { outcome.set($0) }
        }
    } catch {
        thread.stop()
        await thread.join()
        throw error
    }
    let result = await outcome.value
    thread.stop()
    let closedCleanly = await thread.join()
    #expect(closedCleanly)
    return result
}

/// A value that is set once and awaited.
final class Once<Value: Sendable>: Sendable {
    private struct Content {
        var value: Value?
        var waiter: CheckedContinuation<Value, Never>?
    }

    private let content = Mutex(Content())

    func set(_ value: Value) {
        let waiter = content.withLock { content -> CheckedContinuation<Value, Never>? in
            guard content.value == nil else { return nil }
            content.value = value
            return content.waiter.take()
        }
        waiter?.resume(returning: value)
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let known = content.withLock { content -> Value? in
                    if content.value == nil { content.waiter = continuation }
                    return content.value
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}
