import Bytes

/// What comes next in a head.
enum LineStep {
    /// A line without its CRLF; where its first colon is, or its end when it has none; and whether it holds a control
    /// character other than a tab.
    case line(Range<Int>, colon: Int, holdsControl: Bool)
    /// The end of the line has not been read.
    case more
    case bad(HeadViolation)
}

/// The lines of a head, each of which ends with CRLF. It keeps its place between reads and looks at each byte once.
struct HeadLines: Sendable {
    /// Where the next line begins.
    private(set) var start: Int
    private var searched: Int
    /// The first colon of the next line, as far as it was searched; -1 before it was met.
    private var colon = -1
    /// The next line holds a control character other than a tab, as far as it was searched.
    private var holdsControl = false

    /// The lines from `start` on.
    init(from start: Int = 0) {
        self.start = start
        searched = start
    }

    /// The next line of a head that may have `maximum` bytes.
    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>, maximum: Int) -> LineStep {
        // The line that ends a head.
        if searched == start, start &+ 2 <= min(bytes.count, maximum), bytes[start] == 0x0D, bytes[start &+ 1] == 0x0A {
            let line = LineStep.line(start..<start, colon: start, holdsControl: false)
            self = HeadLines(from: start &+ 2)
            return line
        }
        if colon < 0 {
            let index = search(bytes, from: searched, to: bytes.count) { controls($0) | $0.marks(of: 0x3A) }
            searched = index
            if index < bytes.count, bytes[index] == 0x3A {
                colon = index
                searched = index &+ 1
            }
        }
        while true {
            let index = search(bytes, from: searched, to: bytes.count, controls)
            let isReturn = index < bytes.count && bytes[index] == 0x0D
            // A carriage return that came last may be followed by its line feed.
            guard index &+ (isReturn ? 1 : 0) < bytes.count else {
                searched = index
                return bytes.count < maximum ? .more : .bad(.headTooLarge)
            }
            searched = index &+ 1
            if isReturn, bytes[searched] == 0x0A {
                guard searched < maximum else { return .bad(.headTooLarge) }
                let line = LineStep.line(
                    start..<index, colon: colon < 0 ? index : colon, holdsControl: holdsControl)
                self = HeadLines(from: searched &+ 1)
                return line
            }
            guard index < maximum else { return .bad(.headTooLarge) }
            if bytes[index] == 0x0A { return .bad(.bareLineFeed) }
            if bytes[index] != 0x09 { holdsControl = true }
        }
    }
}

/// Marks the control characters; a tab is one.
@inline(__always)
private func controls(_ bytes: Sixteen) -> Sixteen {
    // A DEL overflows; what is above ASCII does not count.
    ((bytes &- 0x20) | (bytes &+ 1)) & ~bytes
}
