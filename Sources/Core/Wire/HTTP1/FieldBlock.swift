import Bytes

/// The header lines of a request or a response, read one by one, and what they say of the message's framing.
struct FieldBlock: Sendable {
    /// The fields in their order.
    var fields: [Field] = []
    /// The body's length; -1 when no field tells.
    var contentLength = -1
    /// The body comes in chunks.
    var isChunked = false
    /// The value of the Host field.
    var host = 0..<0
    /// How many Host fields there are.
    var hosts = 0
    /// Connection said `close`.
    var saysClose = false
    /// Connection said `keep-alive`.
    var saysKeepAlive = false
    /// Expect said `100-continue`.
    var expectsContinue = false
    /// Content-Encoding was absent or `identity`.
    var isIdentity = true
    /// What Connection names beside `close` and `keep-alive`.
    private var options: [Range<Int>] = []

    init() {
        fields.reserveCapacity(24)
    }

    /// Forgets everything and keeps the room of an ordinary head.
    mutating func reset() {
        // An unusual head must not stay with a connection at rest.
        if fields.capacity > 64 {
            fields = []
            fields.reserveCapacity(24)
        } else {
            fields.removeAll(keepingCapacity: true)
        }
        contentLength = -1
        isChunked = false
        host = 0..<0
        hosts = 0
        saysClose = false
        saysKeepAlive = false
        expectsContinue = false
        isIdentity = true
        options = []
    }

    /// Reads the line `bytes[start..<lineEnd]`, whose CRLF ends before `end`.
    mutating func take(_ bytes: Span<UInt8>, start: Int, lineEnd: Int, end: Int) -> HeadViolation? {
        guard fields.count < maximumFields else { return .tooManyFields }
        let first = bytes[start]
        if first == 0x20 || first == 0x09 { return .foldedField }
        var colon = start
        while colon < lineEnd, bytes[colon] != 0x3A { colon &+= 1 }
        guard colon > start, colon < lineEnd else { return .fieldName }
        let (name, dialect) = classify(bytes, start..<colon)
        if !name.isSpelledOut, !isToken(bytes, start..<colon) { return .fieldName }
        var valueStart = colon &+ 1
        var valueEnd = lineEnd
        while valueStart < valueEnd, isBlank(bytes[valueStart]) { valueStart &+= 1 }
        while valueEnd > valueStart, isBlank(bytes[valueEnd &- 1]) { valueEnd &-= 1 }
        if holdsControl(bytes, from: valueStart, to: valueEnd) { return .fieldValue }
        let field = Field(
            start: start, nameEnd: colon, valueStart: valueStart, valueEnd: valueEnd, end: end, name: name,
            dialect: dialect, isHopByHop: name.isHopByHop)
        fields.append(field)
        return read(bytes, field)
    }

    /// Reads the fields that speak of the message itself.
    private mutating func read(_ bytes: Span<UInt8>, _ field: Field) -> HeadViolation? {
        let name = field.name
        if name == .host {
            hosts += 1
            host = field.value
        } else if name == .contentLength {
            guard contentLength < 0, let length = decimal(bytes, field.value) else { return .contentLength }
            contentLength = length
        } else if name == .transferEncoding {
            guard !isChunked, equalsIgnoringCase(bytes, field.value, "chunked") else { return .transferEncoding }
            isChunked = true
        } else if name == .connection {
            return readConnection(bytes, field.value)
        } else if name == .expect {
            guard equalsIgnoringCase(bytes, field.value, "100-continue") else { return .expectation }
            expectsContinue = true
        } else if name == .contentEncoding {
            if !field.value.isEmpty, !equalsIgnoringCase(bytes, field.value, "identity") { isIdentity = false }
        }
        return nil
    }

    private mutating func readConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) -> HeadViolation? {
        var start = value.lowerBound
        while start < value.upperBound {
            let comma = firstIndex(of: 0x2C, in: bytes, from: start, to: value.upperBound)
            let option = trimmed(bytes, start..<(comma < 0 ? value.upperBound : comma))
            if equalsIgnoringCase(bytes, option, "close") {
                saysClose = true
            } else if equalsIgnoringCase(bytes, option, "keep-alive") {
                saysKeepAlive = true
            } else if !option.isEmpty {
                guard options.count < maximumConnectionOptions else { return .connection }
                options.append(option)
            }
            start = comma < 0 ? value.upperBound : comma + 1
        }
        return nil
    }

    /// Checks what can only be known at the end, and marks the fields that Connection names.
    mutating func finish(_ bytes: Span<UInt8>, version: HTTPVersion) -> HeadViolation? {
        if isChunked, contentLength >= 0 || version == .http10 { return .framing }
        guard !options.isEmpty else { return nil }
        for index in fields.indices {
            let field = fields[index]
            // Nobody may have these taken away: they say where the message goes and where it ends.
            if field.name == .host || field.name == .contentLength || field.name == .authorization { continue }
            for option in options where sameToken(bytes, option, field.start..<field.nameEnd) {
                fields[index].isHopByHop = true
            }
        }
        return nil
    }

    /// Whether the connection may be used again after the message.
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        switch version {
        case .http11: !saysClose
        case .http10: saysKeepAlive && !saysClose
        }
    }

    /// The first field of that name.
    func first(_ name: FieldName) -> Field? {
        for field in fields where field.name == name { return field }
        return nil
    }
}
