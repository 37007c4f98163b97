/// What a handler answers.
public struct HTTPResponse: Sendable {
    /// The status, 200 to 599.
    public var status: Int
    /// Header fields in their order, without those of the framing: the server writes Content-Length,
    /// Transfer-Encoding and Connection itself.
    public var headers: [(name: String, value: String)]
    /// The body; for HEAD only its length is told.
    public var body: [UInt8]
    /// Writes the body piece by piece in place of `body`.
    public var stream: (@Sendable (HTTPBodyWriter) async -> Void)?

    /// An answer with a whole body.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer of JSON, already encoded.
    public static func json(_ status: Int, _ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: body)
    }

    /// An answer of plain text.
    public static func text(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: Array(text.utf8))
    }

    /// An RFC 9457 problem, as this server itself answers what it cannot take. `title` and `detail` are written into
    /// JSON as they are: no quote, no backslash, no control character.
    static func problem(_ status: Int, _ detail: String) -> HTTPResponse {
        let title = reasonPhrase(status)
        return HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")],
            body: Array(#"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":"\#(detail)"}"#.utf8))
    }

    /// An answer whose body is written over time: server-sent events, for example.
    ///
    /// The body is over when the closure returns. Its task is cancelled when the client leaves and when the server
    /// stops.
    public static func stream(
        _ status: Int, headers: [(name: String, value: String)],
        _ body: @escaping @Sendable (HTTPBodyWriter) async -> Void
    ) -> HTTPResponse {
        var response = HTTPResponse(status: status, headers: headers)
        response.stream = body
        return response
    }

    /// The head as it is sent. What would break a line in a field's value is replaced by a space.
    func head(framing: Framing, keepsAlive: Bool, version10: Bool) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(reasonPhrase(status))\r\n"
        for (name, value) in headers where !Self.ownFields.contains(where: { isSameFieldName($0, name) }) {
            text += "\(name): "
            for scalar in value.unicodeScalars { text.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar) }
            text += "\r\n"
        }
        switch framing {
        case .none: break
        case .length(let count): text += "Content-Length: \(count)\r\n"
        case .chunked: text += "Transfer-Encoding: chunked\r\n"
        case .untilClose: break
        }
        if !keepsAlive {
            text += "Connection: close\r\n"
        } else if version10 {
            text += "Connection: keep-alive\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    /// How the end of a body is told.
    enum Framing: Equatable {
        case none, length(Int), chunked, untilClose
    }

    private static let ownFields = ["Content-Length", "Transfer-Encoding", "Connection"]
}

private func reasonPhrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status \(status)"
    }
}
