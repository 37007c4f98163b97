import Testing

@testable import YAML

@Suite struct DocumentTests {
    private func read(_ text: String, bounds: Bounds = Bounds()) throws(YAMLProblem) -> Node? {
        try Document(Array(text.utf8), bounds: bounds).root
    }

    private func problem(_ text: String, bounds: Bounds = Bounds()) -> YAMLProblem? {
        do throws(YAMLProblem) {
            _ = try read(text, bounds: bounds)
            return nil
        } catch {
            return error
        }
    }

    private func scalar(_ text: String, _ line: Int, _ column: Int, isQuoted: Bool = false) -> Node {
        Node(mark: Mark(line: line, column: column), kind: .scalar(text, isQuoted: isQuoted))
    }

    @Test func readsScalarsListsAndMappingsWithTheirMarks() throws {
        let root = try read("a: 1\nb:\n  - 'x'\n  - {c: \"ü\"}\n")
        let flow = Node(
            mark: Mark(line: 4, column: 5),
            kind: .mapping([
                .init(key: "c", mark: Mark(line: 4, column: 6), value: scalar("ü", 4, 9, isQuoted: true))
            ]))
        #expect(
            root
                == Node(
                    mark: Mark(line: 1, column: 1),
                    kind: .mapping([
                        .init(key: "a", mark: Mark(line: 1, column: 1), value: scalar("1", 1, 4)),
                        .init(
                            key: "b", mark: Mark(line: 2, column: 1),
                            value: Node(
                                mark: Mark(line: 3, column: 3),
                                kind: .sequence([scalar("x", 3, 5, isQuoted: true), flow]))),
                    ])))
    }

    @Test(arguments: ["", "# nothing\n", "\n\n"])
    func emptyTextHasNoRoot(text: String) throws {
        #expect(try read(text) == nil)
    }

    @Test func zeroBytesInQuotedTextsAreKept() throws {
        #expect(try read("\"a\\0b\"") == scalar("a\0b", 1, 1, isQuoted: true))
    }

    @Test func aliasesAreReplaced() throws {
        let root = try read("a: &x [1, 2]\nb: *x\n")
        guard case .mapping(let entries) = root?.kind else {
            Issue.record("no mapping")
            return
        }
        #expect(entries.map(\.key) == ["a", "b"])
        #expect(entries[0].value == entries[1].value)
    }

    @Test(arguments: [
        ("a: [1, 2", 2), ("a: 1\n b: 2\n", 2), ("a: *nothing", 1), ("a: &x [*x]", 1), ("--- 1\n--- 2\n", 2),
        ("a: !!binary aGk=", 1), ("? [1]\n: 2\n", 1), ("a: 1\n\tb: 2\n", 2), ("a: \"\\q\"", 1),
    ])
    func whatIsNotOneDocumentIsRefusedWithItsLine(text: String, line: Int) {
        #expect(problem(text)?.mark.line == line)
    }

    @Test func whatIsLeftOpenIsReportedWithTheLineOfItsBeginning() {
        #expect(problem("a: 1\nb: [1,\n  2\n")?.message.hasSuffix("that begins in line 2") == true)
    }

    @Test func badEncodingIsRefusedWithItsLine() {
        #expect(throws: YAMLProblem.self) { try Document([0x61, 0x3A, 0x20, 0x31, 0x0A, 0xFF, 0xFE, 0x41]) }
        do throws(YAMLProblem) {
            _ = try Document(Array("a: 1\nb: ".utf8) + [0xC3, 0x28])
            Issue.record("taken")
        } catch {
            #expect(error.mark.line == 2)
        }
    }

    @Test func everyRepeatedKeyIsReported() throws {
        let document = try Document(Array("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n".utf8))
        #expect(document.repeatedKeys.map(\.mark.line) == [2, 3, 4])
        #expect(document.repeatedKeys.first?.message.contains("first in line 1") == true)
    }

    @Test func sizeDepthAndNumberAreBounded() {
        var bounds = Bounds()
        bounds.bytes = 8
        #expect(problem("a: 12345", bounds: bounds) == nil)
        #expect(problem("a: 123456", bounds: bounds) != nil)

        bounds = Bounds()
        bounds.depth = 3
        #expect(problem("[[[1]]]", bounds: bounds) == nil)
        #expect(problem("[[[[1]]]]", bounds: bounds) != nil)
        #expect(problem("[&x [[1]], [*x]]", bounds: bounds) != nil)

        bounds = Bounds()
        bounds.nodes = 4
        #expect(problem("[1, 2, 3]", bounds: bounds) == nil)
        #expect(problem("[1, 2, 3, 4]", bounds: bounds) != nil)
    }

    @Test func aliasesThatMultiplyAreRefusedBeforeTheyAreExpanded() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<20 {
            let name = "*a\(level - 1)"
            text += "a\(level): &a\(level) [\(name), \(name), \(name), \(name), \(name), \(name), \(name)]\n"
        }
        #expect(problem(text)?.message.contains("more than 20000 values") == true)
    }

    @Test func deepNestingIsRefusedQuickly() {
        #expect(problem(String(repeating: "[", count: 100_000)) != nil)
        #expect(problem(String(repeating: "{a: ", count: 100_000)) != nil)
        #expect(problem(String(repeating: "- ", count: 100_000)) != nil)
    }

    @Test func anyBytesAreTakenOrRefusedNeverTrapped() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        let pieces = [
            "a: ", "- ", "\n", "  ", "[", "]", "{", "}", "&x ", "*x", "'", "\"", "#", ": ", ",", "|", ">", "?", "!",
            "%", "\u{FEFF}", "é",
        ]
        for _ in 0..<3000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                if Int.random(in: 0..<12, using: &random) == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                } else {
                    bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
                }
            }
            do throws(YAMLProblem) {
                _ = try Document(bytes)
            } catch {
                #expect(error.mark.line >= 1 && !error.message.isEmpty, "seed \(seed)")
            }
        }
    }
}

/// A seeded source of random numbers.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
