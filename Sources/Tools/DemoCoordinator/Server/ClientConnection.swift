import Network
import Wire

/// One connection of a client: it reads requests, one after the other, and writes their answers. Bytes of the next
/// request wait until the answer has left.
final class ClientConnection: StreamOwner {
    private let server: Server
    private var stream: Network.Stream?
    private var bytes: [UInt8] = []
    private var head = RequestHead(maximumBytes: ClientConnection.maximumHead)
    private var chunks: ChunkedBody?
    /// Where the next chunk's framing goes on in `bytes`.
    private var chunkPosition = 0
    private var body: [UInt8] = []
    private var hasHead = false
    private var isAnswering = false
    private var peerEnded = false
    private var isSilent = false

    /// Trino takes 1.2 MB of headers and has no 431.
    private static let maximumHead = 4 << 20
    private static let maximumBody = 64 << 20

    init(_ server: Server) {
        self.server = server
    }

    func open(_ stream: Network.Stream) { self.stream = stream }

    func connected() {}
    func drained() {}

    func received(_ span: Span<UInt8>) {
        bytes.reserveCapacity(bytes.count + span.count)
        for index in 0..<span.count { bytes.append(span[index]) }
        readRequests()
    }

    func ended() {
        peerEnded = true
        if !isAnswering || isSilent { stream?.close() }
    }

    func closed(_ reason: CloseReason) {
        stream = nil
        server.connections.removeValue(forKey: ObjectIdentifier(self))
    }

    /// Resets the connection, as the death of a process does.
    func reset() { stream?.abort() }

    // MARK: Reading

    private func readRequests() {
        while !isAnswering, stream != nil {
            if !hasHead {
                guard !bytes.isEmpty else { return }
                switch head.parse(bytes.span) {
                case .more: return
                case .bad(let violation): return refuse(violation.status, violation.reason)
                case .whole: begin()
                }
            }
            guard let end = readBody() else { return }
            let request = request()
            bytes.removeFirst(end)
            head.reset()
            hasHead = false
            isAnswering = true
            server.answer(Exchange(self, request))
        }
    }

    private func begin() {
        hasHead = true
        body = []
        chunks = head.isChunked ? ChunkedBody() : nil
        chunkPosition = head.end
        if head.expectsContinue { write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    }

    /// The index after the request, once its body is whole.
    private func readBody() -> Int? {
        guard var reader = chunks else {
            let length = max(0, head.contentLength)
            guard length <= Self.maximumBody else {
                refuse(413, "The body is larger than \(Self.maximumBody) bytes.")
                return nil
            }
            guard bytes.count >= head.end + length else { return nil }
            body = Array(bytes[head.end..<head.end + length])
            return head.end + length
        }
        defer { chunks = reader }
        while true {
            switch reader.next(bytes.span, from: chunkPosition) {
            case .data(let range):
                body += bytes[range]
                chunkPosition = range.upperBound
                if body.count > Self.maximumBody {
                    refuse(413, "The body is larger than \(Self.maximumBody) bytes.")
                    return nil
                }
            case .more:
                chunkPosition = bytes.count
                return nil
            case .end(let end): return end
            case .bad:
                refuse(400, "The body's chunks are broken.")
                return nil
            }
        }
    }

    private func request() -> Request {
        let target = text(head.target)
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var path = parts[0]
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return Request(
            method: head.method, path: path, query: parts.count > 1 ? parts[1] : "",
            headers: head.fields.map { field in
                (text(field.start..<field.nameEnd).lowercased(), text(field.value))
            },
            body: body, host: text(head.host), keepsAlive: head.keepsAlive, isHTTP10: head.version == .http10)
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    // MARK: Writing

    /// Answers a request that is no request, and closes.
    private func refuse(_ status: Int, _ reason: String) {
        isAnswering = true
        let body = "Error \(status) \(Response.reason(status)): \(reason)"
        write(
            Array(
                ("HTTP/1.1 \(status) \(Response.reason(status))\r\nContent-Type: text/plain\r\n"
                    + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)").utf8))
        stream?.finish()
    }

    private func write(_ bytes: [UInt8]) { stream?.write(bytes.span) }

    /// Nothing is answered any more, until the client goes.
    func fallSilent() {
        isSilent = true
        if peerEnded { stream?.close() }
    }

    /// Writes the beginning of an answer, and closes or resets.
    func write(_ written: WrittenResponse, cut: Cut) {
        guard let stream else { return }
        let head = written.head.prefix(cut.head ?? written.head.count)
        let length = cut.head == nil ? (cut.body < 0 ? written.body.count + cut.body : cut.body) : 0
        let body = written.body.prefix(max(0, length))
        stream.write(Array(head).span, Array(body).span)
        guard cut.isReset else { return stream.finish() }
        // What was written is to arrive before the reset does.
        server.after(head.isEmpty ? 0 : 50) { [weak self] in self?.stream?.abort() }
    }

    /// Writes an answer.
    func write(_ written: WrittenResponse, closes: Bool) {
        guard let stream else { return }
        stream.write(written.head.span, written.body.span)
        isAnswering = false
        if closes || peerEnded {
            stream.finish()
        } else {
            readRequests()
        }
    }
}

/// How much of an answer leaves.
struct Cut {
    /// Bytes of the head, and nothing of the body; nil: all of it.
    var head: Int?
    /// Bytes of the body; below 0: all but so many.
    var body = 0
    /// Whether the connection is reset then, not closed.
    var isReset = false
}

/// A request that is to be answered once, now or later.
final class Exchange {
    let connection: ClientConnection
    let request: Request
    /// What becomes of the answer, if a fault touches it.
    var loss: Loss?

    /// What a fault makes of an answer; the request has taken its effect.
    enum Loss {
        /// Only its beginning leaves.
        case cut(Cut)
        /// It never leaves.
        case silence
        /// Another one leaves in its place.
        case replaced(Response)
    }

    init(_ connection: ClientConnection, _ request: Request) {
        self.connection = connection
        self.request = request
    }
}
