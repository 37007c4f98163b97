/// Reads the eight bytes at `at` as one little-endian word.
///
/// - Precondition: `bytes[at..<at + 8]` lies in the span.
@inlinable
public func loadWord(_ bytes: Span<UInt8>, at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
}

/// The first eight bytes of a literal as one little-endian word; of a shorter one the other bytes are 0. Nothing but the
/// word is left in the code.
@inlinable
@inline(__always)
public func loadWord(_ text: StaticString) -> UInt64 {
    let bytes = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    func part<Part: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Part.Type) -> UInt64 {
        let part = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Part.self)
        return UInt64(truncatingIfNeeded: Part(littleEndian: part)) &<< UInt64(8 &* offset)
    }
    let count = text.utf8CodeUnitCount
    if count >= 8 { return part(0, UInt64.self) }
    if count >= 4 { return part(0, UInt32.self) | part(count &- 4, UInt32.self) }
    if count >= 2 { return part(0, UInt16.self) | part(count &- 2, UInt16.self) }
    return count == 1 ? part(0, UInt8.self) : 0
}

/// Reads the `count` bytes at `at`, at most eight, as one little-endian word whose other bytes are 0.
///
/// - Precondition: `bytes[at..<at + count]` lies in the span.
@inlinable
public func loadWord(_ bytes: Span<UInt8>, at: Int, count: Int) -> UInt64 {
    precondition(at >= 0 && count >= 0 && count <= 8 && at <= bytes.count &- count, "the word leaves the span")
    guard count > 0 else { return 0 }
    let unwanted = UInt64(truncatingIfNeeded: 64 &- 8 &* count)
    // Eight bytes are read where there are eight: those behind the wanted ones are shifted out, or those before them.
    if at &+ 8 <= bytes.count { return (loadWord(bytes, at: at) &<< unwanted) &>> unwanted }
    if at &+ count >= 8 { return loadWord(bytes, at: at &+ count &- 8) &>> unwanted }
    var word: UInt64 = 0
    for offset in 0..<count { word |= UInt64(bytes[at &+ offset]) << UInt64(8 &* offset) }
    return word
}
