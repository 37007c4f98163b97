import Bytes

/// One header field of a head, as offsets into the bytes that were parsed.
public struct Field: Equatable, Sendable {
    /// Where its line begins, which is where its name does.
    public var start: Int
    /// The colon after the name.
    public var nameEnd: Int
    /// Where its value begins, white space around it taken off.
    public var valueStart: Int
    /// The byte after its value.
    public var valueEnd: Int
    /// The byte after its line's CRLF.
    public var end: Int
    /// Which field it is.
    public var name: FieldName
    /// Whether it was written `X-Trino-` or `X-Presto-`; nil for all others.
    public var dialect: Dialect?
    /// Whether it speaks of this connection only, by its name or because a Connection field names it.
    public var isHopByHop: Bool

    /// The value's bytes.
    public var value: Range<Int> { valueStart..<valueEnd }
    /// The whole line with its CRLF.
    public var line: Range<Int> { start..<end }
}

/// The versions of HTTP that are spoken.
public enum HTTPVersion: UInt8, Sendable {
    case http10, http11
}

/// The methods of requests; any other valid token is `other`.
public enum Method: UInt8, Sendable {
    case get, head, post, put, delete, options, other
}

/// How far a head has come.
public enum HeadStep: Equatable, Sendable {
    /// Its end has not been read: parse again when there is more.
    case more
    /// It is whole.
    case whole
    /// It breaks a rule: answer with the violation's status and close.
    case bad(HeadViolation)
}

/// The rule that a head broke.
public enum HeadViolation: Equatable, Sendable {
    case startLine, method, target, version
    case bareLineFeed, foldedField, fieldName, fieldValue
    case host, contentLength, transferEncoding, framing, connection, expectation
    case headTooLarge, tooManyFields

    /// The status that answers such a request.
    public var status: Int {
        switch self {
        case .startLine, .method, .target, .bareLineFeed, .foldedField, .fieldName, .fieldValue, .host, .contentLength,
            .framing, .connection:
            400
        case .expectation: 417
        case .headTooLarge, .tooManyFields: 431
        case .transferEncoding: 501
        case .version: 505
        }
    }

    /// What was wrong, as a sentence for whoever sent it.
    public var reason: String {
        switch self {
        case .startLine: "The first line is not that of an HTTP/1.1 message."
        case .method: "The method is not a token of at most 32 characters."
        case .target: "The request target is not a path of visible ASCII characters."
        case .version: "The HTTP version is neither 1.0 nor 1.1."
        case .bareLineFeed: "A line ends with LF instead of CRLF."
        case .foldedField: "A header field is folded over several lines."
        case .fieldName: "A header field has no colon, or a name that is not a token directly before it."
        case .fieldValue: "A header field's value holds a control character."
        case .host: "There is not exactly one Host field, or it is not a host with an optional port."
        case .contentLength: "Content-Length is not one decimal number."
        case .transferEncoding: "Transfer-Encoding is something else than one chunked."
        case .framing: "Content-Length and Transfer-Encoding came together, or Transfer-Encoding in HTTP/1.0."
        case .connection: "Connection names too many fields."
        case .expectation: "Expect is something else than 100-continue."
        case .headTooLarge: "The header block is larger than the limit (limits.head_size)."
        case .tooManyFields: "There are more than \(maximumFields) header fields."
        }
    }
}

/// Fields that one head may have.
public let maximumFields = 1000

/// Fields that one head's Connection fields may name.
let maximumConnectionOptions = 32
