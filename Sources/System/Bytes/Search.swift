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
    // As long as sixteen bytes can be read: what lies behind the range does not count.
    let whole = min(to, bytes.count &- 15)
    var index = from
    if index < whole {
        let found = unsafe bytes.withUnsafeBytes { all -> Int in
            guard let base = all.baseAddress else { return 16 }
            repeat {
                let place = firstMark(mark(unsafe base.loadUnaligned(fromByteOffset: index, as: Sixteen.self)))
                if place < 16 { return place }
                index &+= 16
            } while index < whole
            return 16
        }
        if found < 16 { return min(to, index &+ found) }
    }
    guard index < to else { return to }
    return min(to, index &+ firstMark(mark(loadLast(bytes, at: index))))
}

/// Goes through `bytes[from...]` sixteen at a time; what is behind their end reads as 0.
///
/// - Parameter take: Gets sixteen bytes and the index of the first; what is not negative ends the walk.
/// - Returns: What ended the walk, or the end of `bytes`.
/// - Precondition: `0 <= from <= bytes.count`
@inlinable
@inline(__always)
public func forEachSixteen(_ bytes: Span<UInt8>, from: Int, _ take: (Sixteen, Int) -> Int) -> Int {
    precondition(from >= 0 && from <= bytes.count, "the range leaves the span")
    var index = from
    while index < bytes.count {
        let sixteen =
            index &+ 16 <= bytes.count
            ? unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: Sixteen.self)
            : loadLast(bytes, at: index)
        let end = take(sixteen, index)
        if end >= 0 { return end }
        index &+= 16
    }
    return bytes.count
}

/// The marks of sixteen bytes as two words, the first byte lowest: of each byte the highest bit, and no other.
@inlinable
@inline(__always)
public func markWords(_ marks: Sixteen) -> (UInt64, UInt64) {
    let words = unsafe unsafeBitCast(marks, to: SIMD2<UInt64>.self) & 0x8080_8080_8080_8080
    return (words[0].littleEndian, words[1].littleEndian)
}

/// Reads the fewer than seventeen bytes from `at` on; those behind the end of `bytes` are 0.
@usableFromInline
func loadLast(_ bytes: Span<UInt8>, at: Int) -> Sixteen {
    let count = bytes.count &- at
    var words: SIMD2<UInt64>
    if bytes.count >= 16 {
        // Those before them are shifted out.
        words = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: bytes.count &- 16, as: SIMD2<UInt64>.self)
        let low = words[0].littleEndian
        let high = words[1].littleEndian
        let unwanted = UInt64(truncatingIfNeeded: 8 &* (16 &- count))
        words[0] = unwanted < 64 ? low &>> unwanted | high << (64 &- unwanted) : high &>> (unwanted &- 64)
        words[1] = high >> unwanted
    } else {
        words = SIMD2(
            loadWord(bytes, at: at, count: min(8, count)),
            count > 8 ? loadWord(bytes, at: at &+ 8, count: count &- 8) : 0)
    }
    return unsafe unsafeBitCast(SIMD2(words[0].littleEndian, words[1].littleEndian), to: Sixteen.self)
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

/// Whether the highest bit of any byte is on.
@inlinable
@inline(__always)
public func hasMark(_ marks: Sixteen) -> Bool {
    let (first, second) = markWords(marks)
    return first | second != 0
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
