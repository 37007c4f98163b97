/// The id by which the gateway names a statement: its number at its owner, and the owner, `00042_bmyr7k2m9`.
///
/// It matches `[_a-z0-9]+`, as an engine's ids do, and its suffix is longer than an engine's five characters. A tag
/// alone gives it, and it alone gives owner and number again.
public func statementID(owner: Owner, statement: UInt64) -> String {
    let number = String(statement)
    let zeros = String(repeating: "0", count: max(0, 5 - number.count))
    let width = owner.random >> 32 == 0 ? narrow : wide
    return zeros + number + "_" + base32(UInt64(owner.counter), width: 1) + base32(owner.random, width: width)
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
    let spelling = Array(statementID(owner: owner, statement: statement).utf8)
    guard spelling.count == range.count else { return nil }
    for offset in 0..<range.count where spelling[offset] != bytes[range.lowerBound + offset] { return nil }
    return (owner, statement)
}

/// Characters of 32 random bits, and as many again for 64, so that the suffix's length tells which it is.
private let narrow = 7
private let wide = 14

/// `value` in the digits a-z, 2-7, highest first, filled up with `a` to `width`.
private func base32(_ value: UInt64, width: Int) -> String {
    var digits: [UInt8] = []
    var rest = value
    while rest > 0 || digits.count < width {
        let digit = UInt8(rest & 31)
        digits.append(digit < 26 ? 0x61 + digit : 0x32 + digit - 26)
        rest >>= 5
    }
    return String(decoding: digits.reversed(), as: UTF8.self)
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
