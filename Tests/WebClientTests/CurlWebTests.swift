import Engine
import Model
import TestKit
import Testing
import WebClient

@Suite("The web port by libcurl")
struct CurlWebTests {
    private let web = CurlWeb()

    @Test func sendsARequestToTheGivenAddressAndGivesTheAnswer() async throws {
        let server = try CannedServer(answer: "HTTP/1.1 503 S\r\nA: b\r\nContent-Length: 4\r\n\r\nbusy")
        let answer = try await web.perform(
            WebRequest(
                method: "POST", url: "http://coordinator.invalid:\(server.port)/v1/info",
                headers: [WebHeader("X-A", "1")],
                body: Array("hello".utf8), address: CoordinatorAddress(ip: "127.0.0.1", port: server.port)))
        #expect(
            answer
                == WebResponse(
                    status: 503, headers: [WebHeader("A", "b"), WebHeader("Content-Length", "4")],
                    body: Array("busy".utf8)))
        #expect(server.received().hasPrefix("POST /v1/info HTTP/1.1\r\nHost: coordinator.invalid:\(server.port)\r\n"))
        #expect(server.received().contains("\r\nX-A: 1\r\n"))
    }

    @Test func tellsWhyThereIsNoAnswer() async throws {
        let closed = try CannedServer(answer: nil, isListening: false)
        let silent = try CannedServer(answer: nil)
        let large = try CannedServer(answer: "HTTP/1.1 200 O\r\nContent-Length: 4\r\n\r\nfull")
        await #expect(throws: WebProblem.refused) { try await web.perform(WebRequest(url: closed.url)) }
        await #expect(throws: WebProblem.timedOut) {
            try await web.perform(WebRequest(url: silent.url, timeoutMilliseconds: 50))
        }
        await #expect(throws: WebProblem.tooLarge) {
            try await web.perform(WebRequest(url: large.url, maximumBody: 3))
        }
        await #expect(throws: WebProblem.self) { try await web.perform(WebRequest(url: "ftp://127.0.0.1/")) }
    }
}
