import Bytes

/// Crosses strings and containers of JSON without reading them, sixteen bytes at a time; a span may end at any byte.
struct Crossing {
    /// Objects and arrays that are open.
    private(set) var depth: Int
    /// Within a string.
    private var isInString: Bool
    /// The last byte was a backslash in a string: what it escapes is to come.
    private var isEscaping = false

    /// Begins within a string.
    static let string = Crossing(depth: 0, isInString: true)
    /// Begins within an object or an array.
    static let container = Crossing(depth: 1, isInString: false)

    private init(depth: Int, isInString: Bool) {
        self.depth = depth
        self.isInString = isInString
    }

    /// Whether the end was met.
    var isOver: Bool { depth == 0 && !isInString }

    /// Goes on from `start` to the end; the byte after it, or the end of `bytes`.
    mutating func cross(_ bytes: Span<UInt8>, from start: Int) -> Int {
        // A copy stays in registers.
        var crossing = self
        let end = forEachSixteen(bytes, from: start) { sixteen, index in
            let quotes = sixteen.marks(of: 0x22)
            let backslashes = sixteen.marks(of: 0x5C)
            // Brackets and braces differ in one bit. Between them is `|`, which does nothing.
            let braces: Sixteen = sixteen | 0x20
            let brackets: Sixteen = braces.marks(from: 0x7B) & ~braces.marks(from: 0x7E) & ~braces
            if crossing.isEscaping || crossing.depth == 0 {
                return crossing.takeOneByOne(bytes, index..<min(bytes.count, index &+ 16))
            }
            let (first, second) = markWords(brackets | backslashes)
            if first | second == 0 {
                crossing.takeQuotes(quotes)
                return -1
            }
            if hasMark(backslashes) {
                return crossing.takeOneByOne(bytes, index..<min(bytes.count, index &+ 16))
            }
            return crossing.take(markWords(quotes), (first, second), bytes, at: index)
        }
        self = crossing
        return end
    }

    /// Takes the quotes of sixteen bytes that have neither brackets nor backslashes: all that counts is whether their
    /// number is odd.
    @inline(__always)
    private mutating func takeQuotes(_ quotes: Sixteen) {
        let (first, second) = markWords(quotes)
        if ((first ^ second) &* 0x0101_0101_0101_0101) >> 63 != 0 { isInString.toggle() }
    }

    /// Takes the quotes and brackets of sixteen bytes; the byte after the end, or -1 when the end is not among them.
    @inline(__always)
    private mutating func take(
        _ quotes: (UInt64, UInt64), _ brackets: (UInt64, UInt64), _ bytes: Span<UInt8>, at index: Int
    ) -> Int {
        let end = take(quotes.0, brackets.0, bytes, at: index)
        return end >= 0 ? end : take(quotes.1, brackets.1, bytes, at: index &+ 8)
    }

    /// Takes the marks of eight bytes.
    @inline(__always)
    private mutating func take(_ quotes: UInt64, _ brackets: UInt64, _ bytes: Span<UInt8>, at index: Int) -> Int {
        // A byte is in a string if an odd number of quotes stand before it, itself counted.
        var inside = quotes
        inside ^= inside << 8
        inside ^= inside << 16
        inside ^= inside << 32
        if isInString { inside ^= 0x8080_8080_8080_8080 }
        isInString = inside >> 63 != 0
        var outside = brackets & ~inside
        while outside != 0 {
            let place = index &+ outside.trailingZeroBitCount >> 3
            outside &= outside &- 1
            switch bytes[place] & 3 {
            case 3: depth &+= 1
            case 1: depth &-= 1
            default: break
            }
            if depth == 0 {
                isInString = false
                return place &+ 1
            }
        }
        return -1
    }

    /// Takes some bytes one by one.
    @inline(never)
    private mutating func takeOneByOne(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        for index in range {
            if isEscaping {
                isEscaping = false
                continue
            }
            switch bytes[index] {
            case 0x22: isInString.toggle()
            case 0x5C: isEscaping = isInString
            case 0x7B, 0x5B: if !isInString { depth &+= 1 }
            case 0x7D, 0x5D: if !isInString { depth &-= 1 }
            default: break
            }
            if isOver { return index &+ 1 }
        }
        return -1
    }
}
