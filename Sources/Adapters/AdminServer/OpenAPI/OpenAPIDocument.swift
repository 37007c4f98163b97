import Model

/// The table of routes as an OpenAPI 3.1 document.
struct OpenAPIDocument: Encodable {
    private let openapi = "3.1.0"
    private let info = Info()
    private let security = [["token": [String]()]]
    private let components: Components
    private var paths: [String: [String: Operation]] = [:]

    init(_ routes: [Route]) throws(AdminProblem) {
        do {
            var table = SchemaTable()
            let problem = try table.schema(of: AdminProblem.self, isSent: true)
            for route in routes {
                let operation = try Operation(route, problem: problem, &table)
                paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation
            }
            components = Components(schemas: table.components)
        } catch {
            throw AdminProblem(
                status: 500, title: "Internal Server Error", detail: "A body of the API has no schema: \(error)")
        }
    }

    private struct Info: Encodable {
        let title = "Penstock"
        let version = releaseVersion
        let description = "The admin API of the gateway. /v1/queries is another name for /v1/statements."
    }

    private struct Components: Encodable {
        let schemas: [String: Schema]
        let securitySchemes = ["token": ["type": "http", "scheme": "bearer"]]
    }

    private struct Operation: Encodable {
        let summary: String
        let parameters: [Parameter]
        let requestBody: RequestContent?
        let responses: [String: Response]
        /// Empty where nobody is asked for a token.
        let security: [[String: [String]]]?

        init(_ route: Route, problem: Schema, _ table: inout SchemaTable) throws {
            summary = route.summary
            let names = route.path.split(separator: "/").filter { $0.first == "{" }.map { $0.dropFirst().dropLast() }
            parameters =
                names.map { Parameter(name: String($0), place: "path", required: true) }
                + route.parameters.map { Parameter(name: $0.name, place: "query", description: $0.summary) }
            requestBody = try route.request.map { type in
                let schema = try table.schema(of: type, isSent: true)
                return RequestContent(content: ["application/json": Content(schema: schema)])
            }
            let answer = try route.answer.map { try table.schema(of: $0, isSent: false) }
            let type = answer == nil && !route.path.hasSuffix(".json") ? "text/plain" : "application/json"
            responses = [
                String(route.status): Response(description: "Done", content: [type: Content(schema: answer)]),
                "default": Response(
                    description: "A problem", content: ["application/problem+json": Content(schema: problem)]),
            ]
            security = route.access == .everybody ? [] : nil
        }
    }

    private struct Parameter: Encodable {
        let name: String
        let place: String
        var description: String?
        var required = false
        let schema = Schema.string

        private enum CodingKeys: String, CodingKey {
            case name
            case place = "in"
            case description, required, schema
        }
    }

    private struct RequestContent: Encodable {
        let content: [String: Content]
    }

    private struct Response: Encodable {
        let description: String
        let content: [String: Content]
    }

    private struct Content: Encodable {
        let schema: Schema?
    }
}
