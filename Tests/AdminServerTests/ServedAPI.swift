import FoundationEssentials
import Model
import Network
import Testing
import WebClient

@testable import AdminServer

/// An admin server on loopback with a client.
struct ServedAPI {
    static let token = "0123456789abcdefghij"

    let api: FakeAPI
    let web = CurlWeb()
    let url: String

    /// Serves while the body runs.
    static func with(
        metrics: MetricsAccess = .token, _ body: @Sendable (ServedAPI) async throws -> Void
    ) async throws {
        let api = FakeAPI()
        let server = AdminServer(
            address: try #require(SocketAddress(ip: "127.0.0.1", port: 0)), api: api,
            credential: try #require(Credential(Array(token.utf8))), metrics: metrics,
            metricsText: { "version \($0.version)\n" })
        try await server.start()
        let served = ServedAPI(api: api, url: "http://\(try #require(server.address))")
        let running = Task { try await server.run() }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(served))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        try result.get()
    }

    private init(api: FakeAPI, url: String) {
        self.api = api
        self.url = url
    }

    /// Asks with the credential. A length that is announced is that of a body which does not follow.
    func ask(
        _ method: String, _ path: String, _ body: String? = nil, announcing length: Int? = nil,
        authorization: String? = "Bearer \(token)"
    ) async throws -> Reply {
        var headers = authorization.map { [WebHeader("Authorization", $0)] } ?? []
        if let length { headers.append(WebHeader("Content-Length", String(length))) }
        let answer = try await web.perform(
            WebRequest(method: method, url: url + path, headers: headers, body: body.map { Array($0.utf8) }))
        return Reply(answer: answer)
    }
}

/// An answer, easy to look into.
struct Reply {
    let answer: WebResponse

    var status: Int { answer.status }
    var text: String { String(decoding: answer.body, as: UTF8.self) }

    func header(_ name: String) -> String? {
        answer.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    func problem() throws -> AdminProblem {
        #expect(header("Content-Type") == "application/problem+json")
        let problem = try JSONDecoder().decode(AdminProblem.self, from: Data(answer.body))
        #expect(problem.status == status)
        return problem
    }

    func body<Body: Decodable>(_ type: Body.Type) throws -> Body {
        #expect(header("Content-Type") == "application/json")
        return try JSONDecoder().decode(type, from: Data(answer.body))
    }
}
