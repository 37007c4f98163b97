import Bytes
import Engine
import Model
import Network
import Wire

/// One request of a client and what becomes of it: sent to a coordinator, answered, relayed (design 3, 'One exchange').
///
/// It belongs to a front, which has one request at a time; when the client goes away it may go on by itself. What is
/// decided about the statement is decided in Engine; this class only acts.
final class Exchange: UpstreamClient, Ticking {
    /// What the client asked for.
    enum Purpose: Equatable {
        /// POST /v1/statement.
        case submission
        /// GET of a tagged URI.
        case poll
        /// GET of a wait page's nextUri.
        case wait
        /// Anything else that is only passed on.
        case pass
        /// DELETE /v1/query/{id}: what the coordinator answers decides.
        case cancelByID
    }

    enum Phase: Equatable {
        case atRest
        /// Sent, no byte of an answer yet.
        case asked
        /// The page is being assembled, until it is whole, or large and not the last.
        case assembling
        /// An answer that is no page is being assembled, for what it says of the failure.
        case judging
        /// The page leaves and is scanned on its way.
        case walking
        /// What comes leaves as it is.
        case streaming
        /// What comes is dropped.
        case dropping
        /// Answers by itself when the time has come.
        case pausing(until: Int64, sequence: UInt32)
        /// The answer waits for the store.
        case holding
        /// The statement waits here; its turn is looked for at every tick, and the client is answered by then.
        case waiting(until: Int64)
        /// The next attempt is about to be submitted there, when the store has what must not be forgotten.
        case storing(RetryTarget)
    }

    /// How the body is framed towards the client.
    enum Framing: Equatable {
        /// By Content-Length: bytes as they are.
        case length
        /// In chunks of our own.
        case chunks
        /// In the coordinator's chunks.
        case rawChunks
        /// By the end of the connection (HTTP/1.0).
        case close
    }

    let relay: RelayLoop
    /// The loop's.
    let out: Output
    /// The connection that it belongs to, until its client is gone.
    var front: Front?
    var upstream: Upstream?
    var purpose = Purpose.pass
    var phase = Phase.atRest
    var method = Method.get
    var target: Target?
    var cell: Cell?
    var tag: Tag?
    var attempt: UInt16 = 1
    /// `scheme://host:port` as this client is to see it.
    var base: [UInt8] = []
    var isHTTP10 = false

    // The request, kept for as long as it may have to be sent again.
    /// The head as the coordinator gets it, and the body behind it if that is small.
    var requestHead: [UInt8] = []
    /// A statement's request as the client sent it: its capsule takes it over.
    var request: [UInt8] = []
    /// Where the statement's text is in it; empty where it has none.
    var sql = 0..<0
    /// What the body takes of `limits.bodies`.
    var bodyBudget = 0
    /// The target's path within `requestHead`.
    var path = 0..<0
    /// What a statement that waited is submitted from.
    var capsule: Capsule?
    /// What the client's newest statement told; its next one mostly tells the same.
    var told: Submission?
    /// When the statement's POST was taken, while history was told nothing of it.
    var untold: Timestamp?
    /// The request under way is the statement's POST.
    var isSubmitting = false
    /// Field lines with newer credentials than the capsule's.
    var credentials: [UInt8] = []
    /// The fields that these are.
    var newerCredentials: [FieldName] = []
    /// Counts what waits for the store, so that its answer finds the one that asked.
    var turns: UInt32 = 0

    // Time.
    var began: Int64 = 0
    var connectBy: Int64 = .max
    var answerBy: Int64 = .max
    var wasReplayed = false
    var repeats = 0

    // The answer.
    var hasLeft = false
    var scanner = PageScanner()
    /// Bytes of a page that wait to be whole, or that the scanner wants again.
    var page: [UInt8] = []
    /// How far the page that is assembled was scanned: only one that may be the last is, before it is whole.
    var scanned = 0
    /// Until when such a page is kept back.
    var keepBackBy: Int64 = 0
    var pageBudget = 0
    /// The head towards the client, without its framing.
    var answerHead: [UInt8] = []
    /// The lines of our own in the last page's head, and what they name.
    var ownLines: [UInt8] = []
    var ownNames: Tag?
    var answerLength = -1
    var answerChunked = false
    var answerStatus = 0
    /// The sequence that tags in the page that leaves carry.
    var sequence: UInt32 = 0
    var framing = Framing.length
    var owesLineEnd = false
    /// The head waits in the loop's output, and so many bytes behind it in the read: they leave with what follows them.
    var unsent: Int?
    var startedTransaction: String?
    var clearsTransaction = false
    /// The answer's head changes the client's session.
    var changesSession = false
    var answerRetryAfter: Duration?
    /// What failed last may still run on its coordinator.
    var mayStillRun = false
    /// A poll was written, so that it may have started the attempt.
    var wasWritten = false
    /// The nextUri of the page that leaves is to be remembered.
    var remembersNext = false
    /// The nextUri that left last, and what the tags of this client's pages have in common.
    var handed = HandedURI()
    var nextTags = TagTrail()
    var cancelTags = TagTrail()
    var heldAnswer: [UInt8] = []
    var isPaused = false
    /// The statement's machine counts this exchange.
    var isCounted = false

    /// Bodies up to this many bytes lie behind their head, so that both leave in one piece.
    static let smallBody = 4096
    /// Room for a head that a connection at rest keeps for its next request: it holds 4 KiB at most (design 9).
    private static let roomAtRest = 1 << 10

    init(_ relay: RelayLoop) {
        self.relay = relay
        out = relay.out
        base = relay.hub.externalBase ?? []
    }

    var now: Int64 { relay.now }

    /// Begins a request of the front.
    func begin(_ purpose: Purpose, _ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        begin(purpose, method: head.method, isHTTP10: head.version == .http10)
        if relay.hub.externalBase == nil { noteBase(bytes, host: head.host) }
    }

    /// Begins what sends no request of its own. What `letGo` gave back is not looked at again.
    func begin(_ purpose: Purpose, method: Method, isHTTP10: Bool) {
        precondition(phase == .atRest)
        self.purpose = purpose
        self.method = method
        self.isHTTP10 = isHTTP10
        began = now
        wasReplayed = false
        repeats = 0
        hasLeft = false
        attempt = 1
        tag = nil
        // A poll brings its own, which nearly always is the last one's.
        if purpose != .poll { target = nil }
        // Nothing was assembled yet: what the last request left behind is another statement's.
        path = 0..<0
        wasWritten = false
        remembersNext = false
        owesLineEnd = false
        answerLength = -1
    }

    /// Notes how this client called us; nearly always as before.
    private func noteBase(_ bytes: Span<UInt8>, host: Range<Int>) {
        let scheme: StaticString = "http://"
        let start = scheme.utf8CodeUnitCount
        let isKnown = base.lend { kept in
            kept.count == start + host.count && equals(kept, start..<kept.count, bytes.extracting(host))
        }
        if isKnown, !host.isEmpty { return }
        base = Array("http://".utf8)
        if host.isEmpty {
            base.append(contentsOf: relay.hub.listenAuthority.withLock { $0 }.utf8)
        } else {
            base.append(contentsOf: bytes.extracting(host))
        }
    }

    /// Takes over a request that has come whole, its text behind its head.
    func take(_ request: [UInt8], headEnd: Int) {
        self.request = request
        sql = headEnd..<request.count
    }

    // MARK: Failures

    func failed(_ failure: UpstreamFailure) {
        upstream = nil
        guard phase != .dropping else { return end() }
        if phase == .judging { return judgeCut() }
        if hasLeft { return breakOff() }
        switch failure {
        case .refused: handle(.refused)
        case .stale:
            if wasReplayed { return handle(.reset) }
            wasReplayed = true
            sendAgain()
        case .reset: handle(.reset)
        case .cut: handle(.cut)
        case .notProtocol: handle(.notProtocol)
        }
    }

    /// The exchange brought no usable answer.
    func handle(_ event: FailureEvent) {
        giveBackPage()
        if isSubmitting { return submissionFailed(event) }
        switch purpose {
        case .submission, .wait: end()
        case .poll: pollFailed(event)
        case .pass, .cancelByID:
            answerText(502, "The coordinator did not answer (\(event.rawValue)). Ask again later.\n")
        }
    }

    /// A body that had begun to leave cannot be completed: the client must see that it is cut.
    func breakOff() {
        if isSubmitting { lostItsAnswer() }
        let isPost = purpose == .submission
        let front = letGo()
        // Clients send a POST again on a reset, so its answer ends without one where its framing shows the cut.
        if isPost, framing != .close { front?.cut() } else { front?.abort() }
    }

    // MARK: Time

    @discardableResult
    func tick(_ now: Int64) -> Bool {
        if untold != nil { tellSubmission() }
        switch phase {
        case .atRest: return false
        case .holding:
            // A store that hangs must not hang clients: what it was to keep is in memory.
            if now >= answerBy { release() }
        case .pausing(let until, let sequence):
            if moves() { return true }
            if now >= until { answerWaiting(sequence) }
        case .judging:
            if now >= answerBy { judgeStatus(isWhole: false) }
        case .waiting: attend()
        case .storing(let target):
            if now >= answerBy { giveBackTurn(target, .store, delay: 0) }
        case .asked, .assembling:
            if moves() || givesUpSubmission() { return true }
            if now >= connectBy, upstream?.isConnected == false {
                dropUpstream()
                handle(.refused)
            } else if now >= answerBy {
                dropUpstream()
                if phase == .assembling { handle(.cut) } else { handle(.noAnswer) }
            }
        case .walking, .streaming, .dropping:
            if now >= answerBy, !isPaused {
                if phase == .dropping { end() } else { breakOff() }
            }
        }
        return phase != .atRest
    }

    // MARK: The client

    /// The client's connection is gone.
    func clientGone() {
        front = nil
        let readsOn: Bool
        switch phase {
        case .atRest: return
        case .holding, .pausing, .waiting: readsOn = false
        case .storing:
            readsOn = false
            giveTurnAway()
        case .asked, .assembling, .judging:
            // What is kept back is read on to its end: it may be the last page.
            readsOn =
                isSubmitting || purpose == .cancelByID || target?.startsOnPost == true || scanned > 0
        case .walking: readsOn = !scanner.hasNext || target?.startsOnPost == true
        case .streaming, .dropping: readsOn = target?.startsOnPost == true
        }
        if isPaused {
            isPaused = false
            upstream?.resume()
        }
        settle()
        if readsOn, upstream != nil {
            relay.adopt(self)
        } else {
            end()
        }
    }

    /// What was queued for the client has left.
    func clientDrained() {
        settle()
        if isPaused {
            isPaused = false
            answerBy = now + relay.limits.readerProgress
            upstream?.resume()
        }
    }

    /// Ends the exchange; the front, if there still is one, goes on with the next.
    func end() { letGo()?.exchangeEnded() }

    /// Gives back everything that the exchange holds of its statement, and answers the front that it belongs to.
    private func letGo() -> Front? {
        phase = .atRest
        isPaused = false
        unsent = nil
        dropUpstream()
        giveBackPage()
        dropBody()
        if capsule != nil { capsule = nil }
        if untold != nil { tellSubmission() }
        isSubmitting = false
        dropCredentials()
        if requestHead.capacity > Self.roomAtRest { requestHead = [] }
        if answerHead.capacity > Self.roomAtRest { answerHead = [] }
        if let cell {
            if isCounted { cell.exchangeEnded(now: now) }
            isCounted = false
            self.cell = nil
        }
        return front
    }

    /// Lets the credentials go that a poll brought.
    private func dropCredentials() {
        guard !newerCredentials.isEmpty else { return }
        credentials = []
        newerCredentials = []
    }

    /// Lets the request's body go.
    func dropBody() {
        if !request.isEmpty {
            request = []
            sql = 0..<0
        }
        if bodyBudget > 0 {
            relay.hub.bodyBytes.giveBack(bodyBudget)
            bodyBudget = 0
        }
    }
}
