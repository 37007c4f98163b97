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
    // Names consist of letters and hyphens nearly always.
    var index = search(bytes, from: range.lowerBound, to: range.upperBound, marksOfOthersThanLetters)
    while index < range.upperBound {
        guard isToken(bytes[index]) else { return false }
        index &+= 1
    }
    return true
}

/// Marks what is neither a letter nor a hyphen.
@inline(__always)
private func marksOfOthersThanLetters(_ bytes: Sixteen) -> Sixteen {
    let small: Sixteen = bytes | 0x20
    let letters: Sixteen = small.marks(from: 0x61) & ~small.marks(from: 0x7B)
    return ~(letters | bytes.marks(of: 0x2D)) | bytes
}

/// Whether `byte` is a space or a tab.
@inline(__always)
func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09
}

/// The first byte of `bytes[from..<to]` that may not stand in a request target, or `to`: targets are visible ASCII, and
/// a fragment is never sent.
func endOfTarget(_ bytes: Span<UInt8>, from: Int, to: Int) -> Int {
    search(bytes, from: from, to: to, marksOutsideTargets)
}

@inline(__always)
private func marksOutsideTargets(_ bytes: Sixteen) -> Sixteen {
    // What is above ASCII is marked, so that it does not matter how the sums treat it.
    let outside: Sixteen = bytes | (bytes &- 0x21) | (bytes &+ 1)
    return outside | bytes.marks(of: 0x23)
}

/// The first byte of `bytes[from..<to]` that may not stand in a host, or `to`: a host is written into pages, so it must
/// need no escaping. It consists of letters, digits and `% - . : [ ] _ ~`.
func endOfHost(_ bytes: Span<UInt8>, from: Int, to: Int) -> Int {
    search(bytes, from: from, to: to, marksOutsideHosts)
}

@inline(__always)
private func marksOutsideHosts(_ bytes: Sixteen) -> Sixteen {
    // The beginnings of what is allowed and of the gaps between it: an allowed byte has passed an odd number of them.
    var allowed: Sixteen = bytes.marks(from: 0x25) ^ bytes.marks(from: 0x26)
    allowed ^= bytes.marks(from: 0x2D) ^ bytes.marks(from: 0x2F)
    allowed ^= bytes.marks(from: 0x30) ^ bytes.marks(from: 0x3B)
    allowed ^= bytes.marks(from: 0x41) ^ bytes.marks(from: 0x5C)
    allowed ^= bytes.marks(from: 0x5D) ^ bytes.marks(from: 0x5E)
    allowed ^= bytes.marks(from: 0x5F) ^ bytes.marks(from: 0x60)
    allowed ^= bytes.marks(from: 0x61) ^ bytes.marks(from: 0x7B)
    allowed ^= bytes.marks(from: 0x7E) ^ bytes.marks(from: 0x7F)
    return ~allowed | bytes
}

/// `range` without the spaces and tabs at its ends.
@inline(__always)
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
        value = value &* 10 &+ Int(digit)
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
