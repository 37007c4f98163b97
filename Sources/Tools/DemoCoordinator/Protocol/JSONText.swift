/// Appends JSON to bytes, written as Trino's Jackson writes it: no blanks, no escaped `/`, text beyond ASCII as it is.
extension [UInt8] {
    mutating func append(json text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0x0A: append(ascii: "\\n")
            case 0x0D: append(ascii: "\\r")
            case 0x09: append(ascii: "\\t")
            case 0x08: append(ascii: "\\b")
            case 0x0C: append(ascii: "\\f")
            case 0..<0x20:
                let digits = Array("0123456789ABCDEF".utf8)
                append(ascii: "\\u00")
                append(digits[Int(byte >> 4)])
                append(digits[Int(byte & 15)])
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    mutating func append(ascii text: String) {
        append(contentsOf: text.utf8)
    }

    /// `"name":`, with a comma before it unless it opens an object.
    mutating func append(member name: String) {
        if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
        append(json: name)
        append(UInt8(ascii: ":"))
    }

    mutating func append(member name: String, _ text: String?) {
        guard let text else { return }
        append(member: name)
        append(json: text)
    }

    mutating func append(member name: String, _ number: (some BinaryInteger)?) {
        guard let number else { return }
        append(member: name)
        append(ascii: String(number))
    }

    mutating func append(member name: String, _ flag: Bool) {
        append(member: name)
        append(ascii: flag ? "true" : "false")
    }

    mutating func append(member name: String, decimal number: Double) {
        append(member: name)
        append(ascii: String(number))
    }
}
