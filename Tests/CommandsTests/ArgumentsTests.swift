import Testing

@testable import Commands

@Suite("Arguments")
struct ArgumentsTests {
    private static let options = [
        Option(name: "--reason", value: "TEXT", help: ""), Option(name: "--force", value: nil, help: ""),
        Option(name: "--set", value: "KEY=VALUE", help: "", repeats: true),
        Option(name: "--limit", value: "N", help: ""), Option(name: "--timeout", value: "TIME", help: ""),
    ]

    private func read(_ words: String..., operands: [Operand] = []) throws -> Arguments {
        try Arguments(words, operands: operands, options: Self.options)
    }

    @Test func valuesFollowOrStandBehindAnEqualsSign() throws {
        let arguments = try read("--reason", "a b", "--set=x=1", "--set", "y=2", "--force")
        #expect(arguments.value("--reason") == "a b")
        #expect(arguments.all("--set") == ["x=1", "y=2"])
        #expect(arguments.has("--force"))
        #expect(!arguments.has("--limit"))
        #expect(try read("--reason=").value("--reason") == "")
        #expect(try read("--reason=--force").value("--reason") == "--force")
        #expect(try read("--limit", "-5").value("--limit") == "-5")
    }

    @Test func operandsStandAnywhereAndAfterTwoDashesEverythingIsOne() throws {
        let two = [Operand(name: "A"), Operand(name: "B", isOptional: true)]
        #expect(try read("x", "--force", "y", operands: two).operands == ["x", "y"])
        #expect(try read("--", "--force", operands: two).operands == ["--force"])
        #expect(try read("x", operands: two).operand(1) == nil)
    }

    @Test(arguments: [
        (["--nope"], "--nope"), (["--forse"], "did you mean '--force'?"), (["--reason"], "wants TEXT"),
        (["--reason", "--force"], "wants TEXT"), (["--force=yes"], "takes no value"),
        (["--force", "--force"], "given twice"), (["--reason=a", "--reason=b"], "given twice"),
        (["extra"], "no place for 'extra'"), (["-x"], "-x"),
    ])
    func whatMakesNoSenseIsSaid(words: [String], message: String) {
        let failure = #expect(throws: Failure.self) {
            try Arguments(words, operands: [], options: Self.options)
        }
        #expect(failure?.code == .wrongUsage)
        #expect(failure?.message.contains(message) == true)
    }

    @Test func aMissingOperandIsNamed() {
        let failure = #expect(throws: Failure.self) { try read(operands: [Operand(name: "GROUP")]) }
        #expect(failure?.message == "GROUP is missing")
    }

    @Test func numbersAndDurationsAreChecked() throws {
        #expect(try read("--limit", "7").number("--limit", in: 1...10) == 7)
        #expect(throws: Failure.self) { try read("--limit", "11").number("--limit", in: 1...10) }
        #expect(throws: Failure.self) { try read("--limit", "x").number("--limit", in: 1...10) }
        #expect(try read().number("--limit", in: 1...10) == nil)
        #expect(try read("--timeout", "15m").duration("--timeout") == .seconds(900))
        #expect(throws: Failure.self) { try read("--timeout", "15").duration("--timeout") }
    }
}
