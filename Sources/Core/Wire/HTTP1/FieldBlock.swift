import Bytes

/// The header lines of a request or a response, read one by one, and what they say of the message's framing.
struct FieldBlock: Sendable {
    /// The fields in their order.
    var fields = Slots<Field>()
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
    /// Nil: each line is read, so that nothing stays of what a client sent, its credentials for one.
    private var recalled: RecalledLines?
    /// How many fields Connection names beside `close` and `keep-alive`.
    private var options = 0

    /// - Parameter recalls: Whether lines that the head before had too are taken as they were read there.
    init(recalls: Bool) {
        recalled = recalls ? RecalledLines() : nil
    }

    /// Forgets everything and keeps the room of an ordinary head.
    mutating func reset() {
        // An unusual head must not stay with a connection at rest.
        fields.removeAll(keeping: 64)
        recalled?.begin()
        contentLength = -1
        isChunked = false
        host = 0..<0
        hosts = 0
        saysClose = false
        saysKeepAlive = false
        expectsContinue = false
        isIdentity = true
        options = 0
    }

    /// Whether a head that begins `bytes` says what the last one did, but for its Content-Length, which is read.
    mutating func recalls(_ bytes: Span<UInt8>) -> Bool {
        guard let length = recalled?.length(bytes) else { return false }
        contentLength = length
        return true
    }

    /// Remembers the head that was read, and finished, if no field of it was changed afterwards.
    mutating func remember(_ head: Span<UInt8>) -> Bool {
        options == 0 && recalled?.remember(head, fields) == true
    }

    /// Reads the lines up to the empty one, after which the head is whole.
    mutating func read(_ bytes: Span<UInt8>, _ lines: inout HeadLines, maximum: Int) -> HeadStep {
        while true {
            if recalled?.take(bytes, at: lines.start, maximum: maximum, into: &fields) == true {
                let field = fields[fields.count &- 1]
                lines = HeadLines(from: field.end)
                guard field.name.speaksOfMessage else { continue }
                if let violation = read(bytes, field.name, field.value) { return .bad(violation) }
                continue
            }
            switch lines.next(bytes, maximum: maximum) {
            case .more: return .more
            case .bad(let violation): return .bad(violation)
            case .line(let line, let colon, let holdsControl):
                if line.isEmpty { return .whole }
                if let violation = take(bytes, line, colon, holdsControl, end: lines.start) { return .bad(violation) }
            }
        }
    }

    @inline(__always)
    private mutating func take(
        _ bytes: Span<UInt8>, _ line: Range<Int>, _ colon: Int, _ holdsControl: Bool, end: Int
    ) -> HeadViolation? {
        guard fields.count < maximumFields else { return .tooManyFields }
        if isBlank(bytes[line.lowerBound]) { return .foldedField }
        guard colon > line.lowerBound, colon < line.upperBound else { return .fieldName }
        let (name, dialect) = classify(bytes, line.lowerBound..<colon)
        if !name.isSpelledOut, !isToken(bytes, line.lowerBound..<colon) { return .fieldName }
        if holdsControl { return .fieldValue }
        let value = trimmed(bytes, colon &+ 1..<line.upperBound)
        fields.append(
            Field(
                start: line.lowerBound, nameEnd: colon, valueStart: value.lowerBound, valueEnd: value.upperBound,
                end: end, name: name, dialect: dialect, isHopByHop: name.isHopByHop))
        return name.speaksOfMessage ? read(bytes, name, value) : nil
    }

    /// Reads a field that speaks of the message itself.
    private mutating func read(_ bytes: Span<UInt8>, _ name: FieldName, _ value: Range<Int>) -> HeadViolation? {
        if name == .host {
            hosts += 1
            host = value
        } else if name == .contentLength {
            guard contentLength < 0, let length = decimal(bytes, value) else { return .contentLength }
            contentLength = length
        } else if name == .transferEncoding {
            guard !isChunked, equalsIgnoringCase(bytes, value, "chunked") else { return .transferEncoding }
            isChunked = true
        } else if name == .connection {
            return readConnection(bytes, value)
        } else if name == .expect {
            guard equalsIgnoringCase(bytes, value, "100-continue") else { return .expectation }
            expectsContinue = true
        } else if name == .contentEncoding {
            if !value.isEmpty, !equalsIgnoringCase(bytes, value, "identity") { isIdentity = false }
        }
        return nil
    }

    private mutating func readConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) -> HeadViolation? {
        // What nearly all say, at once.
        if equalsIgnoringCase(bytes, value, "keep-alive") {
            saysKeepAlive = true
            return nil
        }
        var start = value.lowerBound
        while let option = nextOption(bytes, value, &start) {
            if equalsIgnoringCase(bytes, option, "close") {
                saysClose = true
            } else if equalsIgnoringCase(bytes, option, "keep-alive") {
                saysKeepAlive = true
            } else {
                guard options < maximumConnectionOptions else { return .connection }
                options += 1
            }
        }
        return nil
    }

    /// Checks what can only be known at the end, and marks the fields that Connection names.
    mutating func finish(_ bytes: Span<UInt8>, version: HTTPVersion) -> HeadViolation? {
        if isChunked, contentLength >= 0 || version == .http10 { return .framing }
        if options > 0 {
            for index in fields.indices where fields[index].name == .connection {
                let value = fields[index].value
                var start = value.lowerBound
                while let option = nextOption(bytes, value, &start) { markNamed(bytes, option) }
            }
        }
        return nil
    }

    /// Marks the fields that have the name `bytes[option]`.
    private mutating func markNamed(_ bytes: Span<UInt8>, _ option: Range<Int>) {
        for index in fields.indices {
            let field = fields[index]
            // Nobody may have these taken away: they say where the message goes and where it ends.
            if field.name == .host || field.name == .contentLength || field.name == .authorization { continue }
            if sameToken(bytes, option, field.start..<field.nameEnd) { fields[index].isHopByHop = true }
        }
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

/// The next option of a Connection field's value that is not empty, at or behind `start`, which moves behind it.
private func nextOption(_ bytes: Span<UInt8>, _ value: Range<Int>, _ start: inout Int) -> Range<Int>? {
    while start < value.upperBound {
        let comma = firstIndex(of: 0x2C, in: bytes, from: start, to: value.upperBound)
        let option = trimmed(bytes, start..<(comma < 0 ? value.upperBound : comma))
        start = comma < 0 ? value.upperBound : comma + 1
        if !option.isEmpty { return option }
    }
    return nil
}
