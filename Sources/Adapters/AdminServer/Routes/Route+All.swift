import HTTPServer
import Model

extension Route {
    /// The table of routes: all that the second listener answers.
    static func all(metricsText: @escaping @Sendable (MetricsReading) -> String) -> [Route] {
        let routes =
            health + [metrics(metricsText), status] + groups + flips + coordinators + statements + [reload]
        return routes + [document(of: routes)]
    }

    /// `GET /openapi.json`: the routes, for machines.
    private static func document(of routes: [Route]) -> Route {
        Route(.get, "/openapi.json", "This document") { (_) throws(AdminProblem) in
            .json(200, try encoded(OpenAPIDocument(routes)))
        }
    }
}
