import Engine
import Model
import Wire

/// How exchanges other than submissions begin.
extension Exchange {
    /// A GET of a tagged URI: asks the statement's cell, then the coordinator.
    func poll(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, cell: consuming Cell?,
        target: Target
    ) {
        self.tag = tag
        self.cell = cell
        attempt = tag.attempt
        buildRequest(head, bytes, path: path, target: target)
        let now = now
        switch self.cell.lend({ $0.poll(attempt: tag.attempt, sequence: tag.sequence, now: now) }) {
        case nil: send(fresh: false, on: target)
        case .relay(let isAdopted):
            isCounted = true
            if isAdopted {
                relay.report(
                    StatementKey(owner: tag.owner, number: tag.statement),
                    .adopted(attempt: Int(tag.attempt), registration: target.coordinator.registration))
            }
            if target.coordinator.health != .ready, moves() { return }
            send(fresh: false, on: target)
        case .rest(let until, let sequence):
            phase = .pausing(until: min(until, began + Self.waitingPollMilliseconds), sequence: sequence)
        case .superseded: answerCurrent()
        case .own(let error): answerOwn(error)
        case .kept: answerKept()
        case .notFound: answerText(404, "Query not found\n")
        }
    }

    /// A request that is only passed on.
    func passOn(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag?, cell: Cell?, target: Target
    ) {
        self.tag = tag
        self.cell = cell
        if let tag { attempt = tag.attempt }
        buildRequest(head, bytes, path: path, target: target)
        send(fresh: false)
    }

    /// The same with another path than the client's.
    func passOn(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, renamed path: String, cell: Cell, target: Target) {
        self.cell = cell
        var joined = Array(path.utf8)
        let start = joined.count
        joined.append(contentsOf: bytes)
        buildRequest(head, joined.span, path: 0..<start, shiftedBy: start, target: target)
        send(fresh: false)
    }

    /// HEAD /v1/statement checks a user's credentials: it goes where this user's POST would.
    func checkUser(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        guard let target = targetOfSubmission(head, bytes) else {
            return answerText(503, "No coordinator can take statements now.\n")
        }
        buildRequest(head, bytes, path: head.target, target: target)
        send(fresh: false)
    }

    /// Assembles the DELETE of a cancel; a `Cancellation` sends it.
    func buildCancel(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, cell: Cell, target: Target
    ) {
        self.tag = tag
        buildRequest(head, bytes, path: path, target: target)
    }

    /// The same for a path that the client did not send.
    func buildCancel(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, renamed path: [UInt8], target: Target) {
        var joined = path
        joined.append(contentsOf: bytes)
        buildRequest(head, joined.span, path: 0..<path.count, shiftedBy: path.count, target: target)
    }

    /// A poll of a statement that waited in a gateway that is gone: nobody knows more (design 4).
    /// - Parameter wasSubmitted: it may write, and was about to be sent to a pool that runs statements in the POST.
    func answerOwnerLost(_ tag: Tag, wasSubmitted: Bool) {
        self.tag = tag
        attempt = tag.attempt
        guard wasSubmitted else { return answerOwn(.ownerLost) }
        relay.report(
            StatementKey(owner: tag.owner, number: tag.statement),
            .ended(.lost, failure: OwnError.outcomeUnknown.rawValue, message: nil))
        answerOwn(.outcomeUnknown)
    }

    /// Ends without an answer: somebody else gives it.
    func forget() {
        phase = .atRest
        cell = nil
    }
}
