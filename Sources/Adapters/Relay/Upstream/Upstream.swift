import Network
import Wire

/// Why an upstream exchange got no whole answer.
enum UpstreamFailure: Equatable {
    /// The connect reached nobody: not a byte was written.
    case refused
    /// A reused connection ended before the first byte of an answer: it was stale, nothing happened.
    case stale
    /// The connection ended before the first byte of an answer.
    case reset
    /// The connection ended before a whole answer.
    case cut
    /// What came is no HTTP.
    case notProtocol
}

/// Who sent a request upstream and takes the answer.
protocol UpstreamClient: AnyObject {
    /// The head of the answer is there, with what of the body came in the same read and lies in one piece.
    func answered(
        _ upstream: Upstream, _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>, isWhole: Bool)
    /// More of the body; after the last of it the connection is no longer the client's.
    func received(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool)
    /// The connection is gone, or never was.
    func failed(_ failure: UpstreamFailure)
}

/// One connection to a coordinator: it sends one request at a time and takes its answer apart.
final class Upstream: StreamOwner {
    enum State {
        /// Nothing asked: a byte or an end closes the connection.
        case idle
        /// A request was sent (or waits for the connect); no byte of the answer has come.
        case asked
        /// The head, or the body, is coming.
        case answering
        case closed
    }

    enum Framing {
        case length(Int)
        case chunked(ChunkedBody)
        /// As `chunked`, but what comes is handed on with its framing.
        case rawChunks(ChunkedBody)
        case untilClose
    }

    let relay: RelayLoop
    /// Where it leads; replaced by the newest table's view of the same coordinator when it is reused.
    var target: Target
    /// Since when it is idle.
    var idleSince: Int64 = 0
    private let stream: Stream
    var client: (any UpstreamClient)?
    var state = State.idle
    private(set) var isConnected = false
    private var isReused = false
    var method = Method.get
    /// A head that is not whole, while `headWaits`.
    var head: ResponseHead?
    var headWaits = false
    var kept: [UInt8] = []
    var framing = Framing.untilClose
    var hasHead = false
    /// What the head said of the connection.
    var keepsAlive = false

    init?(_ relay: RelayLoop, _ target: Target) {
        guard let address = target.address else { return nil }
        self.relay = relay
        self.target = target
        stream = Stream(relay.loop)
        stream.connect(address, owner: self)
    }

    /// Whether a request may be sent on it.
    var isUsable: Bool { state == .idle && stream.isOpen }

    /// Sends a request: its head, and its body if that is not behind it already. Answers why it could not, if so; the
    /// client is told nothing from within this call.
    func send(
        _ method: Method, head requestHead: Span<UInt8>, body: Span<UInt8>, for client: any UpstreamClient
    ) -> UpstreamFailure? {
        self.client = client
        self.method = method
        isReused = isConnected
        state = .asked
        hasHead = false
        guard stream.isOpen else {
            discard()
            return isReused ? .stale : .refused
        }
        stream.resumeReading()
        stream.write(requestHead, body)
        return nil
    }

    /// The client wants no more of it: what still comes is not wanted either.
    func discard() {
        client = nil
        guard state != .closed else { return }
        state = .closed
        stream.close()
    }

    /// Asks the coordinator to wait.
    func pause() { stream.pauseReading() }
    /// Goes on.
    func resume() { stream.resumeReading() }

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
            finish(keep: false)?.received([UInt8]().span, 0..<0, isLast: true)
            return
        }
        lost()
    }

    func closed(_ reason: CloseReason) {
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
        case .asked: fail(isReused ? .stale : .reset)
        case .answering: fail(.cut)
        case .closed: break
        }
    }

    func fail(_ failure: UpstreamFailure) {
        let client = client
        discard()
        client?.failed(failure)
    }

    /// The answer is whole: the connection is free for the next request before its client goes on, which is the answer.
    func finish(keep: Bool) -> (any UpstreamClient)? {
        let client = client.take()
        if !kept.isEmpty { kept = [] }
        // An answer that came before the request had left says that the rest of the request was not wanted.
        if keep, !target.startsOnPost, stream.isOpen, stream.pendingBytes == 0 {
            state = .idle
            stream.resumeReading()
            relay.keep(self)
        } else {
            discard()
        }
        return client
    }
}
