/// The id of a statement as it goes into heads: the last `bytes.count - start` of these.
public struct StatementIDText: Sendable {
    /// Where the id begins.
    public var start: Int
    /// The id at their end.
    public var bytes: InlineArray<40, UInt8>

    /// The id's bytes.
    public var range: Range<Int> { start..<40 }
}

/// The id by which the gateway names a statement: its number at its owner, and the owner, `00042_bmyr7k2m9`.
///
/// It matches `[_a-z0-9]+`, as an engine's ids do, and its suffix is longer than an engine's five characters. A tag
/// alone gives it, and it alone gives owner and number again.
public func statementID(owner: Owner, statement: UInt64) -> String {
    let text = statementIDText(owner: owner, statement: statement)
    // Its characters are ASCII.
    return (try? String(copying: UTF8Span(validating: text.bytes.span.extracting(text.range)))) ?? ""
}

/// The same as bytes: every answer carries one. It is written from its end, as digits come.
public func statementIDText(owner: Owner, statement: UInt64) -> StatementIDText {
    var text = StatementIDText(start: 40, bytes: InlineArray(repeating: 0))
    text.put(base32: owner.random, digits: owner.random >> 32 == 0 ? narrow : wide)
    text.put(base32: UInt64(owner.counter), digits: 1)
    text.put(0x5F)
    var rest = statement
    var digits = 5
    repeat {
        text.put(0x30 + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
        digits -= 1
    } while rest > 0 || digits > 0
    return text
}

extension StatementIDText {
    fileprivate mutating func put(_ byte: UInt8) {
        start -= 1
        bytes[start] = byte
    }

    /// Puts a number's digits, filled up with zeroes to at least so many; they are a-z and then 2-7.
    fileprivate mutating func put(base32 value: UInt64, digits: Int) {
        var rest = value
        var missing = digits
        while rest > 0 || missing > 0 {
            let digit = UInt8(truncatingIfNeeded: rest & 31)
            put(digit < 26 ? 0x61 + digit : 0x18 + digit)
            rest >>= 5
            missing -= 1
        }
    }
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
    let spelling = statementIDText(owner: owner, statement: statement)
    guard spelling.range.count == range.count else { return nil }
    for offset in 0..<range.count where spelling.bytes[spelling.start + offset] != bytes[range.lowerBound + offset] {
        return nil
    }
    return (owner, statement)
}

/// Characters of 32 random bits, and as many again for 64, so that the suffix's length tells which it is.
private let narrow = 7
private let wide = 14

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
