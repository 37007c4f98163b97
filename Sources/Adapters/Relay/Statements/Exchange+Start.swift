import Engine
import Model
import Wire

/// How exchanges other than submissions begin.
extension Exchange {
    /// A GET of a tagged URI: asks the statement's cell, then the coordinator.
    func poll(
        _ head: RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, cell: Cell?, target: Target
    ) {
        self.tag = tag
        self.cell = cell
        attempt = tag.attempt
        buildRequest(head, bytes, path: path, target: target)
        guard let cell else { return send(fresh: false) }
        switch cell.poll(attempt: tag.attempt, sequence: tag.sequence, now: now) {
        case .relay(let isAdopted):
            isCounted = true
            if isAdopted {
                relay.report(
                    cell.key, .adopted(attempt: Int(tag.attempt), registration: target.coordinator.registration))
            }
            send(fresh: false)
        case .superseded: answerWaiting(cell.machine.sequence)
        case .own(let error): answerOwn(error)
        case .notFound: answerText(404, "Query not found\n")
        }
    }

    /// A request that is only passed on.
    func passOn(
        _ head: RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag?, cell: Cell?, target: Target
    ) {
        self.tag = tag
        self.cell = cell
        if let tag { attempt = tag.attempt }
        buildRequest(head, bytes, path: path, target: target)
        send(fresh: false)
    }

    /// The same with another path than the client's.
    func passOn(_ head: RequestHead, _ bytes: Span<UInt8>, renamed path: String, cell: Cell, target: Target) {
        self.cell = cell
        var joined = Array(path.utf8)
        let start = joined.count
        joined.append(contentsOf: bytes)
        buildRequest(head, joined.span, path: 0..<start, shiftedBy: start, target: target)
        send(fresh: false)
    }

    /// HEAD /v1/statement checks a user's credentials: it goes where this user's POST would.
    func checkUser(_ head: RequestHead, _ bytes: Span<UInt8>) {
        guard let target = targetOfSubmission(head, bytes) else {
            return answerText(503, "No coordinator can take statements now.\n")
        }
        buildRequest(head, bytes, path: head.target, target: target)
        send(fresh: false)
    }

    /// Assembles the DELETE of a cancel; a `Cancellation` sends it.
    func buildCancel(
        _ head: RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, cell: Cell, target: Target
    ) {
        self.tag = tag
        buildRequest(head, bytes, path: path, target: target)
    }

    /// Ends without an answer: somebody else gives it.
    func forget() {
        phase = .atRest
        front = nil
        cell = nil
    }
}
