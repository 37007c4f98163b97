import Testing

@testable import Wire

@Suite struct RecordedPageTests {
    @Test func thereAreRecordedPagesOfEachServer() {
        #expect(RecordedPages.all.reduce(0) { $0 + $1.pages.count } > 80)
        for server in ["trino", "presto", "buenavista", "dask-sql"] {
            #expect(RecordedPages.all.contains { $0.name.hasPrefix(server) && !$0.pages.isEmpty })
        }
    }

    @Test(arguments: RecordedPages.all) func sayWhatAFullDecodeSays(_ recorded: RecordedPages) throws {
        for page in recorded.pages {
            let decoded = try Decoded.decode(page)
            let spliced = SplicedPage(page, cuts: [])
            #expect(spliced.withoutMarks == page)
            #expect(spliced.uris == decoded.pageURIs)
            #expect(PageFacts(spliced.scanner) == PageFacts(decoded))
            #expect(page[spliced.endOffset...].allSatisfy { $0 == 0x0A })
            if let error = decoded["error"] {
                #expect(try Decoded.decode(spliced.scanner.errorJSON) == error)
                #expect(readError(spliced.scanner.errorJSON)?.message == error["message"]?.text)
                #expect(readError(spliced.scanner.errorJSON)?.name == error["errorName"]?.text)
            } else {
                #expect(spliced.scanner.errorJSON.isEmpty)
            }
        }
    }

    /// Cut in two at every byte, with other bytes before it in the buffer, and byte by byte.
    @Test(arguments: RecordedPages.all) func sayTheSameCutAtEveryByte(_ recorded: RecordedPages) {
        for page in recorded.pages where page.count < 8192 {
            let whole = SplicedPage(page, cuts: [])
            let facts = PageFacts(whole.scanner)
            for cut in 0...page.count {
                let spliced = SplicedPage(page, cuts: [cut], lead: cut % 3)
                guard spliced.output == whole.output, spliced.uris == whole.uris, PageFacts(spliced.scanner) == facts,
                    spliced.scanner.errorJSON == whole.scanner.errorJSON, spliced.end != nil
                else {
                    Issue.record("\(recorded.name): a page of \(page.count) bytes differs when cut at \(cut)")
                    return
                }
            }
            let slow = SplicedPage(page, cuts: Array(0..<page.count))
            #expect(slow.output == whole.output)
            #expect(PageFacts(slow.scanner) == facts)
        }
    }

    /// Given whole from its beginning each time, with more behind it: the URIs found stay where they are.
    @Test(arguments: RecordedPages.all) func keepTheURIsOfEarlierCallsWhenTold(_ recorded: RecordedPages) {
        for page in recorded.pages where page.count < 8192 {
            var whole = PageScanner()
            if case .streams(let safe) = whole.scan(page.span, from: 0) {
                _ = whole.scan(page.span, from: safe, keepsURIs: true)
            }
            for cut in 0...page.count {
                var scanner = PageScanner()
                var from = 0
                for end in [cut, page.count, page.count] {
                    switch scanner.scan(page.span.extracting(0..<end), from: from, keepsURIs: true) {
                    case .more(let safe), .streams(let safe), .whole(let safe): from = safe
                    case .malformed: Issue.record("\(recorded.name): malformed when cut at \(cut)")
                    }
                }
                guard scanner.uris == whole.uris, scanner.errorJSON == whole.errorJSON else {
                    Issue.record("\(recorded.name): the URIs of a page of \(page.count) bytes differ, cut at \(cut)")
                    return
                }
            }
        }
    }

    /// What the scanner lets stream unscanned carries no URI.
    @Test(arguments: RecordedPages.all) func streamOnlyWhatNeedsNoScan(_ recorded: RecordedPages) throws {
        for page in recorded.pages {
            let decoded = try Decoded.decode(page)
            let spliced = SplicedPage(page, cuts: [page.count / 2], takesOffers: true)
            #expect(spliced.withoutMarks == page)
            #expect(spliced.uris == decoded.pageURIs)
            let facts = PageFacts(decoded)
            #expect(spliced.streamed == (facts.hasRows && facts.hasNext))
            #expect(spliced.scanner.hasRows == facts.hasRows)
        }
    }
}

extension SplicedPage {
    /// Where the page ended, or -1.
    fileprivate var endOffset: Int {
        guard case .whole(let end) = end else { return -1 }
        return end
    }
}

@Suite struct PageScannerTests {
    private func scanned(_ text: String) -> SplicedPage {
        SplicedPage(Array(text.utf8), cuts: [])
    }

    @Test func findsTheURIsAndTheirPaths() {
        let page = scanned(
            """
            {"id":"a_1","infoUri":"https://[::1]:8080/ui#/queries/a_1","partialCancelUri":"http://10.0.0.1/v1/stage/a.1",\
            "nextUri":"http://h:1/v1/statement/queued/a/1?slug=x","stats":{"state":"QUEUED"},"warnings":[]}
            """)
        #expect(page.paths[.info] == "/ui#/queries/a_1")
        #expect(page.paths[.partialCancel] == "/v1/stage/a.1")
        #expect(page.paths[.next] == "/v1/statement/queued/a/1?slug=x")
        #expect(page.scanner.state == .queued)
    }

    @Test(arguments: [
        ("http://h", ""), ("http://h?q", "?q"), ("/v1/x", "/v1/x"), ("v1/x", "v1/x"), ("", ""),
        ("http:/h/x", "http:/h/x"),
        ("http://", ""), ("a+b.c-d://u@h:1/x", "/x"), ("://h/x", "://h/x"),
    ])
    func knowsTheirPathsWithoutAnAuthorityToo(_ uri: String, _ path: String) {
        #expect(scanned("{\"nextUri\":\"\(uri)\"}").paths[.next] == path)
    }

    @Test func hashesTheBytesOfColumnsWhereverTheyAreCut() {
        let columns = #"[{"name":"a","type":"varchar(25)"},{"name":"[b\"]","type":"bigint","x":[{}]}]"#
        func hash(_ columns: String, cuts: [Int] = [], next: String = "http://h/a") -> UInt64 {
            let text = #"{"id":"a","nextUri":"\#(next)","columns":\#(columns),"data":[[1]],"stats":{}}"#
            return SplicedPage(Array(text.utf8), cuts: cuts).scanner.columnsHash
        }
        let whole = hash(columns)
        #expect(whole != 0)
        #expect(hash(columns, next: "http://another/b") == whole)
        let length = columns.utf8.count + 60
        for cut in 0..<length { #expect(hash(columns, cuts: [cut]) == whole) }
        for cut in 0..<length - 9 { #expect(hash(columns, cuts: [cut, cut + 3, cut + 9]) == whole) }
        #expect(hash(columns, cuts: Array(0..<length)) == whole)
        for offset in columns.utf8.indices where columns[offset] == "a" || columns[offset] == "i" {
            #expect(hash(columns.replacingCharacter(at: offset, with: "b")) != whole)
        }
        #expect(hash("[]") != 0)
        #expect(hash("[]") != whole)
        #expect(hash("[ ]") != hash("[]"))
        #expect(hash("null") == 0)
        #expect(scanned(#"{"id":"a","stats":{}}"#).scanner.columnsHash == 0)
    }

    @Test func hashesAnewAfterAReset() {
        let page = Array(#"{"columns":[1]}"#.utf8)
        var scanner = PageScanner()
        _ = scanner.scan(page.span, from: 0)
        let hash = scanner.columnsHash
        scanner.reset()
        #expect(scanner.columnsHash == 0)
        _ = scanner.scan(page.span, from: 0)
        #expect(scanner.columnsHash == hash)
    }

    @Test func knowsWhetherItIsWithinColumns() {
        let page = Array(#"{"columns":[1],"data":[[1]]}"#.utf8)
        func isWithin(_ end: Int) -> Bool {
            var scanner = PageScanner()
            _ = scanner.scan(page.span.extracting(0..<end), from: 0)
            return scanner.isWithinColumns
        }
        #expect((0...page.count).filter(isWithin) == [12, 13])
    }

    @Test func decodesEscapedURIs() {
        let page = scanned(#"{"nextUri":"http:\/\/h\/v1?slug=x\u0026binaryResults=true"}"#)
        #expect(page.uris[.next] == "http://h/v1?slug=x&binaryResults=true")
        #expect(page.scanner.uris.first?.isEscaped == true)
        #expect(page.paths.isEmpty)
    }

    @Test func takesKeysWrittenWithEscapesAndPagesWithBlanks() {
        let page = scanned(#" { "next\u0055ri" : "http:\/\/h\/a" , "i\u0064" : "x" } "#)
        #expect(page.uris[.next] == "http://h/a")
        #expect(page.scanner.idBytes == Array("x".utf8))
    }

    @Test func nullsCountAsAbsent() {
        let page = scanned(
            #"{"id":null,"infoUri":null,"nextUri":null,"columns":null,"data":null,"stats":{"state":null},"error":null,"updateType":null}"#
        )
        #expect(page.end != nil)
        #expect(page.uris.isEmpty)
        #expect(PageFacts(page.scanner) == PageFacts(.object([:])))
    }

    @Test func readsOnlyTheOutermostMembersAndTheStateOfStats() {
        let page = scanned(
            #"{"data":[["\"nextUri\":\"http://h/a\"",{"nextUri":"x","error":{}}]],"stats":{"rootStage":{"state":"DEEP"},"state":"RUNNING","nextUri":"x"},"state":"FAILED"}"#
        )
        #expect(page.uris.isEmpty)
        #expect(page.scanner.state == .running)
        #expect(page.scanner.hasRows)
        #expect(!page.scanner.hasError)
    }

    @Test(arguments: [
        (#"{"data":[]}"#, false), (#"{"data":[ ]}"#, false), (#"{"data":[[]]}"#, true), (#"{"data":{}}"#, true),
        (#"{"binaryData":["AA=="]}"#, true), (#"{"data":null}"#, false), (#"{"columns":[1]}"#, false),
    ])
    func knowsWhetherThereAreRows(_ text: String, _ hasRows: Bool) {
        #expect(scanned(text).scanner.hasRows == hasRows)
    }

    @Test(arguments: [
        ("{}", true), (#"{"hello":"world","nextUri":null,"data":[]}"#, true), (#"{"id":"a"}"#, false),
        (#"{"error":{}}"#, false), (#"{"columns":[]}"#, false), (#"{"stats":{"state":"FINISHED"}}"#, false),
        (#"{"nextUri":"http://h/a"}"#, false), (#"{"data":[[1]]}"#, false),
    ])
    func knowsWhatIsNoPage(_ text: String, _ isBlank: Bool) {
        #expect(scanned(text).scanner.isBlank == isBlank)
    }

    @Test func offersToStreamOnlyInTheEnginesOrder() {
        let next = #""nextUri":"http://h/a""#
        func offers(_ text: String) -> Bool {
            var scanner = PageScanner()
            if case .streams = scanner.scan(Array(text.utf8).span, from: 0) { return true }
            return false
        }
        #expect(offers(#"{"id":"a","infoUri":"i",\#(next),"columns":[],"data":[[1]],"stats":{}}"#))
        #expect(offers(#"{"id":"a","infoUri":"i",\#(next),"data":[[1"#))
        #expect(!offers(#"{"id":"a","infoUri":"i",\#(next),"data":["#))
        #expect(!offers(#"{"id":"a","infoUri":"i",\#(next),"data":[],"stats":{}}"#))
        #expect(!offers(#"{"id":"a",\#(next),"data":[[1]],"infoUri":"i"}"#))
        #expect(!offers(#"{"id":"a","infoUri":"i","data":[[1]]}"#))
        #expect(!offers(#"{"infoUri":"i",\#(next),"id":"a","data":[[1]]}"#))
        #expect(!offers(#"{"id":"a","infoUri":"i","stats":{},\#(next),"data":[[1]]}"#))
        #expect(!offers(#"{"id":"a","infoUri":"i",\#(next),"new":1,"data":[[1]]}"#))
    }

    @Test func scansOnAfterAnOffer() {
        let text =
            #"{"id":"a","infoUri":"i","nextUri":"n","data":[["]"]],"stats":{"state":"RUNNING"},"updateType":"INSERT"}"#
        let page = scanned(text)
        #expect(page.end == .whole(end: text.utf8.count))
        #expect(page.scanner.hasUpdateType)
        #expect(page.scanner.state == .running)
    }

    @Test(arguments: [
        "[]", "x", "\"id\"", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1 2}", "{\"a\":1,}", "{,}", "{1:2}", "{\"a\":,}",
        "{\"a\":{}x", "<html>", "{\"a\":1;",
    ])
    func refusesWhatIsNoPage(_ text: String) {
        #expect(scanned(text).end == .malformed)
        #expect(SplicedPage(Array(text.utf8), cuts: Array(0..<text.utf8.count)).end == .malformed)
    }

    @Test func aCutPageDoesNotEnd() {
        let text = #"{"id":"a","data":[["x\\",1]],"stats":{"state":"RUNNING"}}"#
        for count in 0..<text.utf8.count {
            #expect(SplicedPage(Array(text.utf8.prefix(count)), cuts: []).end == nil)
        }
    }

    @Test func whatIsKeptBackIsBounded() {
        let long = String(repeating: "k", count: 200_000)
        var scanner = PageScanner()
        let key = Array("{\"\(long)".utf8)
        #expect(scanner.scan(key.span, from: 0) == .more(safe: key.count))
        scanner.reset()
        let id = Array("{\"id\":\"\(long)".utf8)
        #expect(scanner.scan(id.span, from: 0) == .more(safe: id.count))
        scanner.reset()
        let text = Array("{\"data\":[[\"\(long)".utf8)
        #expect(scanner.scan(text.span, from: 0) == .more(safe: text.count))
        scanner.reset()
        #expect(scanner.scan(Array("{\"nextUri\":\"\(long)".utf8).span, from: 0) == .malformed)
    }

    @Test func theErrorIsCapturedUpToItsBound() {
        let message = String(repeating: "m", count: 1000)
        let stack = String(repeating: "\"frame\",", count: 20_000)
        let text =
            #"{"error":{"message":"\#(message)","errorName":"X","failureInfo":{"cause":{"message":"c"},"stack":[\#(stack)""]}}}"#
        let page = SplicedPage(Array(text.utf8), cuts: [500, 60_000])
        #expect(page.scanner.errorJSON.count == 64 * 1024)
        #expect(Array(text.utf8.dropFirst(9).prefix(64 * 1024)) == page.scanner.errorJSON)
        let error = readError(page.scanner.errorJSON)
        #expect(error?.message == message)
        #expect(error?.causes == ["c"])
    }

    @Test func aScannerServesManyPages() {
        var scanner = PageScanner()
        #expect(
            scanner.scan(Array(#"{"id":"a","nextUri":"n","error":{"message":"x"},"data":[1"#.utf8).span, from: 0)
                != .malformed)
        scanner.reset()
        let text = Array(#"{"id":"b","data":[]}"#.utf8)
        #expect(scanner.scan(text.span, from: 0) == .whole(end: text.count))
        #expect(scanner.idBytes == Array("b".utf8))
        #expect(!scanner.hasNext)
        #expect(!scanner.hasError)
        #expect(!scanner.hasRows)
        #expect(scanner.errorJSON.isEmpty)
    }
}

extension String {
    fileprivate func replacingCharacter(at index: Index, with character: Character) -> String {
        var copy = self
        copy.replaceSubrange(index...index, with: [character])
        return copy
    }
}

@Suite struct CrossingTests {
    /// Byte by byte, as the grammar has it.
    private func end(_ bytes: [UInt8], isString: Bool) -> Int? {
        var depth = isString ? 0 : 1
        var isInString = isString
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isInString, byte == 0x5C {
                index += 2
                continue
            }
            if byte == 0x22 { isInString.toggle() }
            if !isInString, byte == 0x7B || byte == 0x5B { depth += 1 }
            if !isInString, byte == 0x7D || byte == 0x5D { depth -= 1 }
            index += 1
            if depth == 0, !isInString { return index }
        }
        return nil
    }

    @Test(arguments: 0..<8) func findsTheEndWhereverTheBytesAreCut(_ seed: UInt64) {
        var random = Randomness(seed: seed)
        let pieces = [
            "\"", "\"", "\\", "{", "[", "}", "]", "|", "\u{7B}\u{E9}", "a", "text of a row", "1234567890123456",
        ]
        for _ in 0..<3000 {
            let text = (0..<random.below(40)).map { _ in random.one(of: pieces) }.joined()
            let bytes = Array(text.utf8)
            let isString = random.chance(0.3)
            var crossing = isString ? Crossing.string : Crossing.container
            let cut = random.below(bytes.count + 1)
            var at = crossing.cross(Array(bytes[..<cut]).span, from: 0)
            if !crossing.isOver { at = crossing.cross(bytes.span, from: cut) }
            let expected = end(bytes, isString: isString)
            #expect(crossing.isOver == (expected != nil), "seed \(seed), cut at \(cut): \(text)")
            #expect(at == expected ?? bytes.count, "seed \(seed), cut at \(cut): \(text)")
        }
    }
}
