import Bytes
import Synchronization

/// A strict, resumable parser of HTTP/1.1 response heads, as `RequestHead` is for requests.
public struct ResponseHead: ~Copyable, Sendable {
    /// The status code, 100 to 999.
    public private(set) var status = 0
    /// The version in the status line.
    public private(set) var version = HTTPVersion.http11
    /// The reason phrase; often empty.
    public private(set) var reason = 0..<0
    /// The bytes of the whole head with its empty line, once it is whole.
    public private(set) var end = 0
    /// The size of the largest head that is accepted.
    public let maximumBytes: Int
    /// The same for two heads only if they differ in nothing but the number in Content-Length; 0 tells nothing. What was
    /// made of the one head then serves for the other too.
    public private(set) var revision: UInt64 = 0
    private var block = FieldBlock(recalls: true)
    /// Nothing was read of this head yet: what is there is left of the one before.
    private var isFresh = false
    private var isPastStatusLine = false
    private var lines = HeadLines()

    /// - Parameter maximumBytes: The size of the largest head that is accepted (`limits.head_size`).
    public init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// The fields in their order.
    public var fields: Slots<Field> { block.fields }
    /// The body's length in bytes; -1 when there is no Content-Length. With neither it and `isChunked` false the body
    /// ends with the connection, unless `hasNoBody(method:)`.
    public var contentLength: Int { block.contentLength }
    /// Whether the body comes in chunks.
    public var isChunked: Bool { block.isChunked }
    /// Whether the fields allow the connection to be used again.
    public var keepsAlive: Bool { block.keepsAlive(version) }
    /// Whether the body is as it is: no Content-Encoding, or `identity`.
    public var contentEncodingIsIdentity: Bool { block.isIdentity }

    /// Goes through the fields in their order, where they are.
    public func forEachField(_ body: (Field) -> Void) {
        for index in 0..<block.fields.count { body(block.fields[index]) }
    }

    /// The first field of that name.
    public func first(_ name: FieldName) -> Field? {
        block.first(name)
    }

    /// Whether there is no body whatever the fields say: the answer to a HEAD, and 1xx, 204 and 304.
    public func hasNoBody(method: Method) -> Bool {
        method == .head || status < 200 || status == 204 || status == 304
    }

    /// Begins anew, for the next response. What the last one said stays to be asked for until then.
    public mutating func reset() { isFresh = true }

    private mutating func clear() {
        block.reset()
        status = 0
        version = .http11
        reason = 0..<0
        end = 0
        revision = 0
        isFresh = false
        isPastStatusLine = false
        lines = HeadLines()
    }

    /// Reads on. `bytes` begins at the response's first byte and, after `more`, with the same bytes as before.
    ///
    /// Bytes after the head are not looked at. After `whole` or `bad`, `reset()` comes first.
    public mutating func parse(_ bytes: Span<UInt8>) -> HeadStep {
        if isFresh {
            // Most heads are the last one again.
            if block.recalls(bytes) {
                isFresh = false
                return .whole
            }
            clear()
        }
        if !isPastStatusLine {
            switch lines.next(bytes, maximum: maximumBytes) {
            case .more: return .more
            case .bad(let violation): return .bad(violation)
            case .line(let line, _, let holdsControl):
                if let violation = readStatusLine(bytes, line, holdsControl: holdsControl) { return .bad(violation) }
                isPastStatusLine = true
            }
        }
        let step = block.read(bytes, &lines, maximum: maximumBytes)
        guard step == .whole else { return step }
        end = lines.start
        if let violation = block.finish(bytes, version: version) { return .bad(violation) }
        if block.remember(bytes.extracting(0..<end)) {
            revision = revisions.add(1, ordering: .relaxed).newValue
        }
        return .whole
    }

    private mutating func readStatusLine(
        _ bytes: Span<UInt8>, _ line: Range<Int>, holdsControl: Bool
    ) -> HeadViolation? {
        let start = line.lowerBound
        guard line.count >= 12, bytes[start + 8] == 0x20 else { return .startLine }
        guard let known = minorVersion(bytes, start..<start + 8) else { return .startLine }
        guard let version = known else { return .version }
        guard let code = decimal(bytes, start + 9..<start + 12), code >= 100 else { return .startLine }
        guard line.count == 12 || bytes[start + 12] == 0x20 else { return .startLine }
        reason = min(start + 13, line.upperBound)..<line.upperBound
        guard !holdsControl else { return .startLine }
        self.version = version
        status = code
        return nil
    }
}

/// How many heads were remembered, by all parsers of the process.
private let revisions = Atomic<UInt64>(0)
