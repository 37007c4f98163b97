import Testing

@testable import Wire

/// Pages of every shape that JSON allows: any order, blanks, escapes, nulls, unknown members, nested lookalikes.
struct PageGenerator {
    var random: Randomness

    mutating func page() -> [UInt8] {
        var members = [
            member("id", word()), member("infoUri", uri()), member("stats", stats()), member("warnings", "[]"),
        ]
        if random.chance(0.6) { members.append(member("nextUri", uri())) }
        if random.chance(0.3) { members.append(member("partialCancelUri", uri())) }
        if random.chance(0.5) { members.append(member("columns", value(depth: 3))) }
        if random.chance(0.5) { members.append(member("data", rows())) }
        if random.chance(0.1) { members.append(member("binaryData", rows())) }
        if random.chance(0.3) { members.append(member("error", "{\"message\":\(text()),\"x\":\(value(depth: 3))}")) }
        if random.chance(0.3) { members.append(member("updateType", text())) }
        if random.chance(0.3) { members.append(member("updateCount", "\(random.below(100))")) }
        for index in 0..<random.below(3) { members.append(member("member\(index)", value(depth: 4))) }
        for name in ["nextUri", "data", "error", "id", "columns"] where random.chance(0.05) {
            members.removeAll { $0.contains("\"\(name)\"") }
            members.append(member(name, "null"))
        }
        members.shuffle(using: &random)
        return Array((blanks() + "{" + members.joined(separator: ",") + "}").utf8)
    }

    private mutating func member(_ name: String, _ value: String) -> String {
        "\(blanks())\"\(name)\"\(blanks()):\(blanks())\(value)\(blanks())"
    }

    private mutating func blanks() -> String {
        random.chance(0.8) ? "" : random.one(of: [" ", "\n", "\t\r", "   "])
    }

    private mutating func word() -> String {
        "\"" + String((0..<random.below(30)).map { _ in random.one(of: Array("abc_019")) }) + "\""
    }

    private mutating func uri() -> String {
        let text = "http://h:\(random.below(1000))/v1/statement/\(random.next())?slug=x"
        return "\"" + (random.chance(0.2) ? text.replacing("/", with: "\\/") + "\\u0026b=1" : text) + "\""
    }

    private mutating func text() -> String {
        let pieces = [
            "\\\"", "\\\\", "\\n", "\\u0027", "\\ud83d\\ude00", "{", "}", "[", "]", "\u{E9}", ",", ":", "a", "nextUri",
        ]
        return "\"" + (0..<random.below(12)).map { _ in random.one(of: pieces) }.joined() + "\""
    }

    private mutating func rows() -> String {
        let count = random.chance(0.3) ? 0 : random.below(6)
        return "[" + blanks() + (0..<count).map { _ in value(depth: 2) }.joined(separator: ",") + "]"
    }

    private mutating func stats() -> String {
        let state = random.one(of: ["QUEUED", "RUNNING", "FINISHED", "FAILED", "WAITING_FOR_PREREQUISITES", "COMPLETE"])
        var members = ["\"nodes\":1", "\"rootStage\":{\"state\":\"DEEP\",\"a\":\(value(depth: 3))}", "\"b\":\(text())"]
        if random.chance(0.9) { members.append(member("state", "\"\(state)\"")) }
        members.shuffle(using: &random)
        return "{" + members.joined(separator: ",") + "}"
    }

    private mutating func value(depth: Int) -> String {
        switch random.below(depth > 0 ? 8 : 6) {
        case 0: return text()
        case 1: return random.one(of: ["0", "-1.5e-3", "123456789"])
        case 2: return random.one(of: ["true", "false"])
        case 3: return random.chance(0.3) ? "null" : "\"x\""
        case 4: return "[]"
        case 5: return "{}"
        case 6: return "[" + (0..<random.below(4)).map { _ in value(depth: depth - 1) }.joined(separator: ",") + "]"
        default:
            let names = ["nextUri", "state", "error", "data", "id"]
            let members = names.prefix(random.below(5)).map { "\"\($0)\":\(value(depth: depth - 1))" }
            return "{" + members.joined(separator: ",") + "}"
        }
    }
}

@Suite struct GeneratedPageTests {
    @Test(arguments: 0..<8) func sayWhatAFullDecodeSays(_ seed: UInt64) throws {
        var generator = PageGenerator(random: Randomness(seed: seed))
        for round in 0..<60 {
            let page = generator.page()
            let decoded = try Decoded.decode(page)
            let whole = SplicedPage(page, cuts: [])
            let note = Comment(rawValue: "seed \(seed), round \(round): \(String(decoding: page, as: UTF8.self))")
            #expect(whole.end == .whole(end: page.count), note)
            #expect(whole.withoutMarks == page, note)
            #expect(whole.uris == decoded.pageURIs, note)
            #expect(PageFacts(whole.scanner) == PageFacts(decoded), note)
            if let error = decoded["error"] { #expect(try Decoded.decode(whole.scanner.errorJSON) == error, note) }
            for takesOffers in [false, true] {
                for cut in 0...page.count {
                    let spliced = SplicedPage(page, cuts: [cut], lead: cut % 5, takesOffers: takesOffers)
                    guard spliced.output == whole.output, spliced.uris == whole.uris else {
                        Issue.record("cut at \(cut), \(note)")
                        return
                    }
                }
            }
        }
    }
}

@Suite struct RepeatedPageTests {
    /// A scanner that has read other pages before says what a new one says, wherever the bytes end.
    @Test(arguments: 0..<8) func whatWasReadBeforeChangesNothing(_ seed: UInt64) {
        var generator = PageGenerator(random: Randomness(seed: seed))
        var random = Randomness(seed: seed &+ 1000)
        var used = PageScanner()
        var pages = RecordedPages.all.flatMap(\.pages).filter { $0.count < 4000 }
        for _ in 0..<100 { pages.append(generator.page()) }
        var last = pages[0]
        for _ in 0..<1500 {
            var page = random.one(of: pages)
            // Often one that begins as the one before.
            if random.chance(0.5) { page = last }
            last = page
            if random.chance(0.3) { page[random.below(page.count)] = random.one(of: Array("\"\\[]{},:x".utf8)) }
            let cut = random.chance(0.5) ? page.count : random.below(page.count + 1)
            var fresh = PageScanner()
            used.reset()
            let expected = steps(&fresh, page, cut)
            guard steps(&used, page, cut) == expected, Array(used.uris) == Array(fresh.uris),
                PageFacts(used) == PageFacts(fresh), used.columnsHash == fresh.columnsHash,
                used.isWithinColumns == fresh.isWithinColumns, used.idBytes == fresh.idBytes
            else {
                Issue.record("seed \(seed), cut at \(cut): \(String(decoding: page, as: UTF8.self))")
                return
            }
        }
    }

    /// What the scanner says of the page's beginning, and then of all of it.
    private func steps(_ scanner: inout PageScanner, _ page: [UInt8], _ cut: Int) -> [PageStep] {
        let first = scanner.scan(Array(page[..<cut]).span, from: 0, keepsURIs: true)
        switch first {
        case .more(let safe), .streams(let safe): return [first, scanner.scan(page.span, from: safe, keepsURIs: true)]
        case .whole, .malformed: return [first]
        }
    }
}

@Suite struct FuzzTests {
    /// Nothing that comes from outside may trap; the answers themselves are tested elsewhere.
    @Test(arguments: 0..<8) func noBytesTrapAParser(_ seed: UInt64) {
        var random = Randomness(seed: seed)
        var generator = PageGenerator(random: Randomness(seed: seed &+ 100))
        let heads = [Array(poll.utf8)] + HostileRequestTests.cases.map(\.bytes)
        let chunked = Array("7;a=b\r\n{\"id\":1\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n".utf8)
        for _ in 0..<1500 {
            let head = damaged(random.one(of: heads), &random)
            var request = RequestHead(maximumBytes: 200 + random.below(400))
            if request.parse(head.span) == .whole {
                _ = endpoint(of: request.target, in: head.span)
                for field in request.fields { _ = preparedStatement(named: "a", in: Array(head[field.value]).span) }
            }
            var response = ResponseHead(maximumBytes: 1000)
            let status = Array("HTTP/1.1 200 OK\r\n".utf8) + head
            _ = response.parse(damaged(status, &random).span)
            unchunk(damaged(chunked, &random))
            let page = damaged(generator.page(), &random)
            let spliced = SplicedPage(page, cuts: [random.below(page.count + 1)])
            _ = readError(spliced.scanner.errorJSON)
            _ = readError(page)
            _ = readStatementID(head.span, 0..<min(head.count, random.below(40)))
        }
    }

    /// A request that comes whole is read as one that comes in two pieces, up to the last byte that is allowed.
    @Test(arguments: 0..<8) func aCutChangesNoRequest(_ seed: UInt64) {
        var random = Randomness(seed: seed)
        let lines = ["GET /a?b=c HTTP/1.1", "POST /v1/statement HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0"]
        let heads = lines.map { Array("\($0)\r\nHost: a\r\nX-Trino-User: b\r\n\r\n".utf8) }
        for _ in 0..<4000 {
            let bytes = damaged(random.one(of: heads), &random)
            let maximum = random.chance(0.5) ? 1000 : random.below(bytes.count + 2)
            var whole = RequestHead(maximumBytes: maximum)
            var cut = RequestHead(maximumBytes: maximum)
            let expected = whole.parse(bytes.span)
            let place = random.below(bytes.count + 1)
            var step = cut.parse(Array(bytes[..<place]).span)
            if step == .more { step = cut.parse(bytes.span) }
            let isSame = step == expected && (step != .whole || summary(cut) == summary(whole))
            #expect(isSame, "seed \(seed), cut at \(place) of \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    private func summary(_ head: borrowing RequestHead) -> String {
        "\(head.methodName) \(head.target) \(head.host) \(head.outline) \(Array(head.fields))"
    }

    private func unchunk(_ bytes: [UInt8]) {
        var chunks = ChunkedBody()
        var index = 0
        while case .data(let range) = chunks.next(bytes.span, from: index) { index = range.upperBound }
    }

    private func damaged(_ bytes: [UInt8], _ random: inout Randomness) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.below(4) where !bytes.isEmpty {
            let at = random.below(bytes.count)
            switch random.below(5) {
            case 0: bytes[at] = UInt8(random.below(256))
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(random.one(of: Array("\r\n:\"\\{}[]\u{0}".utf8)), at: at)
            case 3: bytes = Array(bytes.prefix(at))
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 20)], at: random.below(bytes.count))
            }
        }
        return bytes
    }
}
