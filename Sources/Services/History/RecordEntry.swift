import Engine
import Model

/// A record in the book, with what is known of its way to the store. A class, because it stands in a queue and in the
/// book at once and is changed in place; it never leaves the book.
final class RecordEntry {
    /// How much an event changed.
    enum Change {
        /// Nothing.
        case none
        /// That it runs now: worth no write of its own.
        case little
        /// More than that.
        case much
    }
    /// The queue that it stands in.
    enum Place {
        case none
        case ended
        case settling
        case resting
    }

    var record: StatementRecord
    /// Raised with each change.
    var revision: UInt32 = 1
    /// The revision that is in the store; 0: none.
    var written: UInt32 = 0
    var place = Place.none
    /// Since when it stands there, on the monotonic clock.
    var waiting: Int64
    /// When an event came last.
    var touched: Int64
    /// Whether it is known who submitted it.
    var hasBegun = false
    /// Whether its end was told.
    var isTold = false
    /// Whether the book holds it no more.
    var isGone = false
    /// Submissions that others of the same attempt came after.
    var earlier: [Submission] = []
    /// When a page last showed that it runs.
    var ran: Timestamp?

    init(_ record: StatementRecord, now: Int64) {
        self.record = record
        waiting = now
        touched = now
        if record.state == .running { ran = record.attempts.last?.started ?? record.submitted }
    }

    var isUnwritten: Bool { revision != written }

    /// Takes an event into the record.
    func take(_ event: StatementEvent) -> Change {
        let change = apply(event)
        switch change {
        case .none: break
        case .little, .much: revision += 1
        }
        return change
    }

    private func apply(_ event: StatementEvent) -> Change {
        switch event.change {
        case .submitted(let user, let source, let group, let kind):
            hasBegun = true
            record.submitted = event.at
            record.user = user
            record.source = source
            record.group = group
            record.kind = kind
        case .attempted(let number, let pool, let coordinator, let registration):
            attempted(
                Submission(attempt: number, pool: pool, coordinator: coordinator, at: event.at),
                registration: registration)
        case .answered(let number, let queryID):
            record.withAttempt(number, at: event.at) { $0.queryID = queryID }
            if !record.queryIDs.contains(queryID) { record.queryIDs.append(queryID) }
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

    private static func cut(_ message: String?) -> String? {
        message.map { String($0.prefix(StatementRecord.messageLength)) }
    }

    private func adopted(_ registration: UInt32, at time: Timestamp) -> Change {
        if record.registration == 0 { record.registration = registration }
        guard record.state == .abandoned || record.state == .lost else { return .none }
        record.state = .running
        ran = time
        record.ended = nil
        record.failure = nil
        record.message = nil
        isTold = false
        if let last = record.attempts.last, last.failure == nil {
            record.withAttempt(last.number, at: time) { $0.ended = nil }
        }
        conclude()
        return .much
    }

    /// Puts what events told before the record was found upon it.
    func putUpon(_ earlier: RecordEntry) {
        earlier.isGone = true
        revision = earlier.revision + 1
        let told = earlier.record
        for sent in earlier.earlier { attempted(sent, registration: told.registration) }
        for attempt in told.attempts {
            if !attempt.coordinator.isEmpty {
                let sent = Submission(
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
