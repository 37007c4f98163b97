import Glibc

/// Whether `bytes[range]` is `lowercased` when the case of ASCII letters is ignored.
///
/// `lowercased` consists of small letters, digits and `-` `/` `.` `=` `:`; each of those matches itself alone. Of a
/// literal nothing but the comparison of words is left in the code.
/// - Precondition: `range` lies in the span.
@inlinable
@inline(__always)
public func equalsIgnoringCase(_ bytes: Span<UInt8>, _ range: Range<Int>, _ lowercased: StaticString) -> Bool {
    // Only the bit of the case may differ, and only under a letter (the bytes with bit 6 set).
    matches(bytes, range, lowercased) { ($0 ^ $1) & ~(($1 & 0x4040_4040_4040_4040) >> 1) }
}

/// Whether `bytes[range]` is exactly `text`.
///
/// - Precondition: `range` lies in the span.
@inlinable
@inline(__always)
public func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    matches(bytes, range, text) { $0 ^ $1 }
}

/// Whether `bytes[range]` is as long as `text` and no word of it differs; the last word may overlap the one before.
@inlinable
@inline(__always)
func matches(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString, _ difference: (UInt64, UInt64) -> UInt64
) -> Bool {
    let count = text.utf8CodeUnitCount
    guard range.count == count else { return false }
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range leaves the span")
    guard count > 0 else { return true }
    return unsafe bytes.withUnsafeBytes { all in
        let wanted = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: count)
        func differs<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Word.Type) -> Bool {
            let found = unsafe all.loadUnaligned(fromByteOffset: range.lowerBound &+ offset, as: Word.self)
            let word = unsafe wanted.loadUnaligned(fromByteOffset: offset, as: Word.self)
            return difference(
                UInt64(truncatingIfNeeded: Word(littleEndian: found)),
                UInt64(truncatingIfNeeded: Word(littleEndian: word))) != 0
        }
        if count >= 8 {
            var offset = 0
            while offset &+ 8 < count {
                if differs(offset, UInt64.self) { return false }
                offset &+= 8
            }
            return !differs(count &- 8, UInt64.self)
        }
        if count >= 4 { return !differs(0, UInt32.self) && !differs(count &- 4, UInt32.self) }
        if count >= 2 { return !differs(0, UInt16.self) && !differs(count &- 2, UInt16.self) }
        return !differs(0, UInt8.self)
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
