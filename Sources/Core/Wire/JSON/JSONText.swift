import Bytes

/// The quote that ends the JSON string whose first byte is at `from`, or -1 when it is not in `bytes`; and whether a
/// backslash stands before it.
func closingQuote(_ bytes: Span<UInt8>, from: Int) -> (end: Int, isEscaped: Bool) {
    var index = from
    var isEscaped = false
    while index < bytes.count {
        index = search(bytes, from: index, to: bytes.count, marksOfStringEnds)
        guard index < bytes.count else { break }
        if bytes[index] == 0x22 { return (index, isEscaped) }
        isEscaped = true
        index &+= 2
    }
    return (-1, isEscaped)
}

/// Marks quotes and backslashes.
@inline(__always)
private func marksOfStringEnds(_ bytes: Sixteen) -> Sixteen {
    bytes.marks(of: 0x22) | bytes.marks(of: 0x5C)
}

/// The bytes that the inside of a JSON string stands for, in UTF-8; nil when an escape is broken.
///
/// Surrogate pairs become one character; a lone surrogate becomes U+FFFD.
public func unescaped(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
        let byte = bytes[index]
        guard byte == 0x5C else {
            text.append(byte)
            index += 1
            continue
        }
        guard index + 1 < range.upperBound else { return nil }
        let escape = bytes[index + 1]
        index += 2
        switch escape {
        case 0x22, 0x2F, 0x5C: text.append(escape)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75:
            guard let unit = codeUnit(bytes, index, range.upperBound) else { return nil }
            index += 4
            var scalar = UInt32(unit)
            if (0xD800...0xDBFF).contains(unit), index + 6 <= range.upperBound, bytes[index] == 0x5C,
                bytes[index + 1] == 0x75, let low = codeUnit(bytes, index + 2, range.upperBound),
                (0xDC00...0xDFFF).contains(low)
            {
                scalar = 0x10000 + ((UInt32(unit) - 0xD800) << 10) + (UInt32(low) - 0xDC00)
                index += 6
            }
            text.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        default: return nil
        }
    }
    return text
}

private func codeUnit(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt16? {
    guard start + 4 <= end else { return nil }
    var unit: UInt16 = 0
    for index in start..<start + 4 {
        guard let digit = hexDigit(bytes[index]) else { return nil }
        unit = unit << 4 | UInt16(digit)
    }
    return unit
}

/// Appends `text` as a JSON string with its quotes. Only what must be escaped is; `/` stays as it is.
public func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(0x22)
    for byte in text.utf8 {
        switch byte {
        case 0x22, 0x5C: bytes.append(contentsOf: [0x5C, byte])
        case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
        case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
        case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
        default: bytes.append(byte)
        }
    }
    bytes.append(0x22)
}
