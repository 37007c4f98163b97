/// Rows of text under headings, as wide as the terminal at most.
struct Table {
    /// How a cell is shown where colour helps.
    enum Tone: String {
        case plain = ""
        case good = "\u{1B}[32m"
        case attention = "\u{1B}[33m"
        case bad = "\u{1B}[31m"
    }

    /// A cell.
    struct Cell: ExpressibleByStringLiteral {
        let text: String
        let tone: Tone

        init(_ text: String?, _ tone: Tone = .plain) {
            self.text = printable((text ?? "").isEmpty ? "-" : text ?? "", isOneLine: true)
            self.tone = tone
        }

        init(_ number: some BinaryInteger) { self.init(String(number)) }

        init(stringLiteral: String) { self.init(stringLiteral) }
    }

    /// A column's heading. Numbers stand at the right.
    struct Column: ExpressibleByStringLiteral {
        let heading: String
        let isNumber: Bool

        init(_ heading: String, isNumber: Bool = false) {
            self.heading = heading
            self.isNumber = isNumber
        }

        init(stringLiteral: String) { self.init(stringLiteral) }

        static func number(_ heading: String) -> Column { Column(heading, isNumber: true) }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    /// The narrowest that a column is made to fit a terminal.
    private static let narrowest = 8

    init(_ columns: Column...) {
        self.columns = columns
    }

    /// Appends a row with a cell for each column.
    mutating func add(_ cells: Cell...) {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        rows.append(cells)
    }

    /// The table as lines of text.
    /// - Parameters:
    ///   - width: what it may take; the widest columns are cut until it fits. nil: nothing is cut.
    ///   - isColoured: whether tones are shown.
    func text(width: Int?, isColoured: Bool) -> String {
        var widths = columns.indices.map { column in
            rows.map { $0[column].text.count }.reduce(columns[column].heading.count, max)
        }
        let spaces = 2 * (columns.count - 1)
        while let width, widths.reduce(spaces, +) > width, let widest = widths.max(), widest > Self.narrowest,
            let index = widths.lastIndex(of: widest)
        {
            widths[index] -= 1
        }
        let heading = columns.map { Cell($0.heading) }
        return ([heading] + rows).map { line($0, widths, isColoured) + "\n" }.joined()
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ isColoured: Bool) -> String {
        var line = ""
        var pending = ""
        for (index, cell) in cells.enumerated() {
            let width = widths[index]
            let text = cell.text.count > width ? cell.text.prefix(width - 1) + "…" : cell.text[...]
            let padding = String(repeating: " ", count: width - text.count)
            let shown = isColoured && cell.tone != .plain ? "\(cell.tone.rawValue)\(text)\u{1B}[0m" : String(text)
            line += pending + (columns[index].isNumber ? padding + shown : shown)
            pending = (columns[index].isNumber ? "" : padding) + "  "
        }
        return line
    }
}

/// The text with control characters replaced: what a client or a server sent must not drive a terminal.
func printable(_ text: String, isOneLine: Bool = false) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x0A where !isOneLine: shown.unicodeScalars.append(scalar)
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: shown += "?"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
