import Bytes

/// Crosses strings and containers of JSON without reading them, sixteen bytes at a time; a span may end at any byte.
struct Crossing {
    /// Objects and arrays that are open.
    private(set) var depth: Int
    /// Within a string.
    private var isInString: Bool
    /// The span ended between a backslash and what it escapes.
    private var isEscaped = false

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
        var depth = depth
        var isInString = isInString
        var escaped = isEscaped ? start : -1
        let end = forEachMark(bytes, from: start, marksOfStructure) { index in
            guard index != escaped else { return true }
            let byte = bytes[index]
            if isInString {
                if byte == 0x5C { escaped = index &+ 1 }
                guard byte == 0x22 else { return true }
                isInString = false
                return depth > 0
            }
            switch byte {
            case 0x22: isInString = true
            case 0x7B, 0x5B: depth &+= 1
            case 0x7D, 0x5D: depth &-= 1
            default: break
            }
            return depth > 0
        }
        self.depth = depth
        self.isInString = isInString
        isEscaped = escaped == bytes.count
        return end
    }
}

/// Marks quotes, backslashes, brackets and braces.
@inline(__always)
private func marksOfStructure(_ bytes: Sixteen) -> Sixteen {
    // Brackets and braces differ in one bit.
    let braces: Sixteen = bytes | 0x20
    let brackets: Sixteen = braces.marks(of: 0x7B) | braces.marks(of: 0x7D)
    return brackets | bytes.marks(of: 0x22) | bytes.marks(of: 0x5C)
}
