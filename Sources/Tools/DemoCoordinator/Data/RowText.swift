import SQLite

extension [UInt8] {
    /// Appends a value as the protocol writes one of that type.
    mutating func append(_ value: Value, as type: ColumnType, hasParametricTimes: Bool) {
        switch value {
        case .null:
            append(ascii: "null")
        case .integer(let number):
            switch type.name {
            case "boolean": append(ascii: number == 0 ? "false" : "true")
            case "varchar", "char", "date", "timestamp": append(json: String(number))
            case "double", "real": append(number: Double(number))
            case "decimal": append(json: decimalText(Double(number), scale: type.arguments.last ?? 0))
            default: append(ascii: String(number))
            }
        case .real(let number):
            switch type.name {
            case "decimal": append(json: decimalText(number, scale: type.arguments.last ?? 0))
            case "varchar", "char": append(json: String(number))
            default:
                if type.isWhole, let whole = Int64(exactly: number) {
                    append(ascii: String(whole))
                } else {
                    append(number: number)
                }
            }
        case .text(let text):
            if type.isTime {
                append(json: timeText(text, digits: hasParametricTimes ? type.arguments.first ?? 3 : 3))
            } else {
                append(json: text)
            }
        case .blob(let bytes):
            append(json: base64(bytes))
        }
    }

    /// JSON has no infinities and no NaN: they are strings.
    private mutating func append(number: Double) {
        if number.isNaN {
            append(ascii: "\"NaN\"")
        } else if number.isInfinite {
            append(ascii: number < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        } else {
            append(ascii: String(number))
        }
    }
}

/// `1.1` with two decimals is `1.10`.
private func decimalText(_ number: Double, scale: Int) -> String {
    let scale = max(0, min(scale, 15))
    var factor = 1.0
    for _ in 0..<scale { factor *= 10 }
    guard let shifted = Int64(exactly: (number * factor).rounded()) else { return String(number) }
    if scale == 0 { return String(shifted) }
    let digits = padded(Int(shifted.magnitude), scale + 1)
    return (shifted < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
}

/// A time's text with exactly so many digits of its second.
private func timeText(_ text: String, digits: Int) -> String {
    let parts = text.split(separator: ".", maxSplits: 1)
    let whole = parts.first.map(String.init) ?? text
    let full = whole.count == 10 && whole.contains("-") ? whole + " 00:00:00" : whole
    guard digits > 0 else { return full }
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    return full + "." + fraction.prefix(digits) + String(repeating: "0", count: Swift.max(0, digits - fraction.count))
}

private func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let part = bytes[start..<min(start + 3, bytes.count)]
        let word = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
        for index in 0..<4 {
            text.append(index <= part.count ? alphabet[word >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
