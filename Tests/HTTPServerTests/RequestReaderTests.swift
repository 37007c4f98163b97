import Testing

@testable import HTTPServer

/// Requests out of bytes.
struct RequestReaderTests {
    private func reader(head: Int = 65_536, body: Int = 262_144) -> RequestReader {
        var limits = HTTPServerLimits()
        limits.headBytes = head
        limits.bodyBytes = body
        return RequestReader(limits: limits, peer: "192.0.2.7")
    }

    /// All steps but `more` that a text gives, in pieces of a size, each in words.
    private func steps(_ text: String, pieces: Int, _ fresh: consuming RequestReader) -> [String] {
        var reader = fresh
        var words: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            reader.append(bytes[start..<min(bytes.count, start + pieces)].span)
            steps: while true {
                switch reader.next() {
                case .more: break steps
                case .wantsContinue: words.append("continue")
                case .refused(let status, _): words.append("\(status)")
                case .whole(let arrival):
                    let request = arrival.request
                    let body = String(decoding: request.body, as: UTF8.self)
                    words.append("\(request.method) \(request.path) [\(body)]\(arrival.keepsAlive ? "" : " last")")
                }
            }
        }
        return words
    }

    /// However the bytes are cut, the requests are the same.
    @Test(arguments: 1...40)
    func requestsComeOutWholeAtEveryCut(pieces: Int) {
        let text = """
            GET /one HTTP/1.1\r\nHost: a\r\n\r\n\
            POST /two?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
            POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nchun\r\n3\r\nked\r\n0\r\nT: t\r\n\r\n\
            DELETE /four HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n
            """
        #expect(
            steps(text, pieces: pieces, reader()) == [
                "GET /one []", "POST /two [hello]", "POST /three [chunked]", "DELETE /four [] last",
            ])
    }

    @Test func aBodyThatWaitsForContinueIsAskedFor() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        var reader = reader()
        reader.append(Array(head.utf8).span)
        guard case .wantsContinue = reader.next(), case .more = reader.next() else {
            Issue.record("the client still waits")
            return
        }
        reader.append(Array("ok".utf8).span)
        guard case .whole(let arrival) = reader.next() else {
            Issue.record("no request")
            return
        }
        #expect(arrival.request.body == Array("ok".utf8))
        #expect(steps(head + "ok", pieces: 1_000, self.reader()) == ["POST / [ok]"])
    }

    @Test(arguments: [
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /?a=%1 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n3\r\n123\r\n", "413"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 300))\r\n\r\n", "431"),
    ])
    func whatCannotBeTakenIsRefusedOnce(text: String, status: String) {
        let follower = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        for pieces in [1, 7, 1_000] {
            #expect(steps(text + follower, pieces: pieces, reader(head: 256, body: 10)) == [status])
        }
    }

    @Test func targetsAreDecoded() throws {
        let request = try #require(
            HTTPRequest(
                method: "GET", target: "/v1//a%2Fb/%E2%82%AC+?state=a+b%3D&flag&x=1=2&state=second",
                headers: [("X-One", "1"), ("x-one", "2")]))
        #expect(request.segments == ["v1", "a/b", "€+"])
        #expect(request.path == "/v1//a%2Fb/%E2%82%AC+")
        #expect(request.query.map(\.name) == ["state", "flag", "x", "state"])
        #expect(request.query.map(\.value) == ["a b=", "", "1=2", "second"])
        #expect(request.queryValue("state") == "a b=")
        #expect(request.queryValue("none") == nil)
        #expect(request.header("X-ONE") == "1")
        #expect(request.header("X-Two") == nil)
        #expect(HTTPRequest(method: "GET", target: "")?.path == "/")
    }
}
