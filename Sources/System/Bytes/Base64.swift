/// Sixteen characters of base64url: eight for the lowest 48 bits of each word, six bits each, the lowest first.
public func base64Characters(of words: SIMD2<UInt64>) -> SIMD2<UInt64> {
    var spread = words
    // 48 bits to two times 24, to four times 12, to eight times 6, each pair of halves twice as far apart as before.
    spread = (spread & 0xFF_FFFF) | ((spread &<< 8) & 0x00FF_FFFF_0000_0000)
    spread = (spread & 0x0000_0FFF_0000_0FFF) | ((spread &<< 4) & 0x0FFF_0000_0FFF_0000)
    spread = (spread & 0x003F_003F_003F_003F) | ((spread &<< 2) & 0x3F00_3F00_3F00_3F00)
    let values = unsafe unsafeBitCast(spread, to: Sixteen.self)
    // A-Z, a-z, 0-9, - and _ without a branch: each step shifts what lies in a later range.
    var characters = values &+ 65
    characters &+= values.atLeast(26) & 6
    characters &-= values.atLeast(52) & 75
    characters &-= values.atLeast(62) & 13
    characters &+= values.atLeast(63) & 49
    return unsafe unsafeBitCast(characters, to: SIMD2<UInt64>.self)
}

/// The two words of 48 bits that sixteen characters of base64url stand for; nil when one is of another alphabet.
public func base64Words(of characters: SIMD2<UInt64>) -> SIMD2<UInt64>? {
    let bytes = unsafe unsafeBitCast(characters, to: Sixteen.self)
    // The ranges of the alphabet and the gaps between them take turns, so a byte of the alphabet has passed an odd
    // number of their beginnings: `valid` is negative there. A byte above ASCII is negative.
    let digits = bytes.atLeast(48)
    let capitals = bytes.atLeast(65)
    let underscore = bytes.atLeast(95)
    let letters = bytes.atLeast(97)
    var valid = digits ^ capitals ^ underscore ^ letters
    valid ^= bytes.marks(from: 45) ^ bytes.marks(from: 46) ^ bytes.marks(from: 58) ^ bytes.marks(from: 91)
    valid ^= bytes.marks(from: 96) ^ bytes.marks(from: 123)
    let invalid = unsafe unsafeBitCast(~valid | bytes, to: SIMD2<UInt64>.self) & 0x8080_8080_8080_8080
    guard invalid[0] | invalid[1] == 0 else { return nil }
    var values = bytes &+ 17
    values &-= digits & 13
    values &-= capitals & 69
    values &+= underscore & 33
    values &-= letters & 39
    var words = unsafe unsafeBitCast(values, to: SIMD2<UInt64>.self)
    words = (words & 0x003F_003F_003F_003F) | ((words &>> 2) & 0x0FC0_0FC0_0FC0_0FC0)
    words = (words & 0x0000_0FFF_0000_0FFF) | ((words &>> 4) & 0x00FF_F000_00FF_F000)
    words = (words & 0xFF_FFFF) | ((words &>> 8) & 0xFFFF_FF00_0000)
    return words
}

extension Sixteen {
    /// -1 where a number that is not negative is `bound` or more, else 0: the shift spreads the mark.
    @inline(__always)
    fileprivate func atLeast(_ bound: UInt8) -> Self { marks(from: bound) &>> 7 }
}
