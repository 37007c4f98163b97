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
    /// The error that it ended with.
    private var failure: String?
    private var message: String?

    init(_ record: StatementRecord, now: Int64) {
        self.record = record
        waiting = now
        touched = now
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
            attempted(number, pool: pool, coordinator: coordinator, registration: registration, at: event.at)
        case .answered(let number, let queryID):
            record.withAttempt(number, at: event.at) { $0.queryID = queryID }
            if !record.queryIDs.contains(queryID) { record.queryIDs.append(queryID) }
        case .running:
            guard !record.state.isTerminal, record.state != .running else { return .none }
            record.state = .running
            return .little
        case .attemptFailed(let number, let failure, let message):
            record.withAttempt(number, at: event.at) { attempt in
                attempt.failure = failure
                attempt.message = message.map { String($0.prefix(2000)) }
                attempt.ended = event.at
            }
        case .judged, .waits:
            return .none
        case .adopted(_, let registration):
            return adopted(registration, at: event.at)
        case .ended(let state, let failure, let message):
            guard !record.state.isTerminal else { return .none }
            record.state = state
            record.ended = event.at
            self.failure = failure
            self.message = message.map { String($0.prefix(2000)) }
        }
        closeLastAttempt()
        return .much
    }

    private func attempted(_ number: Int, pool: String, coordinator: String, registration: UInt32, at time: Timestamp) {
        if record.state == .waiting { record.state = .queued }
        record.withAttempt(number, at: time) { attempt in
            attempt.pool = pool
            attempt.coordinator = coordinator
            attempt.started = time
        }
        guard number == record.attempts.last?.number else { return }
        record.pool = pool
        record.coordinator = coordinator
        record.registration = registration
    }

    private func adopted(_ registration: UInt32, at time: Timestamp) -> Change {
        if record.registration == 0 { record.registration = registration }
        guard record.state == .abandoned || record.state == .lost else { return .none }
        record.state = .running
        record.ended = nil
        isTold = false
        if let last = record.attempts.last, last.failure == nil {
            record.withAttempt(last.number, at: time) { $0.ended = nil }
        }
        return .much
    }

    /// The last attempt of a statement that ended has ended with it, whichever was heard of first.
    private func closeLastAttempt() {
        guard let ended = record.ended, let last = record.attempts.last?.number else { return }
        record.withAttempt(last, at: ended) { attempt in
            attempt.ended = attempt.ended ?? ended
            attempt.failure = attempt.failure ?? failure
            attempt.message = attempt.message ?? message
        }
    }

    /// Puts what events told before the record was found upon it.
    func putUpon(_ earlier: RecordEntry) {
        earlier.isGone = true
        revision = earlier.revision + 1
        (failure, message) = (earlier.failure, earlier.message)
        let told = earlier.record
        for attempt in told.attempts {
            record.withAttempt(attempt.number, at: attempt.started) { known in
                known.queryID = attempt.queryID ?? known.queryID
                known.failure = known.failure ?? attempt.failure
                known.message = known.message ?? attempt.message
                known.ended = known.ended ?? attempt.ended
            }
        }
        record.queryIDs += told.queryIDs.filter { !record.queryIDs.contains($0) }
        let wasGivenUp = record.state == .abandoned || record.state == .lost
        if told.state.isTerminal ? !record.state.isTerminal || wasGivenUp : !record.state.isTerminal {
            if told.state != .waiting { record.state = told.state }
            record.ended = told.ended
        }
        closeLastAttempt()
    }
}

extension StatementRecord {
    /// Changes an attempt; one that is not there yet is put in its place.
    fileprivate mutating func withAttempt(_ number: Int, at time: Timestamp, _ change: (inout AttemptRecord) -> Void) {
        var index = attempts.firstIndex { $0.number >= number } ?? attempts.count
        if index == attempts.count || attempts[index].number != number {
            let attempt = AttemptRecord(number: number, pool: pool, coordinator: coordinator, started: time)
            attempts.insert(attempt, at: index)
            index = attempts.firstIndex { $0.number == number } ?? index
        }
        change(&attempts[index])
    }
}
