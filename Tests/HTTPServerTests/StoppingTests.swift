import HTTPServer
import Network
import Testing

/// Streamed answers, and the end of a server.
@Suite(.timeLimit(.minutes(1)))
struct StoppingTests {
    private let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func aStreamedAnswerComesPieceByPiece() async throws {
        let gate = Gate()
        try await withServer { request in
            guard request.path == "/x" else { return .text(200, "<\(request.path)>") }
            return .stream(200, headers: [("Content-Type", "text/event-stream")]) { writer in
                // A client that left needs no more pieces.
                try? await writer.write(Array("data: 1\n\n".utf8))
                await gate.pass()
                try? await writer.write([])
                try? await writer.write(Array("data: twenty-two\n\n".utf8))
            }
        } _: { address, _ in
            let client = try Client(address)
            client.send(get + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            let first = await client.received("data: 1\n\n\r\n")
            #expect(first.contains("Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1"))
            gate.open()
            let all = await client.received("</next>")
            #expect(all.contains("12\r\ndata: twenty-two\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK"))
            let old = try Client(address)
            old.send("GET /x HTTP/1.0\r\n\r\n")
            #expect(await old.receivedAll().hasSuffix("\r\n\r\ndata: 1\n\ndata: twenty-two\n\n"))
            let head = try Client(address)
            head.send("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(await head.receivedAll().hasSuffix("Connection: close\r\n\r\n"))
        }
    }

    /// Memory stays bounded: a piece is awaited before the next is made.
    @Test func aStreamWaitsForItsClientAndHearsThatItLeft() async throws {
        let (stalled, over) = (Gate(), Gate())
        try await withServer { _ in
            .stream(200, headers: []) { writer in
                let piece = [UInt8](repeating: 97, count: 1 << 20)
                do {
                    for round in 0..<1_000 {
                        if round == 2 { stalled.open() }
                        try await writer.write(piece)
                    }
                } catch {
                    over.open()
                }
            }
        } _: { address, _ in
            let client = try Client(address)
            client.stopReading()
            client.send(get)
            await stalled.pass()
            client.leave()
            await over.pass()
        }
    }

    @Test func aStopAnswersWhatIsUnderWayAndClosesWhatRests() async throws {
        let (started, gate) = (Gate(), Gate())
        try await withServer { request in
            guard request.path == "/slow" else { return .text(200, "quick") }
            started.open()
            await gate.pass()
            return .text(200, "slow but there")
        } _: { address, server in
            let resting = try Client(address)
            resting.send(get)
            _ = await resting.received("quick")
            let working = try Client(address)
            working.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.pass()
            async let stopped: Void = server.stop(grace: .seconds(50))
            #expect(await resting.receivedAll().hasSuffix("quick"))
            gate.open()
            #expect(await working.receivedAll().hasSuffix("Connection: close\r\n\r\nslow but there"))
            await stopped
            #expect(try await Client(address).receivedAll() == "")
        }
    }

    @Test func aStopCutsWhatOutlivesTheGrace() async throws {
        let (started, never) = (Gate(), Gate())
        try await withServer { _ in
            started.open()
            await never.pass()
            return .text(200, "too late")
        } _: { address, server in
            let client = try Client(address)
            client.send(get)
            await started.pass()
            await server.stop(grace: .milliseconds(10))
            #expect(await client.receivedAll() == "")
            never.open()
        }
    }

    @Test func aStopEndsStreams() async throws {
        let (started, cancelled) = (Gate(), Gate())
        try await withServer { _ in
            .stream(200, headers: []) { writer in
                started.open()
                do {
                    while true { try await writer.write(Array("tick".utf8)) }
                } catch {
                    cancelled.open()
                }
            }
        } _: { address, server in
            let client = try Client(address)
            client.send(get)
            await started.pass()
            await server.stop(grace: .seconds(50))
            await cancelled.pass()
            #expect(await client.receivedAll().hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func aServerStartsAgainAfterItsStop() async throws {
        let loopback = try #require(SocketAddress(ip: "127.0.0.1", port: 0))
        let server = HTTPServer(name: "twice", address: loopback) { .text(200, $0.path) }
        for _ in 0..<2 {
            let client = try Client(try await server.start())
            client.send(get)
            #expect(await client.received("\r\n\r\n/x").contains("200 OK"))
            await server.stop(grace: .seconds(5))
            await server.stop(grace: .seconds(5))
        }
    }
}
