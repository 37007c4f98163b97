import Testing

@testable import Wire

private func parsed(_ text: String) -> Parsed<ResponseHead> {
    var head = ResponseHead(maximumBytes: 1 << 20)
    let step = head.parse(Array(text.utf8).span)
    return Parsed(step: step, head: head)
}

@Suite struct ResponseHeadTests {
    private let page = """
        HTTP/1.1 200 OK\r
        Date: Sat, 21 Nov 2026 02:58:06 GMT\r
        Content-Type: application/json\r
        X-Trino-Set-Session: a=b\r
        X-Trino-Set-Session: c=d\r
        X-Presto-Started-Transaction-Id: x\r
        WWW-Authenticate: Basic realm="Trino"\r
        WWW-Authenticate: Bearer\r
        Content-Length: 724\r
        \r

        """

    /// A parser that has read other heads before says what a new one says, wherever the bytes end.
    @Test func whatWasReadBeforeChangesNothing() {
        let lines = page.split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init)
        var heads = [page, page.replacing("724", with: "725"), page.replacing("724", with: "1024")]
        for index in lines.indices.dropFirst() {
            let line = lines[index]
            // Without the line, with it twice, with another value, another name, a control character, a bare LF.
            heads.append(page.replacing(line + "\r\n", with: ""))
            heads.append(page.replacing(line, with: line + "\r\n" + line))
            heads.append(page.replacing(line, with: line.dropLast() + "x"))
            heads.append(page.replacing(line, with: "Y" + line.dropFirst()))
            heads.append(page.replacing(line, with: line.dropLast() + "\u{1}"))
            heads.append(page.replacing(line + "\r\n", with: line + "\n"))
        }
        heads.append(page.replacing("Date", with: "Connection: close, Content-Type\r\nDate"))
        heads.append(page.replacing("200 OK", with: "200"))
        heads.append(page.replacing("HTTP/1.1", with: "HTTP/1.0"))
        heads.append("HTTP/1.1 204 No Content\r\n\r\n")
        for (first, before) in heads.enumerated() {
            for (second, text) in heads.enumerated() {
                let bytes = Array(text.utf8)
                var head = ResponseHead(maximumBytes: 1000)
                _ = head.parse(Array(before.utf8).span)
                head.reset()
                let cut = Array(bytes.prefix((first * 31 + second * 7) % bytes.count))
                var step = head.parse(cut.span)
                if step == .more { step = head.parse(bytes.span) }
                let fresh = parsed(text)
                let isSame = step == fresh.step && (step != .whole || summary(head) == summary(fresh.head))
                #expect(isSame, "\(text) behind \(before)")
            }
        }
    }

    /// A head that comes whole behind others is taken over from the last of them, or read: that makes no difference. Its
    /// revision is another's only if both say the same but for their lengths.
    @Test func aHeadThatComesWholeIsReadAsAlone() {
        var heads = ["1", "724", "725", "1024", "7x4", " 24", "7 4", ""].map { page.replacing("724", with: $0) }
        heads.append(page.replacing("Content-Length: 724\r\n", with: ""))
        heads.append(page.replacing("Content-Length: 724", with: "Transfer-Encoding: chunked"))
        heads.append(page.replacing("724", with: "724\r\nContent-Length: 724"))
        heads.append(page.replacing("724", with: "724\r\n folded"))
        heads.append(page.replacing("Date", with: "Connection: close\r\nDate"))
        heads.append(page.replacing("Date", with: "Connection: Content-Type\r\nDate"))
        heads.append(page.replacing("200 OK", with: "103 Early Hints"))
        heads.append(page.replacing("a=b", with: "a=c"))
        heads.append(page.replacing("Date", with: "X-Long: " + String(repeating: "x", count: 5000) + "\r\nDate"))
        var random = Randomness(seed: 1)
        var head = ResponseHead(maximumBytes: 1 << 20)
        var other = ResponseHead(maximumBytes: 1 << 20)
        var known: [UInt64: String] = [:]
        var again = 0
        for _ in 0..<3000 {
            let text = random.one(of: heads)
            let bytes = Array(text.utf8) + Array(repeating: UInt8(ascii: "7"), count: random.below(40))
            if random.chance(0.1) { swap(&head, &other) }
            head.reset()
            let step = head.parse(bytes.span)
            let fresh = parsed(text)
            #expect(step == fresh.step && (step != .whole || summary(head) == summary(fresh.head)), "\(text)")
            guard step == .whole, head.revision != 0 else { continue }
            let pattern = text.replacing(
                /Content-Length: [0-9]+/,
                with: { match in
                    "Content-Length: " + String(repeating: "0", count: match.0.count)
                })
            if known[head.revision] != nil { again += 1 }
            #expect(known[head.revision, default: pattern] == pattern)
            known[head.revision] = pattern
        }
        #expect(again > 100)
    }

    private func summary(_ head: borrowing ResponseHead) -> String {
        "\(head.status) \(head.end) \(head.contentLength) \(head.isChunked) \(head.keepsAlive) \(Array(head.fields))"
    }

    @Test func readsAPagesHead() {
        let parsed = parsed(page)
        #expect(parsed.step == .whole)
        #expect(parsed.head.status == 200)
        #expect(string(page, parsed.head.reason) == "OK")
        #expect(parsed.head.contentLength == 724)
        #expect(parsed.head.keepsAlive == true)
        #expect(parsed.head.contentEncodingIsIdentity == true)
        #expect(parsed.head.end == page.utf8.count)
        #expect(
            parsed.head.fields.map(\.name) == [
                .date, .contentType, .sessionChange, .sessionChange, .startedTransactionID, .wwwAuthenticate,
                .wwwAuthenticate, .contentLength,
            ])
        #expect(parsed.head.fields[4].dialect == .presto)
    }

    @Test func saysTheSameForEveryPlaceOfACut() {
        let bytes = Array(page.utf8)
        let whole = parsed(page)
        var head = ResponseHead(maximumBytes: 1 << 20)
        for cut in 0..<bytes.count {
            head.reset()
            #expect(head.parse(Array(bytes[..<cut]).span) == .more)
            #expect(head.parse(bytes.span) == .whole)
            #expect(head.fields == whole.head.fields)
            #expect(head.status == 200)
        }
    }

    @Test(arguments: ["HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204\r\n\r\n", "HTTP/1.0 204 No Content\r\n\r\n"])
    func theReasonMayBeEmpty(_ text: String) {
        let parsed = parsed(text)
        #expect(parsed.step == .whole)
        #expect(parsed.head.status == 204)
        #expect(parsed.head.hasNoBody(method: .get) == true)
    }

    @Test func knowsWhatHasNoBody() {
        #expect(parsed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").head.hasNoBody(method: .head) == true)
        #expect(parsed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").head.hasNoBody(method: .get) == false)
        #expect(parsed("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n").head.hasNoBody(method: .get) == true)
        #expect(parsed("HTTP/1.1 100 Continue\r\n\r\n").head.hasNoBody(method: .post) == true)
    }

    @Test func knowsEncodedContent() {
        #expect(parsed("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n").head.contentEncodingIsIdentity == false)
        #expect(parsed("HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\n\r\n").head.contentEncodingIsIdentity == true)
        #expect(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n").head.isChunked == true)
    }

    @Test(arguments: [
        ("HTTP/2.0 200 OK\r\n\r\n", HeadViolation.version), ("HTTP/1.1 20 OK\r\n\r\n", .startLine),
        ("HTTP/1.1 099 OK\r\n\r\n", .startLine), ("HTTP/1.1  200 OK\r\n\r\n", .startLine),
        ("HTTP/1.1 2000 OK\r\n\r\n", .startLine), ("HTTP/1.1 200 O\u{1}K\r\n\r\n", .startLine),
        ("ICY 200 OK\r\n\r\n", .startLine), ("HTTP/1.1 200 OK\nA: b\r\n\r\n", .bareLineFeed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .contentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .framing),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .foldedField),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .fieldName),
    ])
    func refusesWhatIsNoPlainResponse(_ text: String, _ violation: HeadViolation) {
        #expect(parsed(text).step == .bad(violation))
    }
}

@Suite struct FieldNameTests {
    static let names: [(String, FieldName, Dialect?)] = [
        ("TE", .te, nil), ("Trailer", .trailer, nil), ("Proxy-Connection", .proxyConnection, nil),
        ("Content-Encoding", .contentEncoding, nil), ("Retry-After", .retryAfter, nil), ("Server", .server, nil),
        ("Location", .location, nil), ("Cookie", .cookie, nil), ("Set-Cookie", .setCookie, nil),
        ("Forwarded", .forwarded, nil), ("X-Forwarded-For", .forwarded, nil), ("X-Forwarded-Foo", .forwarded, nil),
        ("X-Forwarded", .other, nil), ("Proxy-Authenticate", .proxyHop, nil),
        ("X-Penstock-Pool", .penstockPool, nil), ("x-penstock-retries", .penstockRetries, nil),
        ("X-Penstock-Attempt", .penstockAttempt, nil), ("X-Penstock-Statement", .penstockStatement, nil),
        ("X-Penstock-Delivery", .penstockOther, nil), ("X-Presto-Prefix-Url", .forwarded, .presto),
        ("X-Trino-Prefix-Url", .other, .trino), ("X-Presto-Retry-Query", .prestoRetryQuery, .presto),
        ("X-Trino-Source", .source, .trino), ("X-Trino-Catalog", .catalog, .trino),
        ("X-Trino-Schema", .schema, .trino), ("X-Trino-Routing-Group", .routingGroup, .trino),
        ("X-Trino-Prepared-Statement", .preparedStatement, .trino), ("X-Presto-Trace-Token", .traceToken, .presto),
        ("X-Trino-Extra-Credential", .extraCredential, .trino),
        ("X-Trino-Query-Data-Encoding", .queryDataEncoding, .trino),
        ("X-Trino-Clear-Transaction-Id", .clearTransactionID, .trino),
        ("X-Trino-Clear-Session", .sessionChange, .trino), ("X-Trino-Set-Authorization-User", .sessionChange, .trino),
        ("X-Trino-Reset-Authorization-User", .sessionChange, .trino),
        ("X-Trino-Added-Prepare", .sessionChange, .trino), ("X-Trino-Deallocated-Prepare", .sessionChange, .trino),
        ("X-Presto-Removed-Session-Function", .sessionChange, .presto), ("X-Trino-Session", .other, .trino),
        ("X-Trino-Client-Info", .other, .trino), ("X-Trin-User", .other, nil), ("X-Trino-", .other, nil),
        ("X-Hello", .other, nil), ("X", .other, nil),
    ]

    @Test(arguments: names) func isKnownInAnyCase(_ text: String, _ name: FieldName, _ dialect: Dialect?) {
        for spelling in [text, text.lowercased(), text.uppercased()] {
            let parsed = parsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(spelling): v\r\n\r\n")
            #expect(parsed.step == .whole)
            #expect(parsed.head.fields.last?.name == name)
            #expect(parsed.head.fields.last?.dialect == dialect)
        }
    }
}
