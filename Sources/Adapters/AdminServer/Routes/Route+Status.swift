import HTTPServer
import Model

extension Route {
    /// The routes that load balancers ask: alive, and serving.
    static let health = [
        Route(.get, "/-/healthy", "Whether the process lives", access: .everybody) { (_) throws(AdminProblem) in
            .text(200, "healthy\n")
        },
        Route(.get, "/-/ready", "Whether clients are served; 503 if not", access: .everybody) {
            (call) throws(AdminProblem) in
            await call.api.isReady() ? .text(200, "ready\n") : .text(503, "not ready\n")
        },
    ]

    /// What Prometheus reads.
    static func metrics(_ text: @escaping @Sendable (MetricsReading) -> String) -> Route {
        Route(.get, "/metrics", "Counters and gauges in Prometheus' text format", access: .metrics) {
            (call) throws(AdminProblem) in
            HTTPResponse(
                status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
                body: Array(text(await call.api.reading()).utf8))
        }
    }

    /// The gateway as a whole.
    static let status = Route(.get, "/v1/status", "The gateway as a whole", answer: StatusBody.self) {
        (call) throws(AdminProblem) in
        await call.api.status()
    }

    /// Reads the settings anew.
    static let reload = Route(
        .post, "/v1/reload", "Read the settings anew: applied whole, or 422 with every problem",
        answer: ReloadBody.self
    ) { (call) throws(AdminProblem) in
        try await call.api.reload()
    }
}
