import Engine
import Model

/// What befell a statement, put together from what is told of it: for those to which more happened than that they were
/// sent once and answered.
final class Story {
    var record: StatementRecord
    /// Whether it is known who submitted it.
    var hasBegun: Bool
    /// Times that it was sent, of which others of the same attempt came after.
    var earlier: [Sending] = []
    /// When a page last showed that it runs.
    var ran: Timestamp?

    /// A record, as far as it is known.
    init(_ record: StatementRecord, hasBegun: Bool, ran: Timestamp?) {
        self.record = record
        self.hasBegun = hasBegun
        self.ran = ran
    }

    /// Takes an event into the record.
    func take(_ event: StatementEvent) -> StatementCourse.News {
        switch event.change {
        case .submitted(let submission, let place, let queryID):
            hasBegun = true
            record.submitted = event.at
            record.user = submission.user
            record.source = submission.source
            record.group = submission.group
            record.kind = submission.kind
            if let place { sent(1, to: place, at: event.at) }
            if let queryID { answered(1, queryID, at: event.at) }
        case .attempted(let number, let place): sent(number, to: place, at: event.at)
        case .answered(let number, let queryID): answered(number, queryID, at: event.at)
        case .running:
            guard !record.state.isTerminal else { return .none }
            ran = max(ran ?? event.at, event.at)
            let before = record.state
            conclude()
            return record.state == before ? .none : .little
        case .judged(let verdict, let coordinator):
            judged(VerdictRecord(verdict, pool: "", coordinator: coordinator, at: event.at))
        case .waits(let reason):
            guard waits(reason, since: event.at) else { return .none }
        case .adopted(_, let registration):
            return adopted(registration, at: event.at)
        case .ended(let state, let failure, let message):
            guard !record.state.isTerminal else { return .none }
            record.state = state
            record.ended = event.at
            record.failure = failure
            record.message = Self.cut(message)
        }
        conclude()
        return .much
    }

    private func sent(_ number: Int, to place: Place, at time: Timestamp) {
        attempted(
            Sending(attempt: number, pool: place.pool, coordinator: place.coordinator, at: time),
            registration: place.registration)
    }

    private func answered(_ number: Int, _ queryID: String, at time: Timestamp) {
        record.withAttempt(number, at: time) { $0.queryID = queryID }
        if !record.queryIDs.contains(queryID) { record.queryIDs.append(queryID) }
    }

    private static func cut(_ message: String?) -> String? {
        message.map { String($0.prefix(StatementRecord.messageLength)) }
    }

    private func adopted(_ registration: UInt32, at time: Timestamp) -> StatementCourse.News {
        if record.registration == 0 { record.registration = registration }
        guard record.state == .abandoned || record.state == .lost else { return .none }
        record.state = .running
        ran = time
        record.ended = nil
        record.failure = nil
        record.message = nil
        if let last = record.attempts.last, last.failure == nil {
            record.withAttempt(last.number, at: time) { $0.ended = nil }
        }
        conclude()
        return .much
    }

    /// Puts what events told before the record was found upon it.
    func putUpon(_ earlier: Story) {
        let told = earlier.record
        for sent in earlier.earlier { attempted(sent, registration: told.registration) }
        for attempt in told.attempts {
            if !attempt.coordinator.isEmpty {
                let sent = Sending(
                    attempt: attempt.number, pool: attempt.pool, coordinator: attempt.coordinator, at: attempt.started)
                attempted(sent, registration: told.registration)
            }
            record.withAttempt(attempt.number, at: attempt.started) { known in
                known.queryID = attempt.queryID ?? known.queryID
            }
        }
        for verdict in told.verdicts { judged(verdict) }
        for wait in told.waits { _ = waits(wait.reason, since: wait.began) }
        if let ran = earlier.ran { self.ran = max(self.ran ?? ran, ran) }
        record.queryIDs += told.queryIDs.filter { !record.queryIDs.contains($0) }
        let wasGivenUp = record.state == .abandoned || record.state == .lost
        if told.state.isTerminal, !record.state.isTerminal || wasGivenUp {
            record.state = told.state
            record.ended = told.ended
            record.failure = told.failure
            record.message = told.message
        }
        conclude()
    }
}
