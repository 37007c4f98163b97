import Bytes

/// Whether `byte` may stand in a token.
@inline(__always)
func isToken(_ byte: UInt8) -> Bool {
    // The characters of RFC 9110, 5.6.2, as a bit set for each half of ASCII.
    let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return byte < 128 && (bits >> UInt64(byte & 63)) & 1 == 1
}

/// Whether `bytes[range]` is a token but for its being empty.
func isToken(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    for index in range where !isToken(bytes[index]) { return false }
    return true
}

/// Whether `byte` is a space or a tab.
@inline(__always)
func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09
}

/// Whether `bytes[from..<to]` holds a control character other than a tab.
func holdsControl(_ bytes: Span<UInt8>, from: Int, to: Int) -> Bool {
    var index = from
    while index &+ 8 <= to {
        let word = loadWord(bytes, at: index)
        // Bytes below 0x20, and 0x7F, eight at a time. A hit may be a borrow or a tab: then each byte is looked at.
        let low = (word &- 0x2020_2020_2020_2020) & ~word
        let marked = word ^ 0x7F7F_7F7F_7F7F_7F7F
        let delete = (marked &- 0x0101_0101_0101_0101) & ~marked
        if (low | delete) & 0x8080_8080_8080_8080 != 0 {
            for offset in index..<index &+ 8 where isControl(bytes[offset]) { return true }
        }
        index &+= 8
    }
    while index < to {
        if isControl(bytes[index]) { return true }
        index &+= 1
    }
    return false
}

@inline(__always)
private func isControl(_ byte: UInt8) -> Bool {
    (byte < 0x20 && byte != 0x09) || byte == 0x7F
}

/// The first byte of `bytes[from..<to]` that may not stand in a request target, or `to`: targets are visible ASCII, and
/// a fragment is never sent.
func endOfTarget(_ bytes: Span<UInt8>, from: Int, to: Int) -> Int {
    var index = from
    while index &+ 8 <= to {
        let word = loadWord(bytes, at: index)
        let low = (word &- 0x2121_2121_2121_2121) & ~word
        let hash = word ^ 0x2323_2323_2323_2323
        let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
        let ones: UInt64 = 0x0101_0101_0101_0101
        let marks = low | word | (hash &- ones) & ~hash | (delete &- ones) & ~delete
        guard marks & 0x8080_8080_8080_8080 == 0 else { break }
        index &+= 8
    }
    while index < to, bytes[index] > 0x20, bytes[index] < 0x7F, bytes[index] != 0x23 { index &+= 1 }
    return index
}

/// `range` without the spaces and tabs at its ends.
func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, isBlank(bytes[start]) { start &+= 1 }
    while end > start, isBlank(bytes[end &- 1]) { end &-= 1 }
    return start..<end
}

/// The decimal number that `bytes[range]` is: 1 to 18 digits and nothing else.
func decimal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    guard (1...18).contains(range.count) else { return nil }
    var value = 0
    for index in range {
        let digit = bytes[index] &- 0x30
        guard digit <= 9 else { return nil }
        value = value * 10 + Int(digit)
    }
    return value
}

/// Whether two tokens are the same but for the case of their letters.
func sameToken(_ bytes: Span<UInt8>, _ a: Range<Int>, _ b: Range<Int>) -> Bool {
    guard a.count == b.count else { return false }
    for offset in 0..<a.count {
        let x = bytes[a.lowerBound + offset]
        let y = bytes[b.lowerBound + offset]
        guard x == y || (x ^ y == 0x20 && (0x61...0x7A).contains(x | 0x20)) else { return false }
    }
    return true
}
