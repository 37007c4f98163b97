import Network
import Synchronization

/// A small HTTP/1.1 server for the control plane: one thread, async handlers, everything bounded.
///
/// Requests of one connection are answered in their order, those of different connections are handled at once. A
/// handler is not cancelled when its client leaves.
public final class HTTPServer: Sendable {
    private let name: String
    private let address: SocketAddress
    private let limits: HTTPServerLimits
    private let handler: @Sendable (HTTPRequest) async -> HTTPResponse
    private let thread = Mutex<LoopThread<ServerLoop>?>(nil)

    /// A server that does nothing before `start`. `name` is its thread's.
    public init(
        name: String, address: SocketAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) {
        self.name = name
        self.address = address
        self.limits = limits
        self.handler = handler
    }

    /// Listens and serves; answers the address that it listens at, with the port that was found for port 0.
    /// Throws a `NetworkError`.
    public func start() async throws -> SocketAddress {
        let thread = try LoopThread(name: name) { [limits, handler] loop in
            ServerLoop(loop, limits: limits, handler: handler)
        }
        do {
            let bound = try await thread.perform { [address] in try $0.start(at: address, thread: thread) }
            keep(thread)
            return bound
        } catch {
            thread.stop()
            await thread.join()
            throw error
        }
    }

    /// Takes no more connections, answers what is under way, and returns when all have closed, at the latest after
    /// `grace`, when the rest is cut. A handler that still works is not awaited.
    public func stop(grace: Duration) async {
        guard let thread = takeThread() else { return }
        await withCheckedContinuation { continuation in
            let isTaken = thread.post { $0.stop(grace: grace) { continuation.resume() } }
            if !isTaken { continuation.resume() }
        }
        thread.stop()
        await thread.join()
    }

    // Not in the async functions themselves: optimised, those may lock in the name of a thread that they have left.

    @inline(never)
    private func keep(_ thread: LoopThread<ServerLoop>) { self.thread.withLock { $0 = thread } }

    @inline(never)
    private func takeThread() -> LoopThread<ServerLoop>? { thread.withLock { $0.take() } }
}
