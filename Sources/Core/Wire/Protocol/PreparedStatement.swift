import Bytes

/// The SQL that a Prepared-Statement field gives for `name`.
///
/// The value is a comma list of `urlencode(name)=urlencode(sql)`. Nil when the name is not there, when its escapes are
/// broken, and for `$zstd:` values, which only the engine can read.
public func preparedStatement(named name: String, in headerValue: Span<UInt8>) -> [UInt8]? {
    let wanted = Array(name.utf8)
    var start = 0
    while start < headerValue.count {
        let comma = firstIndex(of: 0x2C, in: headerValue, from: start, to: headerValue.count)
        let entry = trimmed(headerValue, start..<(comma < 0 ? headerValue.count : comma))
        start = comma < 0 ? headerValue.count : comma + 1
        let equals = firstIndex(of: 0x3D, in: headerValue, from: entry.lowerBound, to: entry.upperBound)
        guard equals >= 0, urlDecoded(headerValue, entry.lowerBound..<equals) == wanted else { continue }
        guard let sql = urlDecoded(headerValue, equals + 1..<entry.upperBound) else { return nil }
        return sql.starts(with: "$zstd:".utf8) ? nil : sql
    }
    return nil
}

/// The text that `application/x-www-form-urlencoded` bytes stand for; nil when an escape is broken.
func urlDecoded(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
        let byte = bytes[index]
        if byte == 0x25 {
            guard index + 2 < range.upperBound, let high = hexDigit(bytes[index + 1]),
                let low = hexDigit(bytes[index + 2])
            else { return nil }
            text.append(high << 4 | low)
            index += 3
        } else {
            text.append(byte == 0x2B ? 0x20 : byte)
            index += 1
        }
    }
    return text
}

/// The value of one hexadecimal digit.
func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}
