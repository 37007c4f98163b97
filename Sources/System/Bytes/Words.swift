/// Reads the eight bytes at `at` as one little-endian word.
///
/// - Precondition: `bytes[at..<at + 8]` lies in the span.
@inlinable
public func loadWord(_ bytes: Span<UInt8>, at: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
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
