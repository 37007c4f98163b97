import Files
import FoundationEssentials
import Model
import Testing

@testable import AdminServer

@Suite("Who may ask")
struct AccessTests {
    @Test func everyRouteButThoseOfHealthAsksForTheToken() async throws {
        try await ServedAPI.with { (served) async throws in
            let routes = Route.all(metricsText: { _ in "" })
            for route in routes where route.access != .everybody {
                let path = route.path.replacing("{group}", with: "default").replacing("{name}", with: "blue-1")
                for authorization in [nil, "Bearer wrong", "Basic \(ServedAPI.token)", "Bearer \(ServedAPI.token)x"] {
                    let reply = try await served.ask(route.method.rawValue, path, authorization: authorization)
                    #expect(reply.status == 401, "\(route.path) \(authorization ?? "-")")
                    #expect(reply.header("WWW-Authenticate")?.hasPrefix("Bearer realm=\"penstock\"") == true)
                    #expect(try reply.problem().title == "Unauthorized")
                }
            }
            #expect(try await served.ask("GET", "/nowhere", authorization: nil).status == 401)
            #expect(served.api.calls.isEmpty)
        }
    }

    @Test func healthIsForEverybodyAndReadyTellsTheTruth() async throws {
        try await ServedAPI.with { (served) async throws in
            #expect(try await served.ask("GET", "/-/healthy", authorization: nil).status == 200)
            #expect(try await served.ask("HEAD", "/-/ready", authorization: nil).status == 200)
            served.api.setReady(false)
            #expect(try await served.ask("GET", "/-/ready", authorization: nil).status == 503)
            #expect(try await served.ask("GET", "/-/healthy", authorization: nil).status == 200)
        }
    }

    @Test func metricsMayBeOpen() async throws {
        try await ServedAPI.with(metrics: .open) { (served) async throws in
            let reply = try await served.ask("GET", "/metrics", authorization: nil)
            #expect(reply.status == 200)
            #expect(reply.text == "version 1\n")
            #expect(reply.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(try await served.ask("GET", "/v1/status", authorization: nil).status == 401)
        }
    }

    @Test func answersAreNobodyElsesToKeepAndNoSiteIsLetIn() async throws {
        try await ServedAPI.with { (served) async throws in
            for path in ["/v1/status", "/nowhere"] {
                let reply = try await served.ask("GET", path)
                #expect(reply.header("Cache-Control") == "no-store")
                #expect(reply.header("X-Content-Type-Options") == "nosniff")
                #expect(reply.header("Access-Control-Allow-Origin") == nil)
            }
        }
    }

    @Test func aCredentialMatchesItselfAlone() throws {
        let credential = try #require(Credential(Array("0123456789abcdef\n".utf8)))
        #expect(credential.matches("Bearer 0123456789abcdef"))
        #expect(credential.matches("bearer 0123456789abcdef"))
        for wrong in [
            nil, "", "Bearer", "Bearer ", "0123456789abcdef", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0", "Bearer  0123456789abcdef", "Basic 0123456789abcdef",
        ] {
            #expect(!credential.matches(wrong), "\(wrong ?? "-")")
        }
    }

    @Test func aTokenIsOneWordOfSomeLength() {
        for text in ["", "short", "two words are two", "\u{7F}0123456789abcdef", String(repeating: "x", count: 1025)] {
            #expect(Credential(Array(text.utf8)) == nil)
        }
    }

    @Test func theFirstStartWritesTheFileAndLaterOnesReadIt() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "admin.token").path()
        let made = try Credential.stored(at: path)
        let text = String(decoding: try readFile(path, maximumBytes: 100), as: UTF8.self)
        #expect(text.utf8.count == 44)
        #expect(made.matches("Bearer \(text.dropLast())"))
        #expect(!isReadableByOthers(path))
        #expect(try Credential.stored(at: path).matches("Bearer \(text.dropLast())"))
        #expect(throws: CredentialProblem.malformed(path: "/dev/null")) { try Credential.stored(at: "/dev/null") }
        #expect(throws: CredentialProblem.self) { try Credential.stored(at: "/nowhere/admin.token") }
    }

    @Test func aTokenIsThirtyTwoBytesOfBase64() {
        struct Counter: RandomNumberGenerator {
            var value: UInt64 = 0xFF
            mutating func next() -> UInt64 { value }
        }
        var source = Counter()
        let byte = UInt8.random(in: 0...255, using: &source)
        let credential = Credential(from: &source)
        let expected = Data(repeating: byte, count: 32).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        #expect(credential.matches("Bearer \(expected)"))
    }
}
