import FoundationEssentials
import Testing

@testable import Wire

@Suite struct JSONReaderTests {
    private func tokens(_ text: String) throws(JSONError) -> [JSONToken] {
        var reader = JSONReader(Array(text.utf8))
        var tokens: [JSONToken] = []
        while true {
            let token = try reader.next()
            if token == .end { return tokens }
            tokens.append(token)
        }
    }

    @Test func readsEveryKindOfToken() throws {
        let text =
            " {\"a\" : [1, -2.5e+3, \"x\\u00e9\\ud83d\\ude00\\n\\/\", true], \"b\":{}, \"c\":[], \"d\":null,\"\":false}\n"
        #expect(
            try tokens(text) == [
                .beginObject, .key("a"), .beginArray, .number("1"), .number("-2.5e+3"),
                .string("x\u{E9}\u{1F600}\n/"), .bool(true), .endArray, .key("b"), .beginObject, .endObject, .key("c"),
                .beginArray, .endArray, .key("d"), .null, .key(""), .bool(false), .endObject,
            ])
        #expect(try tokens("3") == [.number("3")])
    }

    @Test func aLoneSurrogateBecomesTheReplacementCharacter() throws {
        #expect(try tokens("\"\\ud800x\\udc00\"") == [.string("\u{FFFD}x\u{FFFD}")])
    }

    @Test func skipsWholeValues() throws {
        var reader = JSONReader(Array("[{\"a\":[1,{}]},2,\"x\"]".utf8))
        #expect(try reader.next() == .beginArray)
        try reader.skipValue()
        #expect(try reader.next() == .number("2"))
        try reader.skipValue()
        #expect(try reader.next() == .endArray)
        #expect(try reader.next() == .end)
    }

    @Test(arguments: [
        "[1,]", "[,1]", "{,}", "{\"a\":1,}", "{\"a\" 1}", "{1:2}", "[1 2]", "01", "-", "1.", ".5", "1e", "+1", "nul",
        "truE", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "[1]]", "1 2", "}", "]", "{]", "[}", "\u{FEFF}1",
    ])
    func refusesWhatIsNotJSON(_ text: String) {
        #expect(throws: JSONError.self) { try tokens(text) }
    }

    @Test func saysWhatIsCut() {
        let text = "{\"a\":[1,\"x\\n\",true],\"b\":null}"
        for count in 0..<text.utf8.count {
            let cut = String(decoding: Array(text.utf8)[..<count], as: UTF8.self)
            #expect(throws: JSONError.self) { try tokens(cut) }
            do {
                _ = try tokens(cut)
            } catch {
                #expect(error.reason == .cut, "cut at \(count)")
            }
        }
    }

    @Test func depthIsBounded() {
        var reader = JSONReader(Array(String(repeating: "[", count: 100).utf8), maximumDepth: 8)
        #expect(throws: JSONError(reason: .tooDeep, offset: 8)) {
            while true { _ = try reader.next() }
        }
    }

    @Test func writtenTextsReadAsThemselves() throws {
        let texts = ["", "plain /path", "\"\\\n\r\t\u{0}\u{1F}\u{7F}", "\u{E9}\u{2028}\u{1F600}"]
        for text in texts {
            var bytes: [UInt8] = []
            appendJSONString(text, to: &bytes)
            var reader = JSONReader(bytes)
            #expect(try reader.next() == .string(text))
            #expect(try JSONDecoder().decode(String.self, from: Data(bytes)) == text)
        }
    }
}
