import Model
import Testing

@testable import AdminServer

@Suite("Problems")
struct ProblemTests {
    @Test(arguments: [
        "/", "/v1", "/v1/nope", "/v2/status", "/v1/status/", "//v1/status", "/v1/flips/x", "/v1/groups/x",
    ]
    )
    func whatIsNotThereIs404(path: String) async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("GET", path)
            #expect(reply.status == 404)
            #expect(try reply.problem().title == "Not Found")
        }
    }

    @Test(arguments: [
        ("POST", "/v1/status", "GET, HEAD"), ("PUT", "/v1/reload", "POST"), ("GET", "/v1/groups/default/flip", "POST"),
        ("PATCH", "/v1/coordinators/x", "GET, HEAD, DELETE"), ("OPTIONS", "/v1/coordinators", "GET, HEAD, POST"),
    ])
    func anotherMethodIs405(method: String, path: String, allowed: String) async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask(method, path)
            #expect(reply.status == 405)
            #expect(reply.header("Allow") == allowed)
            _ = try reply.problem()
        }
    }

    @Test(arguments: [
        ("not json", "not JSON"), ("[]", "must be a JSON object"), (#""green""#, "must be a JSON object"),
        ("{}", "'to' is missing"), (#"{"to":null}"#, "'to'"), (#"{"to":7}"#, "'to' must be a string"),
        (#"{"to":"green","force":"yes"}"#, "'force' must be true or false"),
        (#"{"to":"green","expect_epoch":-1}"#, "negative"), (#"{"to":"green","expect_epoch":1.5}"#, "whole number"),
        (#"{"to":"green","mode":"slow"}"#, "'mode'"),
        (#"{"to":"green","forse":true}"#, "Did you mean 'force'?"), (#"{"to":"green"} x"#, "not JSON"),
    ])
    func aMalformedBodyIs400AndSaysWhere(body: String, word: String) async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("POST", "/v1/groups/default/flip", body)
            #expect(reply.status == 400)
            let detail = try reply.problem().detail
            #expect(detail.contains(word))
            #expect(served.api.calls.isEmpty)
        }
    }

    @Test(arguments: [
        "limit=0", "limit=1001", "limit=x", "limit=-1", "state=odd", "cursor=A%20B", "cursor=", "since=yesterday",
        "until=2026-13-01T00:00:00Z", "uesr=anna", "user=a&user=b", "user=%ff",
    ])
    func aQueryThatMakesNoSenseIs400(query: String) async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("GET", "/v1/statements?\(query)")
            #expect(reply.status == 400)
            _ = try reply.problem()
            #expect(served.api.calls.isEmpty)
        }
    }

    @Test func whatTakesNoBodyRefusesOne() async throws {
        try await ServedAPI.with { (served) async throws in
            #expect(try await served.ask("POST", "/v1/coordinators/b/drain", #"{"wait":true}"#).status == 400)
            #expect(served.api.calls.isEmpty)
        }
    }

    @Test func aBodyThatIsTooLargeIs413() async throws {
        try await ServedAPI.with { (served) async throws in
            // Only announced: who sends more than the server drops after its answer may see a reset before that.
            let reply = try await served.ask("POST", "/v1/coordinators", announcing: 1_048_577)
            #expect(reply.status == 413)
        }
    }
}
