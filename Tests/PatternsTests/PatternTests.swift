import Patterns
import Testing

/// Patterns over bytes that nobody vouches for.
@Suite struct PatternTests {
    private func search(_ source: String, _ text: String, limits: PatternLimits = PatternLimits()) throws -> Finding {
        let bytes = Array(text.utf8)
        return try Pattern(source, limits: limits).search(bytes.span)
    }

    @Test(arguments: [
        ("slow ?down", "please SlowDown", Finding.found),
        ("slow ?down", "slow  down", .absent),
        ("^nodes is empty$", "nodes is empty", .found),
        ("^nodes is empty$", "nodes is empty\nnull", .absent),
        ("^Gone", "so it is\nGone", .absent),
        ("a.c", "a\nc", .absent),
        ("a.c", "a\rc", .found),
        ("'[^']+' (does not exist|is not there)", "Table 'a.b' does not exist", .found),
        ("x", "", .absent),
        ("^$", "", .found),
        ("", "anything", .found),
    ])
    func isFoundOrNot(source: String, text: String, finding: Finding) throws {
        #expect(try search(source, text) == finding)
    }

    /// Bytes are no text: what is not UTF-8 is searched all the same, and a pattern cannot ask for UTF.
    @Test func takesAnyBytes() throws {
        let bytes: [UInt8] = [0xFF, 0xC3, 0x28, 0x00] + Array("Connection reset".utf8) + [0xE2, 0x82]
        #expect(try Pattern("connection (reset|refused)").search(bytes.span) == .found)
        #expect(try Pattern("^\\xff").search(bytes.span) == .found)
        #expect(throws: PatternProblem.self) { try Pattern("(*UTF)a") }
    }

    @Test func aRunawaySearchGivesUp() throws {
        let text = String(repeating: "a", count: 40) + "!"
        #expect(try search("(a+)+$", text) == .gaveUp)
        #expect(try search("(a+)+!", text) == .found)
    }

    @Test func theNumberOfStepsIsOurs() throws {
        let text = String(repeating: "a", count: 10) + "!"
        #expect(try search("(a+)+$", text) == .absent)
        var limits = PatternLimits()
        limits.steps = 10
        #expect(try search("(a+)+$", text, limits: limits) == .gaveUp)
    }

    /// A pattern's own words may tighten the limits, never widen them.
    @Test func aPatternCannotWidenItsLimits() throws {
        let text = String(repeating: "a", count: 40) + "!"
        #expect(try search("(*LIMIT_MATCH=4000000000)(a+)+$", text) == .gaveUp)
    }

    @Test(arguments: ["(a", "a{2,1}", "[z", "*", #"(a)\1"#])
    func whatIsNoExpressionSaysWhere(source: String) throws {
        let problem = try #require(throws: PatternProblem.self) { try Pattern(source) }
        #expect(0...source.utf8.count ~= problem.offset)
        #expect(!problem.message.isEmpty)
    }

    @Test func hasABoundedLength() throws {
        _ = try Pattern(String(repeating: "a", count: Pattern.maximumBytes))
        #expect(throws: PatternProblem.self) { try Pattern(String(repeating: "a", count: Pattern.maximumBytes + 1)) }
    }

    @Test func manyTasksMayShareOne() async throws {
        let pattern = try Pattern("needle [0-9]+")
        let found = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<500).count { number in
                        let text = Array((number.isMultiple(of: 2) ? "hay NEEDLE \(task)" : "hay needle").utf8)
                        return pattern.search(text.span) == .found
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(found == 8 * 250)
    }
}
