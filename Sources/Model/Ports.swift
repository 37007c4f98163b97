import Engine

/// The port to the clocks.
public protocol Clock: Sendable {
    /// The wall clock.
    func now() -> Timestamp
    /// Milliseconds on a clock that only goes forward.
    func monotonic() -> Int64
    /// Suspends the task for a while; throws when it is cancelled.
    func sleep(milliseconds: Int64) async throws
}

/// A request of the gateway's own, off the data path.
public struct WebRequest: Equatable, Sendable {
    /// GET, POST, ...
    public var method: String
    /// The whole URL.
    public var url: String
    /// Names and values as they go out.
    public var headers: [WebHeader]
    /// The body, if any.
    public var body: [UInt8]?
    /// For the whole exchange, in milliseconds.
    public var timeoutMilliseconds: Int
    /// What the host in the URL resolves to, so that what is probed is what is relayed.
    public var address: CoordinatorAddress?
    /// A body that is larger is an error, in bytes.
    public var maximumBody: Int
    /// A request from its parts.
    public init(
        method: String = "GET", url: String, headers: [WebHeader] = [], body: [UInt8]? = nil,
        timeoutMilliseconds: Int = 10_000, address: CoordinatorAddress? = nil, maximumBody: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.address = address
        self.maximumBody = maximumBody
    }
}

/// One header of a `WebRequest` or `WebResponse`.
public struct WebHeader: Equatable, Sendable {
    /// The name as written.
    public var name: String
    /// The value.
    public var value: String
    /// A header from its parts.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The answer to a `WebRequest`.
public struct WebResponse: Equatable, Sendable {
    /// The status.
    public var status: Int
    /// Names and values as they came.
    public var headers: [WebHeader]
    /// The body, whole.
    public var body: [UInt8]
    /// An answer from its parts.
    public init(status: Int, headers: [WebHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why a `WebRequest` got no answer.
public enum WebProblem: Error, Equatable, Sendable {
    /// Nobody listens there.
    case refused
    /// No answer in time.
    case timedOut
    /// The name does not resolve.
    case unresolved
    /// The body is larger than allowed.
    case tooLarge
    /// Anything else, in libcurl's words.
    case failed(String)
}

/// The port to HTTP off the data path: probes, the CLI.
public protocol Web: Sendable {
    /// Sends a request and waits for the whole answer.
    func perform(_ request: WebRequest) async throws(WebProblem) -> WebResponse
}

/// The port to name resolution.
public protocol Names: Sendable {
    /// The addresses of a host, best first; empty if it does not resolve.
    func resolve(host: String, port: UInt16) async -> [CoordinatorAddress]
}

/// How grave a log line is, by who must act.
public enum LogLevel: Int, Sendable, CaseIterable {
    /// For developers.
    case debug
    /// For whoever reads what happened.
    case info
    /// Something that somebody should look at by day.
    case warning
    /// Something that somebody must act on.
    case error
}

/// A field of a log line. Values never hold credentials, tokens or slugs.
public struct LogField: Equatable, Sendable {
    /// snake_case.
    public var name: String
    /// The value as text.
    public var value: String
    /// A field from its parts.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The port to the log: constant messages, everything else in fields.
public protocol Log: Sendable {
    /// Writes one line.
    func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField])
    /// Writes the one line of each of these finished statements: they are many.
    func write(finished drafts: [RecordDraft])
    /// Whether lines of this level are written: asked before many are put together.
    func writes(_ level: LogLevel) -> Bool
}

extension Log {
    /// All are.
    public func writes(_ level: LogLevel) -> Bool { true }
    /// A line for developers.
    public func debug(_ message: StaticString, _ fields: LogField...) { write(.debug, message, fields) }
    /// A line about what happened.
    public func info(_ message: StaticString, _ fields: LogField...) { write(.info, message, fields) }
    /// A line that somebody should look at.
    public func warning(_ message: StaticString, _ fields: LogField...) { write(.warning, message, fields) }
    /// A line that somebody must act on.
    public func error(_ message: StaticString, _ fields: LogField...) { write(.error, message, fields) }
}

/// What runs by itself: started in the order of one list, stopped backwards.
public protocol Service: Sendable {
    /// What the log and the status call it.
    var name: String { get }
    /// Returns when it serves.
    func start() async throws
    /// Serves until its task is cancelled.
    func run() async throws
}
