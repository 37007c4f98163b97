import Testing

@testable import Wire

/// What came of parsing a text in one call.
struct Parsed<Head: ~Copyable & Sendable>: ~Copyable {
    let step: HeadStep
    let head: Head
}

func parsedRequest(_ text: String, maximumBytes: Int = 1 << 20) -> Parsed<RequestHead> {
    var head = RequestHead(maximumBytes: maximumBytes)
    let bytes = Array(text.utf8)
    let step = head.parse(bytes.span)
    return Parsed(step: step, head: head)
}

func string(_ text: String, _ range: Range<Int>) -> String {
    String(decoding: Array(text.utf8)[range], as: UTF8.self)
}

let poll = """
    GET /v1/statement/queued/20261121_025806_00000_3is75/y4d5/2?slug=x1 HTTP/1.1\r
    Host: gateway.example:8080\r
    User-Agent: trino-python-client/0.340\r
    Accept-Encoding: gzip, deflate\r
    Accept: */*\r
    Connection: keep-alive\r
    X-Trino-User: \t alice \r
    X-Presto-Client-Tags:a,b\r
    x-trino-transaction-id: NONE\r
    X-Trino-Empty:\r
    \r

    """

@Suite struct RequestHeadTests {
    @Test func readsAPoll() {
        let parsed = parsedRequest(poll)
        #expect(parsed.step == .whole)
        #expect(parsed.head.method == .get)
        #expect(parsed.head.version == .http11)
        #expect(string(poll, parsed.head.target) == "/v1/statement/queued/20261121_025806_00000_3is75/y4d5/2?slug=x1")
        #expect(string(poll, parsed.head.host) == "gateway.example:8080")
        #expect(parsed.head.end == poll.utf8.count)
        #expect(parsed.head.contentLength == -1)
        #expect(parsed.head.isChunked == false)
        #expect(parsed.head.keepsAlive == true)
        #expect(
            parsed.head.fields.map(\.name) == [
                .host, .other, .acceptEncoding, .other, .connection, .user, .clientTags, .transactionID, .other,
            ])
        let user = parsed.head.fields[5]
        #expect(string(poll, user.value) == "alice")
        #expect(string(poll, user.start..<user.nameEnd) == "X-Trino-User")
        #expect(string(poll, user.line) == "X-Trino-User: \t alice \r\n")
        #expect(parsed.head.fields.map(\.dialect) == [nil, nil, nil, nil, nil, .trino, .presto, .trino, .trino])
        #expect(parsed.head.fields[8].value.isEmpty)
        #expect(parsed.head.first(.transactionID)?.value == parsed.head.fields[7].value)
        #expect(parsed.head.first(.authorization) == nil)
    }

    @Test func saysTheSameForEveryPlaceOfACut() {
        let bytes = Array(poll.utf8)
        let whole = parsedRequest(poll)
        var head = RequestHead(maximumBytes: 1 << 20)
        for cut in 0..<bytes.count {
            head.reset()
            let first = Array(bytes[..<cut])
            #expect(head.parse(first.span) == .more)
            #expect(head.parse(bytes.span) == .whole)
            #expect(head.fields == whole.head.fields)
            #expect(head.target == whole.head.target)
            #expect(head.end == whole.head.end)
        }
    }

    @Test func readsAHeadThatComesByteByByte() {
        let bytes = Array(poll.utf8)
        var head = RequestHead(maximumBytes: 1 << 20)
        for count in 0..<bytes.count {
            #expect(head.parse(Array(bytes[..<count]).span) == .more)
        }
        #expect(head.parse(bytes.span) == .whole)
        #expect(head.fields == parsedRequest(poll).head.fields)
    }

    @Test func leavesWhatFollowsTheHead() {
        let parsed = parsedRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nSELECT 1GET")
        #expect(parsed.step == .whole)
        #expect(parsed.head.contentLength == 8)
        #expect(parsed.head.end == 47)
    }

    @Test(arguments: [
        ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("OPTIONS", .options), ("get", .other), ("PATCH", .other), ("Q~!", .other),
    ])
    func namesMethods(_ text: String, _ method: Wire.Method) {
        let parsed = parsedRequest("\(text) / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.method == method)
    }

    @Test func takesOneEmptyLineBeforeTheRequest() {
        let parsed = parsedRequest("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.end == 29)
        #expect(parsedRequest("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").step == .bad(.startLine))
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: foo, ClosE\r\n", false), ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true), ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func knowsWhetherTheConnectionStays(_ version: String, _ field: String, _ expected: Bool) {
        let parsed = parsedRequest("GET / \(version)\r\nHost: a\r\n\(field)\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.keepsAlive == expected)
    }

    @Test func marksTheFieldsOfTheConnection() {
        let text = """
            GET / HTTP/1.1\r
            Host: a\r
            Connection: X-Hop, close,, tE, host, Authorization\r
            x-hop: 1\r
            TE: trailers\r
            X-Hop2: 2\r
            Authorization: Basic eA==\r
            Upgrade: h2c\r
            Keep-Alive: 5\r
            Proxy-Authorization: x\r
            \r

            """
        let parsed = parsedRequest(text)
        #expect(parsed.step == .whole)
        let marked = parsed.head.fields.filter(\.isHopByHop).map { string(text, $0.start..<$0.nameEnd) }
        #expect(marked == ["Connection", "x-hop", "TE", "Upgrade", "Keep-Alive", "Proxy-Authorization"])
    }

    @Test func takesTheHostOfAnAbsoluteTarget() {
        let text = "GET http://real.example:81/v1/info HTTP/1.1\r\nHost: other\r\n\r\n"
        let parsed = parsedRequest(text)
        #expect(parsed.step == .whole)
        #expect(string(text, parsed.head.target) == "/v1/info")
        #expect(string(text, parsed.head.host) == "real.example:81")
        #expect(parsedRequest("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").step == .whole)
        #expect(parsedRequest("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n").head.target.isEmpty == true)
    }

    @Test func aClientOfHTTP10MayLeaveOutTheHost() {
        let parsed = parsedRequest("GET / HTTP/1.0\r\n\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.host.isEmpty == true)
    }

    @Test func readsExpectations() {
        let parsed = parsedRequest(
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.expectsContinue == true)
        #expect(parsedRequest("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").head.expectsContinue == false)
    }

    @Test func bytesBeyondASCIIPassInValues() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX-Trino-User: J\u{F6}rg \u{1F600} and more\r\n\r\n"
        let parsed = parsedRequest(text)
        #expect(parsed.step == .whole)
        #expect(string(text, parsed.head.fields[1].value) == "J\u{F6}rg \u{1F600} and more")
    }

    @Test func aHeadOfTheLargestSizePassesAndNoByteMore() {
        let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".utf8.count
        let value = String(repeating: "v", count: 5000 - rest)
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n"
        #expect(parsedRequest(text, maximumBytes: 5000).step == .whole)
        #expect(parsedRequest(text, maximumBytes: 4999).step == .bad(.headTooLarge))
        #expect(parsedRequest(text + "body", maximumBytes: 5000).step == .whole)
        #expect(parsedRequest(String(repeating: "a", count: 6000), maximumBytes: 5000).step == .bad(.headTooLarge))
    }

    @Test func takesAThousandFieldsAndNotOneMore() {
        let fields = String(repeating: "X-Trino-Session: a=b\r\n", count: 999)
        let parsed = parsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        #expect(parsed.step == .whole)
        #expect(parsed.head.fields.count == 1000)
        #expect(
            parsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(fields)X: 1\r\n\r\n").step == .bad(.tooManyFields))
    }
}
