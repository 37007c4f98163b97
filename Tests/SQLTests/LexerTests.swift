import Testing

@testable import SQL

private func tokens(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    var lexer = Lexer(limit: bytes.count)
    var found: [String] = []
    while true {
        let token = lexer.next(bytes.span)
        if token.kind == .end { return found }
        found.append("\(token.kind):" + String(decoding: bytes[token.range], as: UTF8.self))
    }
}

/// A small generator with a seed, so that a failure can be repeated.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct LexerTests {
    @Test func textIsCutAsTheEnginesCutIt() {
        #expect(tokens("a_1 1.5e-7 .5 1_0") == ["word:a_1", "number:1.5e-7", "number:.5", "number:1_0"])
        #expect(tokens("'it''s' X'0f' U&'\\0041'") == ["string:'it''s'", "string:X'0f'", "string:U&'\\0041'"])
        #expect(tokens("\"a\"\"b\" `c`") == ["quotedName:\"a\"\"b\"", "quotedName:`c`"])
        #expect(tokens("a--b\nc/*d*/e") == ["word:a", "word:c", "word:e"])
        #expect(tokens("/* /* */ x") == ["word:x"])
        #expect(tokens("a-/b") == ["word:a", "symbol:-", "symbol:/", "word:b"])
        #expect(tokens("f(?)") == ["word:f", "symbol:(", "parameter:?", "symbol:)"])
        #expect(tokens("$$a'b$$ $1") == ["string:$$a'b$$", "symbol:$", "number:1"])
    }

    @Test func whatIsNotClosedIsUnfinished() {
        for text in ["'a", "'a''", "\"a", "/*", "/*/", "x'0", "$$a$"] {
            #expect(tokens(text).last?.hasPrefix("unfinished") == true, "\(text)")
        }
    }

    @Test func anyBytesAreCutIntoTokensThatCoverThemInOrder() {
        let alphabet = Array("aZ_09 '\"`-/*$?.;()&uUxX\n\\".utf8) + [0, 0x80, 0xFF]
        let words = [
            "SELECT ", "WITH ", "TABLE(", " AS (", "EXPLAIN ", "ANALYZE ", "EXECUTE ", "IMMEDIATE '", "FUNCTION ",
        ]
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = Seeded(state: seed)
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                if Int.random(in: 0..<4, using: &generator) == 0, let word = words.randomElement(using: &generator) {
                    bytes += Array(word.utf8)
                } else if let byte = alphabet.randomElement(using: &generator) {
                    bytes.append(byte)
                }
            }
            var lexer = Lexer(limit: bytes.count)
            var last = 0
            var steps = 0
            while true {
                let token = lexer.next(bytes.span)
                guard token.kind != .end else { break }
                steps += 1
                #expect(token.start >= last && token.end > token.start && token.end <= bytes.count, "seed \(seed)")
                last = token.end
                if steps > bytes.count { break }
            }
            #expect(steps <= bytes.count, "seed \(seed)")
            let limit = Int.random(in: 0...60, using: &generator)
            let kind = statementKind(of: bytes.span, limit: limit) { _ in bytes }
            if bytes.count > limit { #expect(!kind.reads, "seed \(seed)") }
        }
    }

    @Test(arguments: UInt64(0)..<20)
    func aWordEndsBeforeTheFirstByteThatIsNoneOfAName(seed: UInt64) {
        var random = Seeded(state: seed)
        let names = Array("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max where !names.contains(byte) && byte != UInt8(ascii: "'") {
            var word: [UInt8] = []
            for _ in 0...Int.random(in: 0..<40, using: &random) {
                word.append(names.randomElement(using: &random) ?? 0x5F)
            }
            let rest = [UInt8](repeating: .random(in: 0...255, using: &random), count: Int(byte & 31))
            let bytes = [UInt8(ascii: "n")] + word + [byte] + rest
            var lexer = Lexer(limit: bytes.count)
            let token = lexer.next(bytes.span)
            #expect(token == Token(kind: .word, start: 0, end: word.count + 1), "seed \(seed): \(bytes)")
        }
    }

    @Test(arguments: Keyword.allCases)
    func aKeywordIsSpelledInAnyCaseAndIsNoPartOfAWord(keyword: Keyword) {
        var random = Seeded(state: 1)
        let word = Array("\(keyword)".utf8)
        for _ in 0..<50 {
            let spelled = word.map { Bool.random(using: &random) ? $0 : $0 & ~0x20 }
            let text = [UInt8](repeating: 0x20, count: Int.random(in: 0...9, using: &random)) + spelled
            let range = text.count - word.count..<text.count
            #expect(Keyword.spelled(by: range, in: text.span) == keyword)
            #expect(Keyword.spelled(by: range, in: (text + [0x41]).span) == keyword)
            var other = spelled
            other[Int.random(in: 0..<word.count, using: &random)] = UInt8(ascii: "q")
            #expect(Keyword.spelled(by: 0..<other.count, in: other.span) == nil)
            let longer = spelled + [UInt8(ascii: "s")]
            #expect(Keyword.spelled(by: 0..<longer.count, in: longer.span) == nil)
        }
    }
}
