import HTTPServer
import Model
import Network

/// The second listener: the admin API, health and metrics, on a thread of its own.
public final class AdminServer: Service {
    /// What the log and the status call it.
    public let name = "admin"

    private let server: HTTPServer
    private let bound = Guarded<SocketAddress?>(nil)

    /// A server that does nothing before `start`.
    ///
    /// - Parameters:
    ///   - address: where it listens; port 0 picks a free one.
    ///   - api: what the routes do.
    ///   - credential: what every route but those of health asks for.
    ///   - metrics: whether /metrics asks for it too.
    ///   - metricsText: writes what a scrape reads.
    public init(
        address: SocketAddress, api: any AdminAPI, credential: Credential, metrics: MetricsAccess,
        metricsText: @escaping @Sendable (MetricsReading) -> String
    ) {
        let router = Router(
            api: api, credential: credential, metrics: metrics, routes: Route.all(metricsText: metricsText))
        var limits = HTTPServerLimits()
        // A failure that is to be explained may bring a long message, six bytes for one where JSON escapes them.
        limits.bodyBytes = 1 << 20
        server = HTTPServer(name: "admin", address: address, limits: limits) { await router.answer($0) }
    }

    /// Where it listens, once it was started.
    public var address: SocketAddress? { bound.withLock { $0 } }

    /// Listens.
    public func start() async throws {
        let address = try await server.start()
        bound.withLock { $0 = address }
    }

    /// Serves until its task is cancelled, then finishes what is under way.
    public func run() async throws {
        // A stream that nobody feeds ends with the task's cancellation.
        let (nothing, continuation) = AsyncStream.makeStream(of: Never.self)
        for await _ in nothing {}
        continuation.finish()
        await server.stop(grace: .seconds(5))
    }
}
