import Bytes

/// A fast hash of 64 bits over bytes that come in pieces; where they are cut changes nothing.
///
/// Two texts of one length that differ within one word of eight bytes never have the same value. It resists accident,
/// not intent.
struct StreamHash: Sendable {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    /// Bytes that do not fill a word yet, the first lowest.
    private var pending: UInt64 = 0
    private var length = 0

    /// Takes `bytes[range]`.
    mutating func absorb(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound, length & 7 != 0 {
            absorb(bytes[index])
            index &+= 1
        }
        while index &+ 8 <= range.upperBound {
            state = mixed(state, loadWord(bytes, at: index))
            length &+= 8
            index &+= 8
        }
        while index < range.upperBound {
            absorb(bytes[index])
            index &+= 1
        }
    }

    /// Nothing was absorbed yet.
    var isEmpty: Bool { length == 0 }

    /// The hash of all bytes so far.
    var value: UInt64 { mixed(mixed(state, pending), UInt64(truncatingIfNeeded: length)) }

    private mutating func absorb(_ byte: UInt8) {
        pending |= UInt64(byte) << UInt64(8 &* (length & 7))
        length &+= 1
        guard length & 7 == 0 else { return }
        state = mixed(state, pending)
        pending = 0
    }
}

/// One word more; for a given word no two states give the same, nor for a given state two words.
@inline(__always)
private func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let product = (state ^ word) &* 0xD6E8_FEB8_6659_FD93
    return product ^ (product >> 32)
}
