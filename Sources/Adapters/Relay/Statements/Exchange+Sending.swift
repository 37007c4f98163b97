import Engine
import Wire

/// The request on its way to the coordinator.
extension Exchange {
    /// Sends the request once more, unless the statement has gone on or ended meanwhile (design 3, 'Ask first').
    func sendAgain() {
        if let cell, isCounted || isSubmitting {
            let machine = cell.machine
            if machine.wasEndedHere || machine.isWaiting || machine.attempt > attempt { return answerCurrent() }
            if !isSubmitting { cell.pollRepeated(attempt: attempt) }
        }
        send(fresh: true)
    }

    /// Sends the request to the target.
    func send(fresh: Bool) {
        guard let target else { return handle(.refused) }
        send(fresh: fresh, on: target)
    }

    func send(fresh: Bool, on target: Target) {
        if !page.isEmpty { page.removeAll(keepingCapacity: true) }
        phase = .asked
        guard let upstream = relay.upstream(to: target, fresh: fresh) else { return handle(.refused) }
        wasWritten = !isSubmitting
        let now = now
        connectBy = upstream.isConnected ? .max : now + relay.limits.connect
        // A server that runs statements in the POST has all the time for them, and for nothing else.
        answerBy = now + (isSubmitting ? relay.limits.submitAnswer : relay.limits.pollAnswer)
        if target.startsOnPost, purpose != .pass, purpose != .cancelByID { answerBy = .max }
        let method = isSubmitting ? .post : method
        let failure = requestHead.lend { head in
            guard sql.count > Self.smallBody else { return upstream.send(method, head: head, body: Span(), for: self) }
            let request = request
            return upstream.send(method, head: head, body: request.span.extracting(sql), for: self)
        }
        if let failure { return failed(failure) }
        self.upstream = upstream
    }

    /// Lets the upstream connection go, with whatever it still brings.
    func dropUpstream() {
        guard let upstream else { return }
        upstream.discard()
        self.upstream = nil
    }
}
