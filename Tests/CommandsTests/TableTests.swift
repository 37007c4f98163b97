import Engine
import Model
import Testing

@testable import Commands

@Suite("Tables")
struct TableTests {
    private func table() -> Table {
        var table = Table("NAME", .number("COUNT"), "REASON")
        table.add("blue", .init(7), "a rather long reason for it")
        table.add("green-with-a-long-name", .init(1234), .init(nil))
        return table
    }

    @Test func columnsAreAsWideAsTheyNeedAndNumbersStandAtTheRight() {
        #expect(
            table().text(width: nil, isColoured: false) == """
                NAME                    COUNT  REASON
                blue                        7  a rather long reason for it
                green-with-a-long-name   1234  -

                """)
    }

    @Test func theWidestColumnsAreCutToFit() {
        let text = table().text(width: 36, isColoured: false)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 36 })
        #expect(text.contains("green-with-a-…"))
        #expect(text.contains("1234"))
    }

    @Test func tonesAreShownOnlyWhereColourHelps() {
        var table = Table("HEALTH", "X")
        table.add(.init(CoordinatorHealth.down), "y")
        #expect(table.text(width: nil, isColoured: true).contains("\u{1B}[31mdown\u{1B}[0m    y"))
        #expect(!table.text(width: nil, isColoured: false).contains("\u{1B}"))
    }

    @Test func noCellDrivesATerminalOrBreaksALine() {
        var table = Table("USER")
        table.add(.init("a\u{1B}[2J\nb\u{202E}"))
        #expect(table.text(width: nil, isColoured: false) == "USER\na?[2J?b?\n")
    }

    @Test(arguments: [
        (0, "0 ms"), (999, "999 ms"), (1500, "1.5 s"), (61_000, "1m 1s"), (3_660_000, "1h 1m"), (90_000_000, "1d 1h"),
        (-5, "0 ms"),
    ])
    func spansHaveTwoUnits(milliseconds: Int64, text: String) {
        #expect(Shown.span(milliseconds: milliseconds) == text)
    }

    @Test func sizesHaveAUnit() {
        #expect(Shown.size(500) == "500 B")
        #expect(Shown.size(20_480) == "20 KiB")
        #expect(Shown.size(1 << 30) == "1024 MiB")
    }
}
