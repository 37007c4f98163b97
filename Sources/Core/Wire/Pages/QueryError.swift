/// What a page's `error` member says.
public struct QueryError: Equatable, Sendable {
    /// The engine's name for it, such as `SYNTAX_ERROR`; some servers send none.
    public var name: String?
    /// USER_ERROR, INTERNAL_ERROR, INSUFFICIENT_RESOURCES or EXTERNAL; some servers send none.
    public var type: String?
    /// The number; Trino and Presto give the same one to different errors.
    public var code: Int?
    /// The message; empty when there was none.
    public var message: String
    /// The messages of the failure's causes, outermost first; at most 32.
    public var causes: [String]
    /// Presto's own opinion; Trino has none.
    public var retriable: Bool?

    /// An error of these parts.
    public init(
        name: String?, type: String?, code: Int?, message: String, causes: [String] = [], retriable: Bool? = nil
    ) {
        self.name = name
        self.type = type
        self.code = code
        self.message = message
        self.causes = causes
        self.retriable = retriable
    }
}

/// Reads the `error` object that a `PageScanner` captured.
///
/// A capture may be cut: what was read before the cut counts. Nil when it is not an object, or says nothing at all.
public func readError(_ json: [UInt8]) -> QueryError? {
    var reader = JSONReader(json)
    var error = QueryError(name: nil, type: nil, code: nil, message: "")
    do {
        guard try reader.next() == .beginObject else { return nil }
        try readMembers(&reader, into: &error)
    } catch {
        // The capture ends here, or the server wrote something odd: the members before it stand.
    }
    let isEmpty = error.name == nil && error.type == nil && error.code == nil && error.message.isEmpty
    return isEmpty ? nil : error
}

private func readMembers(_ reader: inout JSONReader, into error: inout QueryError) throws(JSONError) {
    while case .key(let key) = try reader.next() {
        switch key {
        case "message": error.message = try readString(&reader) ?? ""
        case "errorCode": error.code = try readInteger(&reader)
        case "errorName": error.name = try readString(&reader)
        case "errorType": error.type = try readString(&reader)
        case "retriable":
            if case .bool(let value) = try readScalar(&reader) { error.retriable = value }
        case "failureInfo": try readCause(&reader, depth: 0, into: &error.causes)
        default: try reader.skipValue()
        }
    }
}

/// Reads one link of the cause chain; the outermost, of depth 0, repeats the error's own message.
private func readCause(_ reader: inout JSONReader, depth: Int, into causes: inout [String]) throws(JSONError) {
    guard try reader.next() == .beginObject else { return }
    while case .key(let key) = try reader.next() {
        if key == "message", depth > 0 {
            if let message = try readString(&reader) { causes.append(message) }
        } else if key == "cause", depth < 32 {
            try readCause(&reader, depth: depth + 1, into: &causes)
        } else {
            try reader.skipValue()
        }
    }
}

private func readString(_ reader: inout JSONReader) throws(JSONError) -> String? {
    guard case .string(let text) = try readScalar(&reader) else { return nil }
    return text
}

private func readInteger(_ reader: inout JSONReader) throws(JSONError) -> Int? {
    guard case .number(let text) = try readScalar(&reader) else { return nil }
    return Int(text)
}

/// The next value; of an object or array only its beginning, after which all of it has been read.
private func readScalar(_ reader: inout JSONReader) throws(JSONError) -> JSONToken {
    let token = try reader.next()
    var depth = token == .beginObject || token == .beginArray ? 1 : 0
    while depth > 0 {
        switch try reader.next() {
        case .beginObject, .beginArray: depth += 1
        case .endObject, .endArray: depth -= 1
        case .key, .string, .number, .bool, .null, .end: break
        }
    }
    return token
}
