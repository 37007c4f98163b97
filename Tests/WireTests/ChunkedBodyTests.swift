import Testing

@testable import Wire

/// What a body was taken apart to: its bytes, and where it ended in `text`; nil when it was refused or not over.
private func unchunked(_ text: [UInt8], cuts: [Int]) -> (body: [UInt8], end: Int)? {
    var chunks = ChunkedBody()
    var body: [UInt8] = []
    var start = 0
    for cut in cuts + [text.count] {
        let piece = Array(text[start..<cut])
        var index = 0
        reading: while true {
            switch chunks.next(piece.span, from: index) {
            case .data(let range):
                body += piece[range]
                index = range.upperBound
            case .more: break reading
            case .end(let at): return (body, start + at)
            case .bad: return nil
            }
        }
        start = cut
    }
    return nil
}

@Suite struct ChunkedBodyTests {
    private let text = Array(
        "7;name=value\r\n{\"id\":1\r\n0000a\r\n0123456789\r\n00\r\nTrailer: x\r\nB: \r\n\r\nHTTP/1.1 200 OK".utf8)

    @Test func givesTheSameBodyForEveryPairOfCuts() {
        let expected = Array("{\"id\":10123456789".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                let found = unchunked(text, cuts: [first, second])
                #expect(found?.body == expected)
                #expect(found?.end == text.count - "HTTP/1.1 200 OK".utf8.count)
            }
        }
        #expect(unchunked(text, cuts: Array(0..<text.count))?.body == expected)
    }

    @Test func theEndIsSaidAgain() {
        let bytes = Array("0\r\n\r\n".utf8)
        var chunks = ChunkedBody()
        #expect(!chunks.isOver)
        #expect(chunks.next(bytes.span, from: 0) == .end(at: 5))
        #expect(chunks.isOver)
        #expect(chunks.next(bytes.span, from: 5) == .end(at: 5))
    }

    @Test(arguments: [
        "\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n", "+5\r\nhello", "0x5\r\nhello", "5\nhello",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloX\n", "5\r\nhello\r\r", "g\r\n", "-1\r\n", "5\r;\n", "5;a\nb\r\n", "5;\u{0}\r\nhello", "0\r\n\n",
        "0\r\n folded: x\r\n\r\n", "0\r\nA: b\nC: d\r\n\r\n", "0\r\n\rX", "FFFFFFFFFFFFFFFF\r\n",
        "0000000000000001\r\n",
    ])
    func brokenFramingIsRefusedAtEveryCut(_ text: String) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            #expect(unchunked(bytes, cuts: [cut]) == nil)
        }
        var chunks = ChunkedBody()
        var index = 0
        while case .data(let range) = chunks.next(bytes.span, from: index) { index = range.upperBound }
        #expect(chunks.next(bytes.span, from: index) == .bad)
    }

    @Test func extensionsAndTrailersAreBounded() {
        let many = String(repeating: "1;" + String(repeating: "e", count: 1000) + "\r\nx\r\n", count: 20)
        #expect(unchunked(Array(many.utf8), cuts: []) == nil)
        var chunks = ChunkedBody()
        let trailers = Array(("0\r\n" + String(repeating: "A: b\r\n", count: 5000)).utf8)
        #expect(chunks.next(trailers.span, from: 0) == .bad)
    }
}
