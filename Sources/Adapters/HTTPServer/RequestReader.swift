import Wire

/// Takes one connection's bytes apart into requests. A value without a clock: bytes go in, steps come out.
struct RequestReader: ~Copyable {
    enum Step {
        /// The next request is not whole yet.
        case more
        /// The client waits for `100 Continue` before it sends the body.
        case wantsContinue
        case whole(Arrival)
        /// What came is not taken: to be answered with this status, and then the connection ends.
        case refused(status: Int, reason: String)
    }

    /// A whole request and what its answer must heed.
    struct Arrival {
        var request: HTTPRequest
        var keepsAlive: Bool
        var isHTTP10: Bool
    }

    private enum Part {
        case head
        case sized(Arrival, left: Int)
        case chunked(Arrival, ChunkedBody)
        case broken
    }

    private let limits: HTTPServerLimits
    private let peer: String
    private var head: RequestHead
    private var part = Part.head
    private var buffer: [UInt8] = []
    /// The chunked body so far.
    private var body: [UInt8] = []

    init(limits: HTTPServerLimits, peer: String) {
        self.limits = limits
        self.peer = peer
        head = RequestHead(maximumBytes: limits.headBytes)
    }

    /// True between two requests.
    var isIdle: Bool {
        switch part {
        case .head: buffer.isEmpty
        case .sized, .chunked, .broken: false
        }
    }

    /// Bytes that no step has used yet.
    var bufferedBytes: Int { buffer.count }

    mutating func append(_ bytes: Span<UInt8>) {
        buffer.reserveCapacity(buffer.count + bytes.count)
        for index in bytes.indices { buffer.append(bytes[index]) }
    }

    /// What the bytes so far give. After `refused` nothing else follows.
    mutating func next() -> Step {
        switch part {
        case .head: return readHead()
        case .sized(let arrival, let left): return readSized(arrival, left: left)
        case .chunked(let arrival, let chunks): return readChunked(arrival, chunks)
        case .broken: return .more
        }
    }

    private mutating func readHead() -> Step {
        switch parseHead() {
        case .more: return .more
        case .bad(.headTooLarge): return refuse(431, "The header block is larger than \(limits.headBytes) bytes.")
        case .bad(let violation): return refuse(violation.status, violation.reason)
        case .whole: break
        }
        guard let request = request() else { return refuse(400, "An escape in the request target is broken.") }
        let arrival = Arrival(request: request, keepsAlive: head.keepsAlive, isHTTP10: head.version == .http10)
        let (length, isChunked, wantsContinue) = (head.contentLength, head.isChunked, head.expectsContinue)
        buffer.removeSubrange(0..<head.end)
        head.reset()
        guard length <= limits.bodyBytes else { return refuseBody() }
        part = isChunked ? .chunked(arrival, ChunkedBody()) : .sized(arrival, left: max(0, length))
        if wantsContinue, buffer.isEmpty, isChunked || length > 0 { return .wantsContinue }
        return next()
    }

    private mutating func parseHead() -> HeadStep {
        let bytes = buffer
        return head.parse(bytes.span)
    }

    private func request() -> HTTPRequest? {
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(head.fields.count)
        for field in head.fields { fields.append((text(field.start..<field.nameEnd), text(field.value))) }
        return HTTPRequest(method: text(head.methodName), target: text(head.target), headers: fields, peer: peer)
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: buffer[range], as: UTF8.self) }

    private mutating func readSized(_ arrival: Arrival, left: Int) -> Step {
        guard buffer.count >= left else { return .more }
        var arrival = arrival
        arrival.request.body = Array(buffer[0..<left])
        buffer.removeSubrange(0..<left)
        part = .head
        return .whole(arrival)
    }

    private mutating func readChunked(_ arrival: Arrival, _ chunks: ChunkedBody) -> Step {
        var (arrival, chunks, place) = (arrival, chunks, 0)
        while true {
            switch chunks.next(buffer.span, from: place) {
            case .data(let range):
                guard body.count + range.count <= limits.bodyBytes else { return refuseBody() }
                body += buffer[range]
                place = range.upperBound
            case .more:
                buffer.removeAll(keepingCapacity: true)
                part = .chunked(arrival, chunks)
                return .more
            case .end(let end):
                buffer.removeSubrange(0..<end)
                part = .head
                swap(&arrival.request.body, &body)
                return .whole(arrival)
            case .bad: return refuse(400, "The chunks of the body are broken.")
            }
        }
    }

    private mutating func refuseBody() -> Step {
        refuse(413, "The body is larger than \(limits.bodyBytes) bytes.")
    }

    private mutating func refuse(_ status: Int, _ reason: String) -> Step {
        part = .broken
        buffer = []
        body = []
        return .refused(status: status, reason: reason)
    }
}
