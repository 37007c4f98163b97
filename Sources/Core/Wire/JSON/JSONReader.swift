/// What a `JSONReader` meets.
public enum JSONToken: Equatable, Sendable {
    case beginObject, endObject, beginArray, endArray
    /// The name of a member; its value follows.
    case key(String)
    case string(String)
    /// A number as it was written.
    case number(String)
    case bool(Bool)
    case null
    /// The document is over.
    case end
}

/// Why a JSON document cannot be read.
public struct JSONError: Error, Equatable, Sendable {
    /// What was wrong.
    public enum Reason: Equatable, Sendable {
        /// The bytes end within the document.
        case cut
        /// A byte that cannot stand there.
        case unexpected
        /// Objects and arrays within one another deeper than the reader's bound.
        case tooDeep
    }

    /// What was wrong.
    public var reason: Reason
    /// At which byte.
    public var offset: Int
}

/// Reads a JSON document token by token, for the paths that are not hot.
///
/// The grammar is RFC 8259's. Nothing is kept of what was read; members may come twice.
public struct JSONReader: Sendable {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var index = 0
    /// For each open container whether it is an object.
    private var containers: [Bool] = []
    private var expected = Expected.value

    private enum Expected {
        /// A value.
        case value
        /// A value, or the end of an array that has just begun.
        case firstElement
        /// A key, or the end of an object that has just begun.
        case firstKey
        /// A comma or the end of the container; at the outside the end.
        case separator
    }

    /// A reader of `bytes`, which may nest `maximumDepth` containers.
    public init(_ bytes: [UInt8], maximumDepth: Int = 128) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// The next token.
    public mutating func next() throws(JSONError) -> JSONToken {
        skipBlanks()
        switch expected {
        case .value:
            return try value()
        case .firstElement:
            if peek() == UInt8(ascii: "]") { return close(.endArray) }
            return try value()
        case .firstKey:
            if peek() == UInt8(ascii: "}") { return close(.endObject) }
            return try key()
        case .separator:
            guard let isObject = containers.last else {
                guard index == bytes.count else { throw JSONError(reason: .unexpected, offset: index) }
                return .end
            }
            guard let byte = peek() else { throw JSONError(reason: .cut, offset: index) }
            if byte == UInt8(ascii: isObject ? "}" : "]") { return close(isObject ? .endObject : .endArray) }
            guard byte == UInt8(ascii: ",") else { throw JSONError(reason: .unexpected, offset: index) }
            index += 1
            skipBlanks()
            return isObject ? try key() : try value()
        }
    }

    /// Reads over the value that comes next, whatever it is.
    public mutating func skipValue() throws(JSONError) {
        let depth = containers.count
        repeat {
            _ = try next()
        } while containers.count > depth
    }

    private func peek() -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private mutating func skipBlanks() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func close(_ token: JSONToken) -> JSONToken {
        index += 1
        containers.removeLast()
        expected = .separator
        return token
    }

    private mutating func open(isObject: Bool) throws(JSONError) -> JSONToken {
        guard containers.count < maximumDepth else { throw JSONError(reason: .tooDeep, offset: index) }
        index += 1
        containers.append(isObject)
        expected = isObject ? .firstKey : .firstElement
        return isObject ? .beginObject : .beginArray
    }

    private mutating func key() throws(JSONError) -> JSONToken {
        let name = try text()
        skipBlanks()
        guard let colon = peek() else { throw JSONError(reason: .cut, offset: index) }
        guard colon == UInt8(ascii: ":") else { throw JSONError(reason: .unexpected, offset: index) }
        index += 1
        expected = .value
        return .key(name)
    }

    private mutating func value() throws(JSONError) -> JSONToken {
        guard let byte = peek() else { throw JSONError(reason: .cut, offset: index) }
        switch byte {
        case UInt8(ascii: "{"): return try open(isObject: true)
        case UInt8(ascii: "["): return try open(isObject: false)
        case UInt8(ascii: "\""):
            let text = try text()
            expected = .separator
            return .string(text)
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func literal(_ word: String, _ token: JSONToken) throws(JSONError) -> JSONToken {
        for byte in word.utf8 {
            guard let found = peek() else { throw JSONError(reason: .cut, offset: index) }
            guard found == byte else { throw JSONError(reason: .unexpected, offset: index) }
            index += 1
        }
        expected = .separator
        return token
    }

    private mutating func number() throws(JSONError) -> JSONToken {
        let start = index
        if peek() == UInt8(ascii: "-") { index += 1 }
        let whole = index
        try digits()
        if bytes[whole] == UInt8(ascii: "0"), index > whole + 1 {
            throw JSONError(reason: .unexpected, offset: whole + 1)
        }
        if peek() == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
            index += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        expected = .separator
        return .number(String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        let start = index
        while let byte = peek(), (0x30...0x39).contains(byte) { index += 1 }
        guard index > start else {
            throw JSONError(reason: index == bytes.count ? .cut : .unexpected, offset: index)
        }
    }

    private mutating func text() throws(JSONError) -> String {
        guard let quote = peek() else { throw JSONError(reason: .cut, offset: index) }
        guard quote == UInt8(ascii: "\"") else { throw JSONError(reason: .unexpected, offset: index) }
        let start = index + 1
        let end = closingQuote(bytes.span, from: start).end
        guard end >= 0 else { throw JSONError(reason: .cut, offset: bytes.count) }
        for offset in start..<end where bytes[offset] < 0x20 {
            throw JSONError(reason: .unexpected, offset: offset)
        }
        guard let text = unescaped(bytes.span, start..<end) else {
            throw JSONError(reason: .unexpected, offset: start)
        }
        index = end + 1
        return String(decoding: text, as: UTF8.self)
    }
}
