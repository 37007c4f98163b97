import Glibc

/// Finds the first `byte` in `bytes[from..<to]`.
///
/// - Returns: Its index in `bytes`, or -1 when it is not there.
/// - Precondition: `0 <= from`, `to <= bytes.count`; an empty or reversed range holds nothing.
public func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from: Int, to: Int) -> Int {
    guard from < to else { return -1 }
    // What is near is found sooner than memchr is called.
    let near = min(to, from &+ 64)
    let found = search(bytes, from: from, to: near) { $0.marks(of: byte) }
    if found < near { return found }
    guard near < to else { return -1 }
    precondition(to <= bytes.count, "the range leaves the span")
    return unsafe bytes.withUnsafeBytes { all in
        guard let base = all.baseAddress, let found = unsafe memchr(base + near, Int32(byte), to - near) else {
            return -1
        }
        return unsafe UnsafeRawPointer(found) - base
    }
}

/// Finds the first byte of `bytes[from..<to]` that is marked, sixteen at a time; `to` when none is.
///
/// - Parameter mark: Of sixteen bytes those that are sought, by turning their highest bit on and that of the others off;
///   the other bits of each byte may be what they like.
/// - Precondition: `0 <= from <= to <= bytes.count`
@inlinable
@inline(__always)
public func search(_ bytes: Span<UInt8>, from: Int, to: Int, _ mark: (Sixteen) -> Sixteen) -> Int {
    precondition(from >= 0 && from <= to && to <= bytes.count, "the range leaves the span")
    var index = from
    // Up to here sixteen bytes can be read: what lies behind the range does not count.
    let whole = min(to, bytes.count &- 15)
    if index < whole {
        let found = unsafe bytes.withUnsafeBytes { all -> Int in
            guard let base = all.baseAddress else { return to }
            repeat {
                let place = firstMark(mark(unsafe base.loadUnaligned(fromByteOffset: index, as: Sixteen.self)))
                if place < 16 { return min(to, index &+ place) }
                index &+= 16
            } while index < whole
            return -1
        }
        if found >= 0 { return found }
    }
    guard index < to else { return to }
    let low = loadWord(bytes, at: index, count: min(8, to &- index))
    let high = to &- index > 8 ? loadWord(bytes, at: index &+ 8, count: to &- index &- 8) : 0
    let last = unsafe unsafeBitCast(SIMD2(low.littleEndian, high.littleEndian), to: Sixteen.self)
    return min(to, index &+ firstMark(mark(last)))
}

/// Sixteen bytes, whose arithmetic takes one instruction; one above ASCII is negative.
public typealias Sixteen = SIMD16<Int8>

/// Marks for `search`. The bounds and the bytes sought are ASCII.
extension Sixteen {
    /// Marks the bytes that are `byte`.
    @inlinable
    @inline(__always)
    public func marks(of byte: UInt8) -> Self {
        let difference: Self = self ^ Int8(truncatingIfNeeded: byte)
        return (difference &- 1) & ~difference
    }

    /// Marks the bytes below `bound`.
    @inlinable
    @inline(__always)
    public func marks(below bound: UInt8) -> Self {
        let difference: Self = self &- Int8(truncatingIfNeeded: bound)
        return difference & ~self
    }

    /// Marks the bytes of ASCII that are `bound` or more; those above ASCII may be marked or not.
    @inlinable
    @inline(__always)
    public func marks(from bound: UInt8) -> Self {
        self &+ Int8(truncatingIfNeeded: 128 &- Int(bound))
    }
}

/// The first byte whose highest bit is on; 16 or more when there is none.
@inlinable
@inline(__always)
func firstMark(_ marks: Sixteen) -> Int {
    let words = unsafe unsafeBitCast(marks, to: SIMD2<UInt64>.self) & 0x8080_8080_8080_8080
    let low = words[0].littleEndian
    if low != 0 { return low.trailingZeroBitCount >> 3 }
    let high = words[1].littleEndian
    return high != 0 ? 8 &+ high.trailingZeroBitCount >> 3 : 16
}
