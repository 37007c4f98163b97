import Glibc

/// Finds the first `byte` in `bytes[from..<to]` with memchr.
///
/// - Returns: Its index in `bytes`, or -1 when it is not there.
/// - Precondition: `0 <= from`, `to <= bytes.count`; an empty or reversed range holds nothing.
public func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from: Int, to: Int) -> Int {
    guard from < to else { return -1 }
    precondition(from >= 0 && to <= bytes.count, "the range leaves the span")
    return unsafe bytes.withUnsafeBytes { all in
        guard let base = all.baseAddress, let found = unsafe memchr(base + from, Int32(byte), to - from) else {
            return -1
        }
        return unsafe UnsafeRawPointer(found) - base
    }
}

/// Reads the eight bytes at `at` as one little-endian word.
///
/// - Precondition: `bytes[at..<at + 8]` lies in the span.
@inlinable
public func loadWord(_ bytes: Span<UInt8>, at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
}

/// Whether `bytes[range]` is `lowercased` when the case of ASCII letters is ignored.
///
/// `lowercased` consists of small letters, digits and `-` `/` `.` `=` `:`; each of those matches itself alone.
/// - Precondition: `range` lies in the span.
public func equalsIgnoringCase(_ bytes: Span<UInt8>, _ range: Range<Int>, _ lowercased: StaticString) -> Bool {
    let count = lowercased.utf8CodeUnitCount
    guard range.count == count else { return false }
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range leaves the span")
    let text = unsafe lowercased.utf8Start
    var index = 0
    while index &+ 8 <= count {
        let word = loadWord(bytes, at: range.lowerBound &+ index)
        let wanted = unsafe UInt64(
            littleEndian: UnsafeRawPointer(text + index).loadUnaligned(as: UInt64.self))
        // Only the bit of the case may differ, and only under a letter (the bytes with bit 6 set).
        guard (word ^ wanted) & ~((wanted & 0x4040_4040_4040_4040) >> 1) == 0 else { return false }
        index &+= 8
    }
    while index < count {
        let wanted = unsafe text[index]
        guard (bytes[range.lowerBound &+ index] ^ wanted) & ~((wanted & 0x40) >> 1) == 0 else { return false }
        index &+= 1
    }
    return true
}

/// Whether `bytes[range]` is exactly `text`.
///
/// - Precondition: `range` lies in the span.
public func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard range.count == count else { return false }
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range leaves the span")
    return unsafe bytes.withUnsafeBytes { all in
        guard count > 0, let base = all.baseAddress else { return true }
        return unsafe memcmp(base + range.lowerBound, text.utf8Start, count) == 0
    }
}

/// Whether `bytes[range]` is exactly `other`.
///
/// - Precondition: `range` lies in the span.
public func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ other: Span<UInt8>) -> Bool {
    let count = other.count
    guard range.count == count else { return false }
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range leaves the span")
    return unsafe bytes.withUnsafeBytes { all in
        unsafe other.withUnsafeBytes { wanted in
            guard count > 0, let base = all.baseAddress, let start = wanted.baseAddress else { return true }
            return unsafe memcmp(base + range.lowerBound, start, count) == 0
        }
    }
}
