import Bytes

/// SipHash-2-4 with 128 bits of result, after the reference implementation of Aumasson and Bernstein.
struct SipHash: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// Bytes absorbed so far, all of them in whole words.
    private var length = 0

    init(key0: UInt64, key1: UInt64) {
        v0 = key0 ^ 0x736F_6D65_7073_6575
        v1 = key1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        v2 = key0 ^ 0x6C79_6765_6E65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    /// Absorbs eight bytes, given as a little-endian word.
    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        mix(word)
        length &+= 8
    }

    /// Absorbs `bytes[range]`, which ends the message, and gives the digest as two little-endian words.
    @inline(__always)
    mutating func finish(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (UInt64, UInt64) {
        let tail = absorb(words: bytes, range)
        return finish(tail: bytes, tail)
    }

    /// Absorbs the whole words of `bytes[range]`; what is left of it has fewer than eight bytes.
    @inline(__always)
    mutating func absorb(words bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var index = range.lowerBound
        while index &+ 8 <= range.upperBound {
            mix(loadWord(bytes, at: index))
            index &+= 8
        }
        length &+= index &- range.lowerBound
        return index..<range.upperBound
    }

    /// Absorbs `bytes[tail]`, which has fewer than eight bytes and ends the message.
    @inline(__always)
    mutating func finish(tail bytes: Span<UInt8>, _ range: Range<Int>) -> (UInt64, UInt64) {
        let tail = loadWord(bytes, at: range.lowerBound, count: range.count)
        mix(UInt64(truncatingIfNeeded: length &+ range.count) << 56 | tail)
        v2 ^= 0xEE
        for _ in 0..<4 { round() }
        let first = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xDD
        for _ in 0..<4 { round() }
        return (first, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = (v1 << 13) | (v1 >> 51)
        v1 ^= v0
        v0 = (v0 << 32) | (v0 >> 32)
        v2 &+= v3
        v3 = (v3 << 16) | (v3 >> 48)
        v3 ^= v2
        v0 &+= v3
        v3 = (v3 << 21) | (v3 >> 43)
        v3 ^= v0
        v2 &+= v1
        v1 = (v1 << 17) | (v1 >> 47)
        v1 ^= v2
        v2 = (v2 << 32) | (v2 >> 32)
    }
}
