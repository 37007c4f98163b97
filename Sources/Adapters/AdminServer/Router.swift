import HTTPServer
import Model

/// Finds the route of a request, checks who asks and what, and puts answers and problems on the wire.
struct Router: Sendable {
    let api: any AdminAPI
    let credential: Credential
    /// Whether /metrics asks for the credential.
    let metrics: MetricsAccess
    let routes: [Route]

    /// The answer to a request.
    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        var response: HTTPResponse
        do throws(AdminProblem) {
            response = try await route(request)
        } catch {
            response = Self.response(error)
        }
        // What is asked for with a credential is nobody else's to keep or to interpret; no site is ever allowed in.
        response.headers += [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        return response
    }

    private func route(_ request: HTTPRequest) async throws(AdminProblem) -> HTTPResponse {
        let segments = Self.segments(of: request)
        let matches = routes.compactMap { route in route.names(in: segments).map { (route: route, names: $0) } }
        // Who may not call anything is not told what there is.
        guard matches.first.map({ isOpen($0.route) }) ?? false || credential.matches(request.header("Authorization"))
        else { return Self.challenge(hasShown: request.header("Authorization") != nil) }
        guard !matches.isEmpty else {
            throw AdminProblem(status: 404, title: "Not Found", detail: "There is no route \(request.path).")
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        guard let match = matches.first(where: { $0.route.method.rawValue == method }) else {
            return Self.notAllowed(request.method, matches.map(\.route.method))
        }
        try check(request.query, match.route.parameters)
        return try await match.route.handle(
            Route.Call(api: api, names: match.names, query: request.query, body: request.body, by: "admin"))
    }

    /// The path's parts; `queries` is another word for `statements`. A path with an empty part has no route.
    private static func segments(of request: HTTPRequest) -> [String] {
        var segments = request.segments
        guard request.path.utf8.count(where: { $0 == UInt8(ascii: "/") }) == segments.count else { return [""] }
        if segments.count >= 2, segments[0] == "v1", segments[1] == "queries" { segments[1] = "statements" }
        return segments
    }

    private func isOpen(_ route: Route) -> Bool {
        switch route.access {
        case .credential: false
        case .metrics: metrics == .open
        case .everybody: true
        }
    }

    private func check(
        _ query: [(name: String, value: String)], _ parameters: [Route.Parameter]
    ) throws(AdminProblem) {
        var seen: Set<String> = []
        for (name, _) in query {
            guard let parameter = parameters.first(where: { $0.name == name }) else {
                throw unknown("query parameter", name, among: parameters.map(\.name))
            }
            guard seen.insert(name).inserted || parameter.repeats else {
                throw .malformed("The query parameter '\(name)' is given twice.")
            }
        }
    }

    /// A problem on the wire.
    static func response(_ problem: AdminProblem) -> HTTPResponse {
        let status = (400...599).contains(problem.status) ? problem.status : 500
        // A problem is made of strings and numbers, which can always be written.
        let body = (try? encoded(problem)) ?? []
        return HTTPResponse(status: status, headers: [("Content-Type", "application/problem+json")], body: body)
    }

    private static func challenge(hasShown: Bool) -> HTTPResponse {
        var answer = response(
            AdminProblem(
                status: 401, title: "Unauthorized",
                detail: hasShown
                    ? "The Authorization header does not show the token of this gateway."
                    : "Show the token of admin.token_file: 'Authorization: Bearer TOKEN'."))
        let error = hasShown ? #", error="invalid_token""# : ""
        answer.headers.append(("WWW-Authenticate", #"Bearer realm="penstock"\#(error)"#))
        return answer
    }

    private static func notAllowed(_ method: String, _ allowed: [Route.Method]) -> HTTPResponse {
        let allowed = allowed.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] }
        var answer = response(
            AdminProblem(
                status: 405, title: "Method Not Allowed",
                detail: "\(method) does nothing here; \(allowed.joined(separator: ", ")) do."))
        answer.headers.append(("Allow", allowed.joined(separator: ", ")))
        return answer
    }
}
