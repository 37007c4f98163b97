import HTTPServer
import Network
import Testing

/// The server as clients see it.
@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
    private let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func aConnectionServesOneRequestAfterTheOther() async throws {
        try await withServer { address, _ in
            let client = try Client(address)
            for round in 1...3 {
                client.send("GET /round/\(round) HTTP/1.1\r\nHost: a\r\n\r\n")
                let text = await client.received("/round/\(round)")
                #expect(text.hasSuffix("Content-Length: 8\r\n\r\n/round/\(round)"))
            }
        }
    }

    /// The first handler is the slowest.
    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
        let gate = Gate()
        try await withServer { request in
            if request.path == "/1" { await gate.pass() }
            return .text(200, "<\(request.path)>")
        } _: { address, _ in
            let client = try Client(address)
            client.send((1...9).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let other = try Client(address)
            other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await other.received("</other>")
            gate.open()
            let text = await client.received("</9>")
            let places = (1...9).compactMap { text.firstRange(of: "</\($0)>")?.lowerBound }
            #expect(places.count == 9)
            #expect(places == places.sorted())
        }
    }

    @Test func slowHandlersDoNotHoldUpOneAnother() async throws {
        let gate = Gate()
        try await withServer { request in
            await gate.pass()
            return .text(200, "done \(request.path)")
        } _: { address, _ in
            let clients = try (0..<20).map { _ in try Client(address) }
            for (number, client) in clients.enumerated() { client.send("GET /\(number)! HTTP/1.1\r\nHost: a\r\n\r\n") }
            gate.open()
            for (number, client) in clients.enumerated() {
                #expect(await client.received("done /\(number)!").contains("200 OK"))
            }
        }
    }

    @Test func headHasTheLengthAndNoBody() async throws {
        try await withServer { address, _ in
            let client = try Client(address)
            client.send("HEAD /some/path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let text = await client.receivedAll()
            #expect(text.contains("Content-Length: 10\r\n"))
            #expect(text.hasSuffix("Connection: close\r\n\r\n"))
        }
    }

    @Test func answersWithoutABodyHaveNoLength() async throws {
        try await withServer(handler: { _ in HTTPResponse(status: 204, headers: [("X-A", "b\r\nX-Evil: c")]) }) {
            address, _ in
            let client = try Client(address)
            client.send(get)
            let text = await client.received("\r\n\r\n")
            #expect(text == "HTTP/1.1 204 No Content\r\nX-A: b  X-Evil: c\r\n\r\n")
        }
    }

    @Test func aRequestReachesTheHandlerWhole() async throws {
        try await withServer { request in
            let body = String(decoding: request.body, as: UTF8.self)
            let header = request.header("x-a") ?? "none"
            return .text(200, "\(request.method) \(request.segments) \(header) \(body) \(request.peer)")
        } _: { address, _ in
            let client = try Client(address)
            client.send("PUT /a%20b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
            client.send("0\r\n\r\n")
            #expect(await client.received("127.0.0.1").hasSuffix(#"PUT ["a b"] 1 ok 127.0.0.1"#))
        }
    }

    @Test func continueIsSaidToWhoWaitsForIt() async throws {
        try await withServer(handler: { .text(200, "got \($0.body.count)") }) { address, _ in
            let client = try Client(address)
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(await client.received("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("abc")
            #expect(await client.received("got 3").contains("200 OK"))
        }
    }

    @Test func oldClientsAreClosedUnlessTheyAskOtherwise() async throws {
        try await withServer { address, _ in
            let old = try Client(address)
            old.send("GET /old HTTP/1.0\r\n\r\n")
            #expect(await old.receivedAll().hasSuffix("Connection: close\r\n\r\n/old"))
            let asking = try Client(address)
            asking.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(await asking.received("\r\n\r\n/1").contains("Connection: keep-alive"))
            asking.send("GET /2 HTTP/1.0\r\n\r\n")
            #expect(await asking.receivedAll().hasSuffix("\r\n\r\n/2"))
        }
    }

    @Test func aHalfClosedClientStillGetsItsAnswers() async throws {
        let gate = Gate()
        try await withServer { request in
            await gate.pass()
            return .text(200, "<\(request.path)>")
        } _: { address, _ in
            let client = try Client(address)
            client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
            client.endSending()
            gate.open()
            let text = await client.receivedAll()
            #expect(text.contains("</1>"))
            #expect(text.hasSuffix("Connection: close\r\n\r\n</2>"))
        }
    }

    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n", 431),
    ])
    func whatIsNoRequestIsToldSoAndTheConnectionEnds(request: String, status: Int) async throws {
        try await withServer { address, _ in
            let client = try Client(address)
            client.send(request + get)
            let text = await client.receivedAll()
            #expect(text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(text.contains("application/problem+json"))
            #expect(text.contains(#""status":\#(status)"#))
            #expect(!text.contains("200 OK"))
        }
    }

    @Test(arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"])
    func aRequestThatDoesNotComeInTimeIsGivenUp(beginning: String) async throws {
        var limits = HTTPServerLimits()
        limits.requestTime = .milliseconds(50)
        try await withServer(limits: limits) { address, _ in
            let client = try Client(address)
            client.send(beginning)
            #expect(await client.receivedAll().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        }
    }

    @Test func aConnectionThatRestsTooLongIsClosed() async throws {
        var limits = HTTPServerLimits()
        limits.idleTime = .milliseconds(50)
        try await withServer(limits: limits) { address, _ in
            #expect(try await Client(address).receivedAll() == "")
            let used = try Client(address)
            used.send(get)
            #expect(await used.receivedAll().hasSuffix("/x"))
        }
    }

    @Test func aClientThatDoesNotReadIsGivenUp() async throws {
        var limits = HTTPServerLimits()
        limits.stallTime = .milliseconds(50)
        let large = [UInt8](repeating: 97, count: 16 << 20)
        let started = Gate()
        try await withServer(limits: limits) { request in
            started.open()
            return request.path == "/large" ? HTTPResponse(status: 200, body: large) : .text(200, "small")
        } _: { address, server in
            let client = try Client(address)
            client.stopReading()
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /small HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.pass()
            // A stop waits for every connection: this one goes by itself, long before the grace is over.
            await server.stop(grace: .seconds(50))
        }
    }

    @Test func connectionsBeyondTheBoundWaitForAPlace() async throws {
        var limits = HTTPServerLimits()
        limits.connections = 2
        try await withServer(limits: limits) { address, _ in
            let first = try Client(address)
            let second = try Client(address)
            first.send(get)
            second.send(get)
            _ = await first.received("/x")
            _ = await second.received("/x")
            let third = try Client(address)
            third.send("GET /third HTTP/1.1\r\nHost: a\r\n\r\n")
            first.leave()
            #expect(await third.received("/third").contains("200 OK"))
        }
    }

    @Test func aHandlerGoesOnWhenItsClientLeaves() async throws {
        let (started, gate, finished) = (Gate(), Gate(), Gate())
        try await withServer { _ in
            started.open()
            await gate.pass()
            if !Task.isCancelled { finished.open() }
            return .text(200, "nobody reads this")
        } _: { address, _ in
            let client = try Client(address)
            client.send(get)
            await started.pass()
            client.leave()
            _ = await client.receivedAll()
            gate.open()
            await finished.pass()
        }
    }

    @Test func aTakenPortIsAnError() async throws {
        try await withServer { address, _ in
            let second = HTTPServer(name: "second", address: address) { _ in .text(200, "") }
            await #expect(throws: NetworkError.addressInUse(address)) { try await second.start() }
        }
    }
}
