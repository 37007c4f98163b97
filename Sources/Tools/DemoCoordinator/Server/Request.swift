import Wire

/// A request of a client, whole.
struct Request {
    var method: Method
    /// The path without the query, a trailing slash taken off.
    var path: String
    var query: String
    /// Names in small letters.
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// What the client called this server: `127.0.0.1:8080`.
    var host: String
    var keepsAlive: Bool
    var isHTTP10: Bool

    /// The first value of a field.
    func value(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Whether the client takes gzip.
    var acceptsGzip: Bool {
        (value("accept-encoding") ?? "").lowercased().split(separator: ",").contains { part in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " } }
            guard pieces.first == "gzip" || pieces.first == "x-gzip" else { return false }
            return !pieces.dropFirst().contains { $0.hasPrefix("q=0") && Double($0.dropFirst(2)) == 0 }
        }
    }

    /// The path's segments.
    var segments: [String] { path.split(separator: "/").map(String.init) }
}

/// An answer, before it is bytes.
struct Response: Equatable {
    struct Header: Equatable {
        let name: String
        let value: String
    }

    var status: Int
    var headers: [Header] = []
    var contentType: String?
    var body: [UInt8] = []

    /// A page, or anything else in JSON.
    static func json(_ body: [UInt8], headers: [Header] = []) -> Response {
        Response(status: 200, headers: headers, contentType: "application/json", body: body)
    }

    /// A refusal in the words of Trino's server: `Error 404 Not Found: Query not found`.
    static func refusal(_ status: Int, _ text: String? = nil) -> Response {
        let phrase = "\(status) \(reason(status))"
        return Response(
            status: status, contentType: "text/plain", body: Array("Error \(phrase): \(text ?? "HTTP \(phrase)")".utf8))
    }

    static func empty(_ status: Int) -> Response { Response(status: status) }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 303: "See Other"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 410: "Gone"
        case 413: "Request Entity Too Large"
        case 429: "Too Many Requests"
        case 500: "Server Error"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }
}
