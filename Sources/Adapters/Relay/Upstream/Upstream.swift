import Network
import Wire

/// Why an upstream exchange got no whole answer.
enum UpstreamFailure: Equatable {
    /// The connect reached nobody: not a byte was written.
    case refused
    /// A reused connection ended before the first byte of an answer: it was stale, nothing happened.
    case stale
    /// The connection was reset or ended before a whole answer.
    case cut
    /// What came is no HTTP.
    case notProtocol
}

/// Who sent a request upstream and takes the answer.
protocol UpstreamClient: AnyObject {
    /// The head of the answer is there, with what of the body came in the same read and lies in one piece.
    func answered(_ upstream: Upstream, _ head: ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>, isWhole: Bool)
    /// More of the body; after the last of it the connection is no longer the client's.
    func received(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool)
    /// The connection is gone, or never was.
    func failed(_ failure: UpstreamFailure)
}

/// One connection to a coordinator: it sends one request at a time and takes its answer apart.
final class Upstream: StreamOwner {
    private enum State {
        /// Nothing asked: a byte or an end closes the connection.
        case idle
        /// A request was sent (or waits for the connect); no byte of the answer has come.
        case asked
        /// The head, or the body, is coming.
        case answering
        case closed
    }

    private enum Framing {
        case length(Int)
        case chunked(ChunkedBody)
        /// As `chunked`, but what comes is handed on with its framing.
        case rawChunks(ChunkedBody)
        case untilClose
    }

    private let relay: RelayLoop
    /// Where it leads; replaced by the newest table's view of the same coordinator when it is reused.
    var target: Target
    /// Since when it is idle.
    var idleSince: Int64 = 0
    private var stream: Stream?
    private var client: (any UpstreamClient)?
    private var state = State.idle
    private(set) var isConnected = false
    private var isReused = false
    private var method = Method.get
    private var head: ResponseHead
    private var kept: [UInt8] = []
    private var framing = Framing.untilClose
    private var hasHead = false

    init?(_ relay: RelayLoop, _ target: Target) {
        guard let address = target.address else { return nil }
        self.relay = relay
        self.target = target
        head = ResponseHead(maximumBytes: relay.limits.headSize)
        stream = relay.loop.connect(address, owner: self)
    }

    /// Whether a request may be sent on it.
    var isUsable: Bool { state == .idle && stream?.isOpen == true }

    /// Sends a request.
    func send(_ method: Method, head requestHead: [UInt8], body: [UInt8], for client: any UpstreamClient) {
        self.client = client
        self.method = method
        isReused = isConnected
        state = .asked
        hasHead = false
        head.reset()
        guard let stream, stream.isOpen else { return fail(isReused ? .stale : .refused) }
        stream.resumeReading()
        if body.isEmpty { stream.write(requestHead.span) } else { stream.write(requestHead.span, body.span) }
    }

    /// The client wants no more of it: what still comes is not wanted either.
    func discard() {
        client = nil
        guard state != .closed else { return }
        state = .closed
        stream?.close()
    }

    /// Asks the coordinator to wait.
    func pause() { stream?.pauseReading() }
    /// Goes on.
    func resume() { stream?.resumeReading() }

    /// From now on chunks are handed on with their framing. Answers how many bytes of the present chunk are to come.
    func passRawChunks() -> Int? {
        guard case .chunked(let body) = framing else { return nil }
        framing = .rawChunks(body)
        return body.remainingInChunk
    }

    // MARK: StreamOwner

    func connected() { isConnected = true }

    func received(_ bytes: Span<UInt8>) {
        switch state {
        case .idle:
            // An answer that nobody asked for: whatever it is, the connection cannot be trusted.
            relay.forget(self)
            discard()
        case .asked, .answering:
            state = .answering
            if kept.isEmpty {
                take(bytes)
            } else {
                kept.append(contentsOf: bytes)
                let whole = kept
                kept = []
                take(whole.span)
            }
        case .closed: break
        }
    }

    func drained() {}

    func ended() {
        if hasHead, case .untilClose = framing, state == .answering {
            let client = client
            finish(keep: false)
            client?.received([UInt8]().span, 0..<0, isLast: true)
            return
        }
        lost()
    }

    func closed(_ reason: CloseReason) {
        stream = nil
        guard state != .closed else { return }
        // Whatever kept the connect from standing, nothing was written.
        if !isConnected, client != nil { return fail(.refused) }
        lost()
    }

    private func lost() {
        switch state {
        case .idle:
            relay.forget(self)
            discard()
        case .asked: fail(isReused ? .stale : .cut)
        case .answering: fail(.cut)
        case .closed: break
        }
    }

    private func fail(_ failure: UpstreamFailure) {
        let client = client
        discard()
        client?.failed(failure)
    }

    // MARK: Taking the answer apart

    private func take(_ bytes: Span<UInt8>) {
        var at = 0
        while !hasHead {
            let rest = bytes.extracting(at..<bytes.count)
            switch head.parse(rest) {
            case .more:
                kept = []
                kept.append(contentsOf: rest)
                return
            case .bad: return fail(.notProtocol)
            case .whole: break
            }
            if head.status < 200 {
                // 100 and 103 announce the answer; 101 was not asked for.
                guard head.status != 101 else { return fail(.notProtocol) }
                at += head.end
                head.reset()
                if at >= bytes.count { return }
                continue
            }
            hasHead = true
            return takeFirst(rest)
        }
        takeBody(bytes, from: 0)
    }

    /// The head is there: hands it over with the first piece of the body.
    private func takeFirst(_ bytes: Span<UInt8>) {
        let head = head
        guard let client else { return discard() }
        let start = head.end
        if head.hasNoBody(method: method) {
            finish(keep: head.keepsAlive && start == bytes.count)
            return client.answered(self, head, bytes, body: start..<start, isWhole: true)
        }
        if head.isChunked {
            var body = ChunkedBody()
            switch body.next(bytes, from: start) {
            case .bad: return fail(.notProtocol)
            case .more:
                framing = .chunked(body)
                client.answered(self, head, bytes, body: start..<start, isWhole: false)
            case .end(let end):
                finish(keep: head.keepsAlive && end == bytes.count)
                client.answered(self, head, bytes, body: start..<start, isWhole: true)
            case .data(let range):
                takeFirstChunk(body, range, head, bytes, client)
            }
        } else if head.contentLength >= 0 {
            let have = bytes.count - start
            if have >= head.contentLength {
                finish(keep: head.keepsAlive && have == head.contentLength)
                client.answered(self, head, bytes, body: start..<start + head.contentLength, isWhole: true)
            } else {
                framing = .length(head.contentLength - have)
                client.answered(self, head, bytes, body: start..<bytes.count, isWhole: false)
            }
        } else {
            framing = .untilClose
            client.answered(self, head, bytes, body: start..<bytes.count, isWhole: false)
        }
    }

    /// A small page comes as one chunk and its end in one read: it is handed over where it lies.
    private func takeFirstChunk(
        _ first: ChunkedBody, _ range: Range<Int>, _ head: ResponseHead, _ bytes: Span<UInt8>,
        _ client: any UpstreamClient
    ) {
        var ahead = first
        if case .end(let end) = ahead.next(bytes, from: range.upperBound) {
            finish(keep: head.keepsAlive && end == bytes.count)
            return client.answered(self, head, bytes, body: range, isWhole: true)
        }
        framing = .chunked(first)
        client.answered(self, head, bytes, body: range, isWhole: false)
        if self.client != nil { takeBody(bytes, from: range.upperBound) }
    }

    private func takeBody(_ bytes: Span<UInt8>, from: Int) {
        guard let client else { return discard() }
        switch framing {
        case .length(let left):
            let have = bytes.count - from
            if have >= left {
                finish(keep: head.keepsAlive && have == left)
                client.received(bytes, from..<from + left, isLast: true)
            } else {
                framing = .length(left - have)
                client.received(bytes, from..<bytes.count, isLast: false)
            }
        case .untilClose:
            client.received(bytes, from..<bytes.count, isLast: false)
        case .chunked(var body):
            takeChunks(&body, bytes, from: from, client)
        case .rawChunks(var body):
            takeRawChunks(&body, bytes, from: from, client)
        }
    }

    private func takeChunks(
        _ body: inout ChunkedBody, _ bytes: Span<UInt8>, from: Int, _ client: any UpstreamClient
    ) {
        var at = from
        while true {
            switch body.next(bytes, from: at) {
            case .bad: return fail(.notProtocol)
            case .more:
                framing = .chunked(body)
                return
            case .end(let end):
                finish(keep: head.keepsAlive && end == bytes.count)
                return client.received(bytes, end..<end, isLast: true)
            case .data(let range):
                at = range.upperBound
                framing = .chunked(body)
                client.received(bytes, range, isLast: false)
                guard self.client != nil else { return }
                if case .rawChunks = framing {
                    return takeRawChunks(&body, bytes, from: at, client)
                }
            }
        }
    }

    private func takeRawChunks(
        _ body: inout ChunkedBody, _ bytes: Span<UInt8>, from: Int, _ client: any UpstreamClient
    ) {
        var at = from
        while true {
            switch body.next(bytes, from: at) {
            case .bad: return fail(.notProtocol)
            case .data(let range): at = range.upperBound
            case .more:
                framing = .rawChunks(body)
                if from < bytes.count { client.received(bytes, from..<bytes.count, isLast: false) }
                return
            case .end(let end):
                finish(keep: head.keepsAlive && end == bytes.count)
                return client.received(bytes, from..<end, isLast: true)
            }
        }
    }

    /// The answer is whole: the connection is free for the next request before its client goes on.
    private func finish(keep: Bool) {
        client = nil
        kept = []
        // An answer that came before the request had left says that the rest of the request was not wanted.
        if keep, !target.startsOnPost, let stream, stream.isOpen, stream.pendingBytes == 0 {
            state = .idle
            stream.resumeReading()
            relay.keep(self)
        } else {
            discard()
        }
    }
}
