/// One HTTP request.
public struct Request: Sendable {
    /// GET, HEAD, POST, PUT, DELETE ...
    public var method: String
    /// An absolute URL, http or https.
    public var url: String
    /// The headers, in order; repeated names stay repeated.
    public var headers: [(name: String, value: String)]
    /// The body; nil sends none.
    public var body: [UInt8]?
    /// The most that the whole exchange may take, in milliseconds.
    public var timeoutMilliseconds: Int
    /// The most that name resolution and connect may take of it, in milliseconds.
    public var connectTimeoutMilliseconds: Int
    /// The most bytes that the answer's body may have.
    public var maximumBodyBytes: Int
    /// The IP address to connect to, in place of what the URL's host resolves to.
    public var address: String?

    /// A request with bounds that suit a small answer from nearby.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeoutMilliseconds: Int = 10_000, connectTimeoutMilliseconds: Int = 5_000,
        maximumBodyBytes: Int = 4 << 20, address: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.maximumBodyBytes = maximumBodyBytes
        self.address = address
    }
}

/// The answer to a request, whatever its status.
public struct Response: Sendable {
    /// The status, such as 200.
    public let status: Int
    /// The headers, in order, names as they came.
    public let headers: [(name: String, value: String)]
    /// The body, with the transfer's framing taken off.
    public let body: [UInt8]
}

/// Why there is no answer.
public enum CurlError: Error, Equatable, Sendable {
    /// The request cannot be sent: no http or https URL, or a line break in a header.
    case malformed(String)
    /// The URL's host has no address.
    case unresolved(String)
    /// Nobody accepted the connection; nothing was sent.
    case refused(String)
    /// The time is up.
    case timedOut(String)
    /// The connection ended before the answer did.
    case cut(String)
    /// The body is larger than the request allows.
    case tooLarge(maximum: Int)
    /// The task was cancelled, or the loop is gone.
    case cancelled
    /// Anything else, by libcurl's code (curl.se/libcurl/c/libcurl-errors.html).
    case failed(code: Int, String)
}
