/// The id by which the gateway names a statement: its number at its owner, and the owner, `00042_bmyr7k2m9`.
///
/// It matches `[_a-z0-9]+`, as an engine's ids do, and its suffix is longer than an engine's five characters. A tag
/// alone gives it, and it alone gives owner and number again.
public func statementID(owner: Owner, statement: UInt64) -> String {
    String(decoding: statementIDBytes(owner: owner, statement: statement), as: UTF8.self)
}

/// The same as bytes: every submission makes one.
public func statementIDBytes(owner: Owner, statement: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    put(statement, digits: 5, zero: 0x30, base: 10, into: &bytes)
    bytes.append(0x5F)
    put(UInt64(owner.counter), digits: 1, zero: 0x61, base: 32, into: &bytes)
    let width = owner.random >> 32 == 0 ? narrow : wide
    put(owner.random, digits: width, zero: 0x61, base: 32, into: &bytes)
    return bytes
}

/// Owner and number of an id that `statementID` made; nil for every other text.
public func readStatementID(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (owner: Owner, statement: UInt64)? {
    guard range.count <= 40 else { return nil }
    var separator = range.lowerBound
    while separator < range.upperBound, bytes[separator] != 0x5F { separator += 1 }
    guard separator < range.upperBound, let number = decimal(bytes, range.lowerBound..<separator) else { return nil }
    let suffix = separator + 1..<range.upperBound
    let width = suffix.count > narrow + narrow ? wide : narrow
    guard suffix.count > width else { return nil }
    let split = suffix.upperBound - width
    guard let counter = readBase32(bytes, suffix.lowerBound..<split), counter <= UInt64(UInt32.max),
        let random = readBase32(bytes, split..<suffix.upperBound)
    else { return nil }
    let owner = Owner(counter: UInt32(counter), random: random)
    let statement = UInt64(number)
    // One statement has one spelling.
    let spelling = statementIDBytes(owner: owner, statement: statement)
    guard spelling.count == range.count else { return nil }
    for offset in 0..<range.count where spelling[offset] != bytes[range.lowerBound + offset] { return nil }
    return (owner, statement)
}

/// Characters of 32 random bits, and as many again for 64, so that the suffix's length tells which it is.
private let narrow = 7
private let wide = 14

/// Puts a number's digits, highest first, filled up with `zero` to at least `digits` of them. Decimal digits begin at
/// `0`; those of base 32 are a-z and then 2-7.
@inline(__always)
private func put(_ value: UInt64, digits: Int, zero: UInt8, base: UInt64, into bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    while rest > 0 || bytes.count - start < digits {
        let digit = UInt8(rest % base)
        bytes.append(digit < 26 ? zero + digit : 0x32 + digit - 26)
        rest /= base
    }
    bytes[start...].reverse()
}

private func readBase32(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for index in range {
        let byte = bytes[index]
        let digit: UInt8
        switch byte {
        case 0x61...0x7A: digit = byte - 0x61
        case 0x32...0x37: digit = byte - 0x32 + 26
        default: return nil
        }
        guard value >> 59 == 0 else { return nil }
        value = value << 5 | UInt64(digit)
    }
    return value
}
