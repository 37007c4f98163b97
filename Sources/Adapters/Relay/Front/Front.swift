import Engine
import Network
import Wire

/// One client connection: takes heads and bodies apart, has one exchange at a time, answers in order.
final class Front: StreamOwner {
    enum State: Equatable {
        /// Between requests, or in the middle of a head.
        case head
        /// A body is coming; nothing is answered yet.
        case body
        /// A body wants to come, and there is no room for it.
        case bodyWaits
        /// An exchange, or a cancel, is under way.
        case exchange
        /// The last answer was given, the connection is closing.
        case closing
    }

    let relay: RelayLoop
    /// Its place among the loop's fronts.
    var slot = -1
    /// The answer under way is the connection's last.
    var closesAfterAnswer: Bool {
        get { isLastAnswer || relay.hub.isClosing.load(ordering: .relaxed) }
        set { isLastAnswer = newValue }
    }
    var isLastAnswer = false
    let stream: Stream
    var state = State.head
    /// A head that is not whole, or whose body is not.
    var head: RequestHead?
    /// The method of the request that is answered.
    var method = Method.other
    let exchange: Exchange
    private var cancellation: Cancellation?
    /// Bytes that came and are not used: part of a head, or of the next request.
    var kept: [UInt8] = []
    /// What the head takes of `limits.heads`.
    var headBudget = 0
    var isPaused = false
    var sawEnd = false
    var isProcessing = false
    /// A part of a head has come.
    var headWaits = false
    var deadline: Int64 = .max
    private var pendingAtTick = 0
    /// Bytes that `relay.hub.pendingBytes` counts for this client.
    private var notedPending = 0
    private var progressBy: Int64 = .max

    // The body that is coming.
    /// The request as far as it has come: its head and the body behind it.
    var request: [UInt8] = []
    var headEnd = 0
    var bodyLeft = 0
    var chunks: ChunkedBody?
    var bodyBudget = 0

    /// Bytes of the next request that are kept while one is answered.
    private static let maximumAhead = 16 << 10

    init(_ relay: RelayLoop) {
        self.relay = relay
        stream = Stream(relay.loop)
        exchange = Exchange(relay)
        exchange.front = self
    }

    func open(_ descriptor: OwnedDescriptor) {
        deadline = relay.now + relay.limits.idleClient
        stream.open(descriptor, owner: self)
    }

    // MARK: StreamOwner

    func connected() {}

    func received(_ bytes: Span<UInt8>) {
        switch state {
        case .head:
            if kept.isEmpty {
                let used = process(bytes)
                guard state != .closing else { return }
                if used < bytes.count { keep(bytes.extracting(used..<bytes.count)) }
                processMore()
            } else {
                kept.append(contentsOf: bytes)
                processKept()
            }
        case .body:
            deadline = relay.now + relay.limits.bodyProgress
            takeBody(bytes)
        case .bodyWaits, .exchange:
            kept.append(contentsOf: bytes)
            if kept.count > Self.maximumAhead, !isPaused {
                isPaused = true
                stream.pauseReading()
            }
        case .closing: break
        }
    }

    func drained() {
        progressBy = .max
        pendingAtTick = 0
        notePending()
        exchange.clientDrained()
    }

    func ended() {
        sawEnd = true
        switch state {
        // A request that is not whole never becomes so; one that is gets its answer first.
        case .head, .body, .bodyWaits: finish()
        case .exchange: if kept.isEmpty { closesAfterAnswer = true }
        case .closing: break
        }
    }

    func closed(_ reason: CloseReason) {
        state = .closing
        releaseBudgets()
        notePending()
        relay.remove(self)
        exchange.clientGone()
        cancellation?.clientGone()
        cancellation = nil
    }

    // MARK: The exchange

    /// Has the request answered whose head the loop has parsed.
    func dispatch(_ bytes: Span<UInt8>) {
        let wasProcessing = isProcessing
        isProcessing = true
        relay.lendRequestHead { head in
            method = head.method
            handle(head, bytes)
        }
        isProcessing = wasProcessing
    }

    /// Goes on with what came behind the request, if that was answered at once.
    func processMore() {
        if state == .head, !kept.isEmpty, !isProcessing, !headWaits { processKept() }
    }

    /// A cancel is under way instead of an exchange.
    func begin(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// A coordinator refused a cancel: its answer passes, with its challenge.
    func passRefusal(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>) {
        cancellation = nil
        exchange.begin(.pass, method: .delete, isHTTP10: false)
        exchange.pass(head, bytes, body, true)
    }

    /// The answer has been written: goes on with the next request.
    func exchangeEnded() {
        if cancellation != nil { cancellation = nil }
        guard state == .exchange else { return }
        releaseHead()
        exchange.dropBody()
        if closesAfterAnswer { return finish() }
        state = .head
        deadline = relay.now + relay.limits.idleClient
        if isPaused {
            isPaused = false
            stream.resumeReading()
        }
        processMore()
        // All requests that came before the client's end are answered.
        if sawEnd, state == .head, !isProcessing { finish() }
    }

    // MARK: Writing

    /// Notes what waits for this client, for the sum over all of them (`limits.relay_buffers`).
    @discardableResult
    func notePending() -> Int {
        let pending = stream.pendingBytes
        if pending != notedPending {
            relay.hub.pendingBytes.add(pending - notedPending)
            notedPending = pending
        }
        return pending
    }

    func write(_ bytes: Span<UInt8>) { stream.write(bytes) }
    func write(_ first: Span<UInt8>, _ second: Span<UInt8>) { stream.write(first, second) }

    func writeText(_ text: StaticString) {
        relay.out.clear()
        relay.out.put(text)
        relay.out.withBytes { stream.write($0) }
    }

    /// Answers a request that is not handled, and closes the connection: what follows cannot be trusted.
    func refuse(_ status: Int, _ text: String) {
        relay.counters.refused += 1
        let out = relay.out
        out.clear()
        out.put("HTTP/1.1 ")
        out.put(decimal: status)
        out.put(" ")
        out.put(reasonPhrase(status))
        out.put("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ")
        out.put(decimal: text.utf8.count)
        out.put("\r\n\r\n")
        out.put(text: text)
        out.withBytes { stream.write($0) }
        finish()
    }

    // MARK: Endings

    /// Ends the connection after what was written has left.
    private func finish() {
        guard state != .closing else { return }
        state = .closing
        kept = []
        head = nil
        releaseBudgets()
        stream.finish()
    }

    /// Ends the connection so that a cut body looks cut.
    func abort() {
        guard state != .closing else { return }
        state = .closing
        stream.abort()
    }

    /// Ends the connection without a reset, in the middle of an answer.
    func cut() {
        guard state != .closing else { return }
        state = .closing
        stream.cut()
    }

    /// Closes a connection that is between requests.
    func closeIfResting() {
        if state == .head, !headWaits { finish() }
    }

    private func releaseBudgets() {
        releaseHead()
        relay.hub.bodyBytes.giveBack(bodyBudget)
        bodyBudget = 0
        request = []
    }

    // MARK: Time

    func tick(_ now: Int64) {
        watchReader(now)
        switch state {
        case .head:
            guard now >= deadline else { return }
            if headWaits {
                refuse(408, "The request's head was not whole in time (limits.head_time).\n")
            } else {
                finish()
            }
        case .body:
            if now >= deadline { refuse(408, "The request's body made no progress (limits.body_progress).\n") }
        case .bodyWaits:
            if reserveBody(bodyLeft) {
                state = .body
                deadline = now + relay.limits.bodyProgress
                isPaused = false
                stream.resumeReading()
                if head?.expectsContinue == true { writeText("HTTP/1.1 100 Continue\r\n\r\n") }
                let bytes = kept
                kept = []
                takeBody(bytes.span)
            } else if now >= deadline {
                refuse(503, "The gateway had no room for the statement in time (limits.bodies). Try again later.\n")
            }
        case .exchange:
            _ = exchange.tick(now)
            _ = cancellation?.tick(now)
        case .closing: break
        }
    }

    /// A reader that makes no progress loses the connection.
    private func watchReader(_ now: Int64) {
        let pending = notePending()
        guard pending > 0 else {
            progressBy = .max
            return
        }
        if pending != pendingAtTick || progressBy == .max {
            pendingAtTick = pending
            progressBy = now + relay.limits.readerProgress
        } else if now >= progressBy {
            stream.abort()
        }
    }
}
