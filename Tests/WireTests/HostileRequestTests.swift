import Testing

@testable import Wire

/// Heads that two parsers could read differently. All must be refused, each with its rule.
@Suite struct HostileRequestTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var violation: HeadViolation
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ violation: HeadViolation) {
            self.name = name
            self.bytes = Array(text.utf8)
            self.violation = violation
        }

        /// A request whose fields beside Host are `fields`.
        init(field name: String, _ fields: String, _ violation: HeadViolation) {
            self.init(name, "POST /v1/statement HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n", violation)
        }

        /// A request with this first line.
        init(line: String, _ violation: HeadViolation) {
            self.init(line, "\(line)\r\nHost: a\r\n\r\n", violation)
        }
    }

    static let cases: [Case] = [
        Case(field: "two lengths", "Content-Length: 5\r\nContent-Length: 6", .contentLength),
        Case(field: "the same length twice", "Content-Length: 5\r\nContent-Length: 5", .contentLength),
        Case(field: "a list of lengths", "Content-Length: 5, 5", .contentLength),
        Case(field: "a signed length", "Content-Length: +5", .contentLength),
        Case(field: "a negative length", "Content-Length: -5", .contentLength),
        Case(field: "a hexadecimal length", "Content-Length: 0x5", .contentLength),
        Case(field: "an empty length", "Content-Length:", .contentLength),
        Case(field: "a length with a space within", "Content-Length: 1 2", .contentLength),
        Case(field: "a length beyond 64 bits", "Content-Length: 18446744073709551621", .contentLength),
        Case(field: "length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked", .framing),
        Case(field: "chunks and length", "Transfer-Encoding: chunked\r\nContent-Length: 5", .framing),
        Case(field: "identity", "Transfer-Encoding: identity", .transferEncoding),
        Case(field: "gzip, chunked", "Transfer-Encoding: gzip, chunked", .transferEncoding),
        Case(field: "chunked, identity", "Transfer-Encoding: chunked, identity", .transferEncoding),
        Case(field: "chunked twice in one", "Transfer-Encoding: chunked, chunked", .transferEncoding),
        Case(field: "chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .transferEncoding),
        Case(field: "xchunked", "Transfer-Encoding: xchunked", .transferEncoding),
        Case(field: "quoted chunked", "Transfer-Encoding: \"chunked\"", .transferEncoding),
        Case(field: "an empty coding", "Transfer-Encoding:", .transferEncoding),
        Case(field: "a vertical tab before chunked", "Transfer-Encoding: \u{0B}chunked", .fieldValue),
        Case("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .framing),
        Case(field: "a space before the colon", "Content-Length : 5", .fieldName),
        Case(field: "a tab before the colon", "Transfer-Encoding\t: chunked", .fieldName),
        Case(field: "an empty name", ": 5", .fieldName),
        Case(field: "no colon", "Content-Length", .fieldName),
        Case(field: "a space in the name", "Content Length: 5", .fieldName),
        Case(field: "a bracket in the name", "X[0]: 5", .fieldName),
        Case(field: "a NUL in the name", "X\u{0}: 5", .fieldName),
        Case(field: "a byte beyond ASCII in the name", "X\u{E4}: 5", .fieldName),
        Case(field: "a folded field", "X: a\r\n b", .foldedField),
        Case(field: "a field folded by a tab", "X: a\r\n\tTransfer-Encoding: chunked", .foldedField),
        Case("a folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
        Case(field: "a NUL in the value", "X: a\u{0}b", .fieldValue),
        Case(field: "a control byte far in the value", "X: abcdefghijklmnop\u{1}qrstuv", .fieldValue),
        Case(field: "DEL in the value", "X: abcdefghijk\u{7F}lmnop", .fieldValue),
        Case(field: "a bare CR in the value", "X: a\rContent-Length: 5", .fieldValue),
        Case("a bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", .bareLineFeed),
        Case("a bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        Case("a bare LF as the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        Case("CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .startLine),
        Case("no host", "GET / HTTP/1.1\r\n\r\n", .host),
        Case("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .host),
        Case("an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", .host),
        Case("a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .host),
        Case("a host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", .host),
        Case("a host that would leave a JSON string", "GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n", .host),
        Case("a host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .host),
        Case("two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .host),
        Case(line: "GET / HTTP/2.0", .version),
        Case(line: "GET / HTTP/1.2", .version),
        Case(line: "GET / HTTP/0.9", .version),
        Case("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .version),
        Case(line: "GET / HTTP/1.10", .startLine),
        Case(line: "GET / http/1.1", .startLine),
        Case(line: "GET / HTTP/1,1", .startLine),
        Case(line: "GET / HTTP/1.1 ", .startLine),
        Case(line: "GET /  HTTP/1.1", .startLine),
        Case(line: "GET  / HTTP/1.1", .target),
        Case(line: "GET /", .target),
        Case(line: "GET", .startLine),
        Case(line: "GET /a b HTTP/1.1", .startLine),
        Case(line: "GET\t/ HTTP/1.1", .startLine),
        Case(line: "GET /\tb HTTP/1.1", .target),
        Case(line: "GET /\u{0} HTTP/1.1", .target),
        Case(line: "GET /\u{E4} HTTP/1.1", .target),
        Case(line: "GET /a#b HTTP/1.1", .target),
        Case(line: "GET v1/info HTTP/1.1", .target),
        Case(line: "GET * HTTP/1.1", .target),
        Case(line: "CONNECT a:80 HTTP/1.1", .target),
        Case(line: "GET ftp://a/b HTTP/1.1", .target),
        Case(line: "GET http:///b HTTP/1.1", .target),
        Case(line: "GET http://u:p@a/b HTTP/1.1", .target),
        Case(line: "GET http://a?b HTTP/1.1", .target),
        Case(line: " GET / HTTP/1.1", .startLine),
        Case(line: "G(T / HTTP/1.1", .startLine),
        Case(line: String(repeating: "G", count: 33) + " / HTTP/1.1", .method),
        Case("TLS", "\u{16}\u{3}\u{1}", .startLine),
        Case("an LF before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .startLine),
        Case(field: "another expectation", "Expect: 200-ok", .expectation),
        Case(
            field: "a Connection field of many options",
            "Connection: " + Array(repeating: "a", count: 40).joined(separator: ","), .connection),
    ]

    @Test(arguments: cases) func isRefused(_ hostile: Case) {
        var head = RequestHead(maximumBytes: 1 << 20)
        #expect(head.parse(hostile.bytes.span) == .bad(hostile.violation))
        #expect(hostile.violation.status >= 400)
        #expect(!hostile.violation.reason.isEmpty)
    }

    /// A cut must not change a verdict: what is refused whole is refused in pieces.
    @Test(arguments: cases) func isRefusedAtEveryPlaceOfACut(_ hostile: Case) {
        var head = RequestHead(maximumBytes: 1 << 20)
        for cut in 0..<hostile.bytes.count {
            head.reset()
            var step = head.parse(Array(hostile.bytes[..<cut]).span)
            if step == .more { step = head.parse(hostile.bytes.span) }
            #expect(step == .bad(hostile.violation), "cut at \(cut)")
        }
    }
}
