import Engine
import Model

/// Answers that wait for the store, and the transactions for which they do.
extension Exchange {
    /// A transaction that ended is pinned no longer.
    func noteTransaction() {
        guard clearsTransaction, let id = cell?.submission?.transaction else { return }
        unpin(id)
    }

    func unpin(_ id: String) {
        relay.hub.pins.remove(id)
        relay.hub.sink.accept(.unpin(id: id))
    }

    /// The page that begins a transaction leaves after its pin is stored.
    func hold(transaction id: String, at target: Target) {
        keepAnswer()
        pin(id, at: target, stored: relay.hold(releasing()))
    }

    func pin(_ id: String, at target: Target, stored: (@Sendable () -> Void)?) {
        let now = relay.hub.clock.now()
        let registration = target.coordinator.registration
        relay.hub.pins.add(id, registration: registration, now: now)
        relay.hub.sink.accept(
            .pin(TransactionPin(id: id, registration: registration, used: now), stored: stored))
    }

    /// The answer in the loop's output waits for the store, `limits.cancel_answer` at most.
    func keepAnswer() {
        out.copy(into: &heldAnswer)
        phase = .holding
        answerBy = now + relay.limits.cancelAnswer
    }

    /// Releases the answer that is kept now, and none that is kept later.
    func releasing() -> () -> Void {
        let turn = nextTurn()
        return { [self] in
            if turns == turn { release() }
        }
    }

    /// What the answer waited for is stored.
    func release() {
        guard phase == .holding else { return }
        hasLeft = true
        let answer = heldAnswer
        heldAnswer = []
        front?.write(answer.span)
        end()
    }
}
