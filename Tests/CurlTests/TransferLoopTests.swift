import Curl
import TestKit
import Testing

@Suite("A transfer loop")
struct TransferLoopTests {
    private let loop = TransferLoop(name: "transfers")

    @Test func sendsMethodHeadersAndBodyAndReadsTheAnswer() async throws {
        let server = try CannedServer(
            answer:
                "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 418 T\r\nA: b \r\na:c\r\nContent-Length: 4\r\n\r\nfull")
        let response = try await loop.perform(
            Request(
                method: "PUT", url: server.url + "/p?q=1", headers: [("X-One", "a b"), ("X-Empty", "")],
                body: Array("hello".utf8)))
        #expect(response.status == 418)
        #expect(response.headers.map { "\($0.name)=\($0.value)" } == ["A=b", "a=c", "Content-Length=4"])
        #expect(response.body == Array("full".utf8))
        let sent = server.received()
        #expect(sent.hasPrefix("PUT /p?q=1 HTTP/1.1\r\n"))
        #expect(sent.contains("\r\nX-One: a b\r\n"))
        #expect(sent.contains("\r\nX-Empty:\r\n"))
        #expect(!sent.contains("Content-Type") && !sent.contains("Expect"))
        #expect(sent.hasSuffix("\r\n\r\nhello"))
    }

    @Test func connectsToTheGivenAddressAndKeepsTheHost() async throws {
        let server = try CannedServer(answer: "HTTP/1.1 204 N\r\n\r\n")
        let request = Request(url: "http://no-such-host.invalid:\(server.port)/", address: "127.0.0.1")
        #expect(try await loop.perform(request).status == 204)
        #expect(server.received().contains("Host: no-such-host.invalid:\(server.port)\r\n"))
    }

    @Test func boundsTheBody() async throws {
        let server = try CannedServer(answer: "HTTP/1.1 200 O\r\nContent-Length: 11\r\n\r\n12345678901")
        await #expect(throws: CurlError.tooLarge(maximum: 10)) {
            try await loop.perform(Request(url: server.url, maximumBodyBytes: 10))
        }
    }

    @Test func tellsRefusedTimedOutCutAndMalformedApart() async throws {
        let silent = try CannedServer(answer: nil)
        let cut = try CannedServer(answer: "HTTP/1.1 200 O\r\nContent-Length: 11\r\n\r\n123")
        let empty = try CannedServer(answer: "")
        let gone = try CannedServer(answer: nil, isListening: false)
        func failure(_ request: Request) async -> String {
            do throws(CurlError) {
                return "\(try await loop.perform(request).status)"
            } catch {
                switch error {
                case .malformed: return "malformed"
                case .unresolved: return "unresolved"
                case .refused: return "refused"
                case .timedOut: return "timedOut"
                case .cut: return "cut"
                case .tooLarge: return "tooLarge"
                case .cancelled: return "cancelled"
                case .failed(let code, _): return "failed \(code)"
                }
            }
        }
        #expect(await failure(Request(url: gone.url)) == "refused")
        #expect(await failure(Request(url: silent.url, timeoutMilliseconds: 50)) == "timedOut")
        #expect(await failure(Request(url: cut.url)) == "cut")
        #expect(await failure(Request(url: empty.url)) == "cut")
        #expect(await failure(Request(url: "file:///etc/passwd")) == "malformed")
        #expect(await failure(Request(url: "http://[")) == "malformed")
        #expect(await failure(Request(url: gone.url, headers: [("A", "b\r\nC: d")])) == "malformed")
    }

    @Test func endsTheTransferOfACancelledTask() async throws {
        let silent = try CannedServer(answer: nil)
        let task = Task { [loop] () async -> CurlError? in
            do throws(CurlError) {
                _ = try await loop.perform(Request(url: silent.url))
                return nil
            } catch { return error }
        }
        _ = await silent.waitUntilAsked()
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func runsManyTransfersAtATime() async throws {
        let server = try CannedServer(answer: "HTTP/1.1 200 O\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 { group.addTask { [loop] in try await loop.perform(Request(url: server.url)).status } }
            for try await status in group { #expect(status == 200) }
        }
    }
}
