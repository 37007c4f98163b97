import HTTPServer
import Model

extension Route {
    /// The table of routes: all that the second listener answers.
    static func all(metricsText: @escaping @Sendable (MetricsReading) -> String) -> [Route] {
        var routes: [Route] = health
        routes += [metrics(metricsText), status]
        for part in [groups, flips, coordinators, statements, retries, policy] { routes += part }
        routes.append(reload)
        return routes + [document(of: routes)]
    }

    /// `GET /openapi.json`: the routes, for machines.
    private static func document(of routes: [Route]) -> Route {
        Route(.get, "/openapi.json", "This document") { (_) throws(AdminProblem) in
            .json(200, try encoded(OpenAPIDocument(routes)))
        }
    }
}
