import Bytes

/// What a token of SQL text is. Keywords are words: which word is a keyword depends on where it stands.
public enum TokenKind: UInt8, Sendable {
    /// An unquoted name or keyword.
    case word
    /// A name in double quotes or backquotes, its quotes included; a doubled quote stands for one.
    case quotedName
    /// A string: `'...'`, `U&'...'`, `X'...'`, `$$...$$`, its quotes and prefix included.
    case string
    /// A number, with its fraction and exponent.
    case number
    /// `?`, the place of a parameter.
    case parameter
    /// One byte of anything else: an operator, a bracket, a byte that SQL does not know.
    case symbol
    /// A string, quoted name or comment that the text ends within.
    case unfinished
    /// The end of the text, or of the part that is looked at.
    case end
}

/// One token: its kind and the range of its bytes.
public struct Token: Equatable, Sendable {
    /// What it is.
    public let kind: TokenKind
    /// Where its first byte stands.
    public let start: Int
    /// Where the byte after its last one stands.
    public let end: Int

    /// The range of its bytes.
    public var range: Range<Int> { start..<end }
}

/// Cuts SQL text into tokens as Trino and Presto do: white space and comments (`--` to the end of the line,
/// `/* */` that do not nest) stand between tokens and are skipped.
///
/// It takes any bytes, never traps, keeps nothing but two positions, and each call moves on by at least a byte
/// until it answers `end`.
public struct Lexer: Sendable {
    private var position: Int
    private let limit: Int

    /// A lexer that starts at `start` and sees nothing from `limit` on.
    public init(from start: Int = 0, limit: Int) {
        position = max(0, start)
        self.limit = limit
    }

    /// The next token of `text`, which is the same at every call.
    public mutating func next(_ text: Span<UInt8>) -> Token {
        let limit = min(limit, text.count)
        let start = skipSpace(text, limit)
        if start >= limit {
            // A comment that is not closed ends the text, but is no end that a statement may have.
            let unfinished = position < limit
            defer { position = limit }
            return Token(kind: unfinished ? .unfinished : .end, start: min(position, limit), end: limit)
        }
        let (kind, end) = token(text, start, limit)
        position = end
        return Token(kind: kind, start: start, end: end)
    }

    /// Where the next token begins: `limit` where none does, with `position` left at a comment that is not closed.
    private mutating func skipSpace(_ text: Span<UInt8>, _ limit: Int) -> Int {
        while position < limit {
            let byte = text[position]
            if byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) {
                position += 1
                continue
            }
            guard byte == UInt8(ascii: "-") || byte == UInt8(ascii: "/"), position + 1 < limit else { break }
            let next = text[position + 1]
            if byte == UInt8(ascii: "-"), next == UInt8(ascii: "-") {
                while position < limit, text[position] != 0x0A, text[position] != 0x0D { position += 1 }
            } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                var index = position + 2
                while index + 1 < limit, text[index] != UInt8(ascii: "*") || text[index + 1] != UInt8(ascii: "/") {
                    index += 1
                }
                if index + 1 >= limit { return limit }
                position = index + 2
            } else {
                break
            }
        }
        return position
    }

    private func token(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> (TokenKind, Int) {
        let byte = text[start]
        let next: UInt8 = start + 1 < limit ? text[start + 1] : 0
        // Nearly all that follows is about what a quote stands behind.
        if isLetter(byte), next != UInt8(ascii: "'"), next != UInt8(ascii: "&") {
            return (.word, endOfWord(text, start, limit))
        }
        switch byte {
        case UInt8(ascii: "'"):
            return quoted(text, start, limit, .string)
        case UInt8(ascii: "\""), UInt8(ascii: "`"):
            return quoted(text, start, limit, .quotedName)
        case UInt8(ascii: "?"):
            return (.parameter, start + 1)
        case UInt8(ascii: "$") where next == byte:
            return dollarString(text, start, limit)
        case UInt8(ascii: "x") where next == UInt8(ascii: "'"), UInt8(ascii: "X") where next == UInt8(ascii: "'"):
            return quoted(text, start + 1, limit, .string)
        case UInt8(ascii: "u") where next == UInt8(ascii: "&"), UInt8(ascii: "U") where next == UInt8(ascii: "&"):
            if start + 2 < limit, text[start + 2] == UInt8(ascii: "'") {
                return quoted(text, start + 2, limit, .string)
            }
            return (.word, start + 1)
        case UInt8(ascii: "."):
            return isDigit(next) ? number(text, start, limit) : (.symbol, start + 1)
        default:
            if isDigit(byte) { return number(text, start, limit) }
            if isLetter(byte) { return (.word, endOfWord(text, start, limit)) }
            return (.symbol, start + 1)
        }
    }

    /// A string or name whose opening quote stands at `open`; a doubled quote does not close it.
    private func quoted(_ text: Span<UInt8>, _ open: Int, _ limit: Int, _ kind: TokenKind) -> (TokenKind, Int) {
        let quote = text[open]
        var index = open + 1
        while index < limit {
            if text[index] == quote {
                if index + 1 < limit, text[index + 1] == quote {
                    index += 1
                } else {
                    return (kind, index + 1)
                }
            }
            index += 1
        }
        return (.unfinished, limit)
    }

    private func dollarString(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> (TokenKind, Int) {
        let dollar = UInt8(ascii: "$")
        var index = start + 2
        while index + 1 < limit {
            if text[index] == dollar, text[index + 1] == dollar { return (.string, index + 2) }
            index += 1
        }
        return (.unfinished, limit)
    }

    /// `12`, `1_000`, `1.5`, `.5`, `1e-7`, `0xFF`; a name that begins with a digit is one token with it.
    private func number(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> (TokenKind, Int) {
        var index = start
        var seenPoint = false
        while index < limit {
            let byte = text[index]
            if isDigit(byte) || isLetter(byte) {
                index += 1
                let exponent = byte | 0x20 == UInt8(ascii: "e")
                if exponent, index + 1 < limit, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+"),
                    isDigit(text[index + 1])
                {
                    index += 1
                }
            } else if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
                index += 1
            } else {
                break
            }
        }
        return (.number, index)
    }

    /// Where the word ends that begins at `start`, eight bytes at a time.
    private func endOfWord(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> Int {
        var index = start
        while index &+ 8 <= limit {
            let others = bytesOutsideWords(loadWord(text, at: index))
            if others != 0 { return index &+ others.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < limit, isLetter(text[index]) || isDigit(text[index]) { index &+= 1 }
        return index
    }
}

@inline(__always)
private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") }

/// The highest bit of each of eight bytes that is no letter, digit or underscore.
private func bytesOutsideWords(_ bytes: UInt64) -> UInt64 {
    let lowBits: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let plain = bytes & lowBits
    let lowered = (bytes | 0x2020_2020_2020_2020) & lowBits
    // What reaches the beginning of a range carries into the highest bit, and so does what reaches its end.
    let letters = (lowered &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(lowered &+ 0x0505_0505_0505_0505)
    let digits = (plain &+ 0x5050_5050_5050_5050) & ~(plain &+ 0x4646_4646_4646_4646)
    let underscores = ~((plain ^ 0x5F5F_5F5F_5F5F_5F5F) &+ lowBits)
    // What is beyond ASCII belongs to no word.
    return (~(letters | digits | underscores) | bytes) & ~lowBits
}
