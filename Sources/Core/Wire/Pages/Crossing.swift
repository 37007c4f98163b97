import Bytes

/// Crosses strings and containers of JSON without reading them, eight bytes at a time; a span may end at any byte.
struct Crossing {
    /// Objects and arrays that are open.
    var depth = 0
    /// Within a string of the container.
    private var isInString = false
    /// The span ended between a backslash and what it escapes.
    private var isEscaped = false

    /// Goes on from within a string; the byte after its closing quote, or -1 when `bytes` ends before.
    mutating func string(_ bytes: Span<UInt8>, from start: Int) -> Int {
        let count = bytes.count
        var index = isEscaped ? start &+ 1 : start
        isEscaped = false
        while index < count {
            if index &+ 8 <= count {
                let marks = stringMarks(loadWord(bytes, at: index))
                guard marks != 0 else {
                    index &+= 8
                    continue
                }
                index &+= marks.trailingZeroBitCount >> 3
            }
            let byte = bytes[index]
            index &+= 1
            if byte == 0x22 { return index }
            if byte == 0x5C { index &+= 1 }
        }
        isEscaped = index > count
        return -1
    }

    /// Goes on from within a container until `depth` is 0; the byte after it, or the end of `bytes`.
    mutating func container(_ bytes: Span<UInt8>, from start: Int) -> Int {
        let count = bytes.count
        var index = start
        var depth = depth
        if isInString {
            let end = string(bytes, from: index)
            guard end >= 0 else { return count }
            isInString = false
            index = end
        }
        while index < count, depth > 0 {
            if index &+ 8 <= count {
                let marks = containerMarks(loadWord(bytes, at: index))
                guard marks != 0 else {
                    index &+= 8
                    continue
                }
                index &+= marks.trailingZeroBitCount >> 3
            }
            let byte = bytes[index]
            index &+= 1
            switch byte {
            case 0x22:
                let end = string(bytes, from: index)
                isInString = end < 0
                index = end < 0 ? count : end
            case 0x7B, 0x5B: depth &+= 1
            case 0x7D, 0x5D: depth &-= 1
            default: break
            }
        }
        self.depth = depth
        return index
    }
}

/// Marks the first quote or backslash of `word` by the high bit of its byte; above it the marks mean nothing.
@inline(__always)
private func stringMarks(_ word: UInt64) -> UInt64 {
    zeros(word ^ 0x2222_2222_2222_2222) | zeros(word ^ 0x5C5C_5C5C_5C5C_5C5C)
}

/// Marks the first quote, bracket or brace of `word`; sometimes a `Y`, `y`, `_` or DEL before it.
@inline(__always)
private func containerMarks(_ word: UInt64) -> UInt64 {
    // All four brackets have the bits 0x59, and of the rest only 0x26 vary.
    zeros((word | 0x2626_2626_2626_2626) ^ 0x7F7F_7F7F_7F7F_7F7F) | zeros(word ^ 0x2222_2222_2222_2222)
}

/// Marks the first byte of `word` that is zero.
@inline(__always)
private func zeros(_ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
}
