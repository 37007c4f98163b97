import Engine
import FoundationEssentials
import HTTPServer
import Model

/// One route of the admin API: what it is called, what it takes, what it does. The document is made from the same words.
struct Route: Sendable {
    /// What a route does to what it names.
    enum Method: String {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    /// Who may call it.
    enum Access {
        case credential
        /// The credential, unless the settings open it.
        case metrics
        case everybody
    }

    /// A member of the query.
    struct Parameter {
        let name: String
        let summary: String
        var repeats = false
    }

    /// What a call brings.
    struct Call: Sendable {
        let api: any AdminAPI
        /// By the names that the path gives them.
        let names: [String: String]
        let query: [(name: String, value: String)]
        let body: [UInt8]
        /// Who asks, as the flip log shows it.
        let by: String

        /// The part of the path that has this name.
        func name(_ name: String) -> String { names[name] ?? "" }

        /// The value of that member of the query.
        func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
    }

    let method: Method
    /// `/v1/groups/{group}`
    let path: String
    /// One line for the document.
    let summary: String
    let access: Access
    let parameters: [Parameter]
    /// The body it takes, if any.
    let request: (any RequestBody.Type)?
    /// The status of success.
    let status: Int
    /// The JSON it answers; nil for text.
    let answer: (any (Decodable & Sendable).Type)?
    let handle: @Sendable (Call) async throws(AdminProblem) -> HTTPResponse

    /// A route that answers JSON.
    init<Answer: Codable & Sendable>(
        _ method: Method, _ path: String, _ summary: String, parameters: [Parameter] = [], status: Int = 200,
        answer: Answer.Type, handle: @escaping @Sendable (Call) async throws(AdminProblem) -> Answer
    ) {
        self.init(method, path, summary, parameters: parameters, request: nil, status: status, answer: answer) {
            (call) throws(AdminProblem) in
            try call.refuseBody()
            return .json(status, try encoded(try await handle(call)))
        }
    }

    /// A route that takes and answers JSON.
    init<Request: RequestBody, Answer: Codable & Sendable>(
        _ method: Method, _ path: String, _ summary: String, takes request: Request.Type, status: Int = 200,
        answer: Answer.Type, handle: @escaping @Sendable (Call, Request) async throws(AdminProblem) -> Answer
    ) {
        self.init(method, path, summary, request: request, status: status, answer: answer) {
            (call) throws(AdminProblem) in
            let request = try decoded(Request.self, from: call.body)
            return .json(status, try encoded(try await handle(call, request)))
        }
    }

    /// Any route.
    init(
        _ method: Method, _ path: String, _ summary: String, access: Access = .credential,
        parameters: [Parameter] = [], request: (any RequestBody.Type)? = nil, status: Int = 200,
        answer: (any (Decodable & Sendable).Type)? = nil,
        handle: @escaping @Sendable (Call) async throws(AdminProblem) -> HTTPResponse
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.access = access
        self.parameters = parameters
        self.request = request
        self.status = status
        self.answer = answer
        self.handle = handle
    }

    /// The names in the path and what they stand for in these segments; nil if the path is another.
    func names(in segments: [String]) -> [String: String]? {
        let pattern = path.split(separator: "/")
        guard pattern.count == segments.count else { return nil }
        var names: [String: String] = [:]
        for (part, segment) in zip(pattern, segments) {
            if part.first == "{" {
                names[String(part.dropFirst().dropLast())] = segment
            } else if part != segment {
                return nil
            }
        }
        return names
    }
}
