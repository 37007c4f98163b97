import Bytes

/// A strict, resumable parser of HTTP/1.1 request heads.
///
/// It answers offsets into the bytes that it was given. What two parsers could read differently is refused: see
/// `HeadViolation`. One value serves many requests; `reset()` keeps its room, so that parsing allocates nothing.
public struct RequestHead: ~Copyable, Sendable {
    /// The method.
    public private(set) var method = Method.other
    /// The method's bytes.
    public private(set) var methodName = 0..<0
    /// Path and query; of an absolute target what follows the authority. Empty for `http://host` alone.
    public private(set) var target = 0..<0
    /// What the client called us, with the port: an absolute target's authority, else the Host field. Empty when an
    /// HTTP/1.0 request has neither. Letters, digits and `- . _ ~ : [ ] %` only.
    public private(set) var host = 0..<0
    /// The version in the request line.
    public private(set) var version = HTTPVersion.http11
    /// The bytes of the whole head with its empty line, once it is whole.
    public private(set) var end = 0
    /// The size of the largest head that is accepted.
    public let maximumBytes: Int
    private var block = FieldBlock(recalls: false)
    private var progress = Progress.beginning
    private var lines = HeadLines()

    private enum Progress {
        case beginning, requestLine, fields
    }

    /// - Parameter maximumBytes: The size of the largest head that is accepted (`limits.head_size`).
    public init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// The fields in their order.
    public var fields: Slots<Field> { block.fields }
    /// The body's length in bytes; -1 when there is no Content-Length.
    public var contentLength: Int { block.contentLength }
    /// Whether the body comes in chunks. A request with neither has no body.
    public var isChunked: Bool { block.isChunked }
    /// What a server has to know before it takes the request.
    public var outline: RequestOutline {
        RequestOutline(
            method: method, version: version, end: end, contentLength: block.contentLength,
            isChunked: block.isChunked, keepsAlive: keepsAlive, expectsContinue: expectsContinue)
    }
    /// Whether the client wants to use the connection again.
    public var keepsAlive: Bool { block.keepsAlive(version) }
    /// Whether the client waits for `100 Continue` before it sends the body. HTTP/1.0 knows no such thing.
    public var expectsContinue: Bool { block.expectsContinue && version == .http11 }

    /// Goes through the fields in their order, where they are.
    public func forEachField(_ body: (Field) -> Void) {
        for index in 0..<block.fields.count { body(block.fields[index]) }
    }

    /// The first field of that name.
    public func first(_ name: FieldName) -> Field? {
        block.first(name)
    }

    /// Begins anew, for the next request.
    public mutating func reset() {
        block.reset()
        method = .other
        methodName = 0..<0
        target = 0..<0
        host = 0..<0
        version = .http11
        end = 0
        progress = .beginning
        lines = HeadLines()
    }

    /// Reads on. `bytes` begins at the request's first byte and, after `more`, with the same bytes as before.
    ///
    /// Bytes after the head are not looked at. After `whole` or `bad`, `reset()` comes first.
    public mutating func parse(_ bytes: Span<UInt8>) -> HeadStep {
        if progress == .beginning, !readUsualLine(bytes) {
            guard let step = begin(bytes) else { return .more }
            if step != .whole { return step }
        }
        if progress == .requestLine {
            switch lines.next(bytes, maximum: maximumBytes) {
            case .more: return .more
            case .bad(let violation): return .bad(violation)
            case .line(let line, _, _):
                if let violation = readRequestLine(bytes, line) { return .bad(violation) }
                progress = .fields
            }
        }
        let step = block.read(bytes, &lines, maximum: maximumBytes)
        guard step == .whole else { return step }
        end = lines.start
        if let violation = finish(bytes) { return .bad(violation) }
        return .whole
    }

    /// Skips at most one empty line before the request line, and refuses at once what cannot be one (TLS, say).
    private mutating func begin(_ bytes: Span<UInt8>) -> HeadStep? {
        guard bytes.count > 0 else { return nil }
        var first = 0
        if bytes[0] == 0x0D {
            guard bytes.count > 1 else { return nil }
            guard bytes[1] == 0x0A else { return .bad(.startLine) }
            guard bytes.count > 2 else { return nil }
            first = 2
        }
        guard isToken(bytes[first]) else { return .bad(.startLine) }
        lines = HeadLines(from: first)
        progress = .requestLine
        return .whole
    }

    /// Reads `GET /path HTTP/1.1` or `POST /path HTTP/1.1` at once; false for everything else, which `readRequestLine`
    /// reads or refuses.
    private mutating func readUsualLine(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 16 else { return false }
        let word = loadWord(bytes, at: 0)
        let start: Int
        if word & 0xFF_FFFF_FFFF == loadWord("GET /") {
            method = .get
            start = 4
        } else if word & 0xFFFF_FFFF_FFFF == loadWord("POST /") {
            method = .post
            start = 5
        } else {
            return false
        }
        let end = endOfTarget(bytes, from: start, to: bytes.count)
        guard end &+ 11 <= min(bytes.count, maximumBytes), loadWord(bytes, at: end) == loadWord(" HTTP/1."),
            loadWord(bytes, at: end &+ 3) == loadWord("TP/1.1\r\n")
        else { return false }
        methodName = 0..<start &- 1
        target = start..<end
        lines = HeadLines(from: end &+ 11)
        progress = .fields
        return true
    }

    private mutating func readRequestLine(_ bytes: Span<UInt8>, _ line: Range<Int>) -> HeadViolation? {
        var space = line.lowerBound
        while space < line.upperBound, isToken(bytes[space]) { space &+= 1 }
        guard space < line.upperBound, bytes[space] == 0x20 else { return .startLine }
        methodName = line.lowerBound..<space
        guard methodName.count <= 32 else { return .method }
        method = methodOf(bytes, methodName)
        let targetStart = space &+ 1
        let targetEnd = endOfTarget(bytes, from: targetStart, to: line.upperBound)
        guard targetEnd < line.upperBound, targetEnd > targetStart, bytes[targetEnd] == 0x20 else { return .target }
        if let violation = readVersion(bytes, targetEnd + 1..<line.upperBound) { return violation }
        return readTarget(bytes, targetStart..<targetEnd)
    }

    private mutating func readVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) -> HeadViolation? {
        guard let minor = minorVersion(bytes, range) else { return .startLine }
        guard let version = minor else { return .version }
        self.version = version
        return nil
    }

    /// Takes a path, `*` with OPTIONS, or an absolute `http` URI, of which the authority goes before Host.
    private mutating func readTarget(_ bytes: Span<UInt8>, _ range: Range<Int>) -> HeadViolation? {
        let start = range.lowerBound
        if bytes[start] == 0x2F {
            target = range
            return nil
        }
        if range.count == 1, bytes[start] == 0x2A, method == .options {
            target = range
            return nil
        }
        let schemeEnd: Int
        if range.count > 7, equalsIgnoringCase(bytes, start..<start + 7, "http://") {
            schemeEnd = start + 7
        } else if range.count > 8, equalsIgnoringCase(bytes, start..<start + 8, "https://") {
            schemeEnd = start + 8
        } else {
            return .target
        }
        let authorityEnd = endOfHost(bytes, from: schemeEnd, to: range.upperBound)
        guard authorityEnd > schemeEnd else { return .target }
        guard authorityEnd == range.upperBound || bytes[authorityEnd] == 0x2F else { return .target }
        host = schemeEnd..<authorityEnd
        target = authorityEnd..<range.upperBound
        return nil
    }

    private mutating func finish(_ bytes: Span<UInt8>) -> HeadViolation? {
        guard block.hosts == 1 || (block.hosts == 0 && version == .http10) else { return .host }
        if block.hosts == 1 {
            let end = block.host.upperBound
            guard !block.host.isEmpty, endOfHost(bytes, from: block.host.lowerBound, to: end) == end else {
                return .host
            }
        }
        if host.isEmpty { host = block.host }
        return block.finish(bytes, version: version)
    }
}

/// What a request's head says of the message and of the connection; see the properties of `RequestHead`.
public struct RequestOutline: Equatable, Sendable {
    /// The method.
    public var method: Method
    /// The version in the request line.
    public var version: HTTPVersion
    /// The bytes of the whole head.
    public var end: Int
    /// The body's length in bytes; -1 when there is no Content-Length.
    public var contentLength: Int
    /// Whether the body comes in chunks.
    public var isChunked: Bool
    /// Whether the client wants to use the connection again.
    public var keepsAlive: Bool
    /// Whether the client waits for `100 Continue`.
    public var expectsContinue: Bool
}

/// Names a method; methods are spelt in capitals only.
private func methodOf(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Method {
    @inline(__always) func matches(_ name: StaticString) -> Bool {
        for index in range where bytes[index] & 0x20 != 0 { return false }
        return equalsIgnoringCase(bytes, range, name)
    }
    switch range.count {
    case 3: return matches("get") ? .get : matches("put") ? .put : .other
    case 4: return matches("post") ? .post : matches("head") ? .head : .other
    case 6: return matches("delete") ? .delete : .other
    case 7: return matches("options") ? .options : .other
    default: return .other
    }
}

/// The version that `HTTP/1.x` names: nil when it is no version at all, nil inside when it is another one.
func minorVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) -> HTTPVersion?? {
    let start = range.lowerBound
    guard range.count == 8, loadWord(bytes, at: start) & 0x00FF_00FF_FFFF_FFFF == 0x002E_002F_5054_5448 else {
        return nil
    }
    let major = bytes[start + 5] &- 0x30
    let minor = bytes[start + 7] &- 0x30
    guard major <= 9, minor <= 9 else { return nil }
    guard major == 1, minor <= 1 else { return .some(nil) }
    return minor == 1 ? .http11 : .http10
}
