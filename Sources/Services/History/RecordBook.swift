import Engine
import Model
import Wire

/// The records of statements that have not ended, or have not been written since: it puts events together and says
/// what is to be written.
///
/// Events of one statement may come from several loops, in any order; what a later event says is not undone by an
/// earlier one that comes late. A statement that ended stays ended, unless it was given up (abandoned, lost) and a poll
/// shows that it went on.
struct RecordBook: Sendable {
    private struct Entry: Sendable {
        var record: StatementRecord
        /// Raised with each change.
        var revision: UInt64 = 1
        /// The revision that is in the store.
        var written: UInt64 = 0
        /// When the first change was made that must be in the store soon; nil: there is none.
        var pressing: Int64?
        /// When an event came last.
        var touched: Int64
        /// Whether it is known who submitted it.
        var hasBegun = false
        /// Whether its end was told.
        var isTold = false
        /// The error that it ended with.
        var failure: String?
        var message: String?

        /// The last attempt of a statement that ended has ended with it, whichever was heard of first.
        mutating func close() {
            guard let ended = record.ended, let last = record.attempts.last?.number else { return }
            record.withAttempt(last, at: ended) { attempt in
                attempt.ended = attempt.ended ?? ended
                attempt.failure = attempt.failure ?? failure
                attempt.message = attempt.message ?? message
            }
        }
    }
    /// A version of a record that is to be written.
    struct Draft: Equatable, Sendable {
        /// The record.
        var record: StatementRecord
        fileprivate var revision: UInt64
    }

    /// Records that it holds at most; beyond, the oldest are dropped and counted.
    let capacity: Int
    /// How long after its first change a record of a statement that goes on is written, in milliseconds: most
    /// statements have ended by then and are written once.
    static let settling: Int64 = 200
    /// How long an ended record waits for late events of other loops, and one without a beginning for it.
    static let lateness: Int64 = 1000

    private var entries: [StatementKey: Entry] = [:]
    /// The entries that something is to be done about: all but those that go on and are in the store as they are.
    private var restless: Set<StatementKey> = []
    /// Records that were dropped before they were written.
    private(set) var dropped: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    /// The records it holds of statements whose beginning is known.
    var records: [StatementRecord] { entries.values.filter(\.hasBegun).map(\.record) }

    /// How many records the store does not have as they are.
    var unwrittenCount: Int { restless.count { entries[$0].map { $0.revision != $0.written } ?? false } }

    /// Whether a record is held.
    func holds(_ key: StatementKey) -> Bool { entries[key] != nil }

    /// Takes a record that does not begin with a submission here.
    /// - Parameter isStored: whether the store has it as it is.
    mutating func recall(_ record: StatementRecord, isStored: Bool, now: Int64) {
        var entry = Entry(record: record, touched: now, hasBegun: true, isTold: record.ended != nil)
        if let earlier = entries[record.key] {
            // Events came first: what they say is put upon the record.
            entry.revision = earlier.revision + 1
            (entry.failure, entry.message) = (earlier.failure, earlier.message)
            merge(earlier.record, into: &entry.record)
            entry.close()
        } else if isStored {
            entry.written = entry.revision
        }
        if entry.written != entry.revision { entry.pressing = now }
        entries[record.key] = entry
        restless.insert(record.key)
    }

    /// Takes an event.
    mutating func take(_ event: StatementEvent, now: Int64) {
        var entry =
            entries[event.key]
            ?? Entry(
                record: StatementRecord(
                    id: statementID(owner: event.key.owner, statement: event.key.number), key: event.key,
                    submitted: event.at), touched: now)
        let before = entry.record
        apply(event, to: &entry)
        entry.touched = now
        if entry.record != before {
            entry.revision += 1
            var silently = entry.record
            silently.state = before.state
            // That it runs now is worth no write of its own: the next one says so.
            if silently != before || entry.record.state.isTerminal { entry.pressing = entry.pressing ?? now }
        }
        entries[event.key] = entry
        restless.insert(event.key)
    }

    private func apply(_ event: StatementEvent, to entry: inout Entry) {
        switch event.change {
        case .submitted(let user, let source, let group, let kind):
            entry.hasBegun = true
            entry.record.submitted = event.at
            entry.record.user = user
            entry.record.source = source
            entry.record.group = group
            entry.record.kind = kind
        case .attempted(let number, let pool, let coordinator, let registration):
            if entry.record.state == .waiting { entry.record.state = .queued }
            entry.record.withAttempt(number, at: event.at) { attempt in
                attempt.pool = pool
                attempt.coordinator = coordinator
                attempt.started = event.at
            }
            if number == entry.record.attempts.last?.number {
                entry.record.pool = pool
                entry.record.coordinator = coordinator
                entry.record.registration = registration
            }
        case .answered(let number, let queryID):
            entry.record.withAttempt(number, at: event.at) { $0.queryID = queryID }
            if !entry.record.queryIDs.contains(queryID) { entry.record.queryIDs.append(queryID) }
        case .running:
            if !entry.record.state.isTerminal { entry.record.state = .running }
        case .attemptFailed(let number, let failure, let message):
            entry.record.withAttempt(number, at: event.at) { attempt in
                attempt.failure = failure
                attempt.message = message.map { String($0.prefix(2000)) }
                attempt.ended = event.at
            }
        case .adopted(_, let registration):
            if entry.record.state == .abandoned || entry.record.state == .lost {
                entry.record.state = .running
                entry.record.ended = nil
                entry.isTold = false
                if let last = entry.record.attempts.last, last.failure == nil {
                    entry.record.withAttempt(last.number, at: event.at) { $0.ended = nil }
                }
            }
            if entry.record.registration == 0 { entry.record.registration = registration }
        case .ended(let state, let failure, let message):
            guard !entry.record.state.isTerminal else { return }
            entry.record.state = state
            entry.record.ended = event.at
            entry.failure = failure
            entry.message = message.map { String($0.prefix(2000)) }
        }
        entry.close()
    }

    private func merge(_ later: StatementRecord, into record: inout StatementRecord) {
        for attempt in later.attempts {
            record.withAttempt(attempt.number, at: attempt.started) { known in
                known.queryID = attempt.queryID ?? known.queryID
                known.failure = known.failure ?? attempt.failure
                known.message = known.message ?? attempt.message
                known.ended = known.ended ?? attempt.ended
            }
        }
        record.queryIDs += later.queryIDs.filter { !record.queryIDs.contains($0) }
        guard !record.state.isTerminal || record.state == .abandoned || record.state == .lost else { return }
        if later.state.isTerminal || !record.state.isTerminal {
            record.state = later.state == .waiting ? record.state : later.state
            record.ended = later.ended
        }
    }

    // MARK: Writing

    /// Keys of which events came, but no beginning, for so long that none will come.
    func strays(now: Int64) -> [StatementKey] {
        restless.filter { key in
            guard let entry = entries[key] else { return false }
            return !entry.hasBegun && now - entry.touched >= Self.lateness
        }
    }

    /// Gives up a stray that the store does not know either.
    mutating func forget(_ key: StatementKey) {
        entries[key] = nil
        restless.remove(key)
    }

    /// Records that have ended since the last call, to be told in the log.
    mutating func takeEnded() -> [StatementRecord] {
        var ended: [StatementRecord] = []
        for key in restless {
            guard let entry = entries[key], entry.hasBegun, !entry.isTold, entry.record.state.isTerminal else {
                continue
            }
            entries[key]?.isTold = true
            ended.append(entry.record)
        }
        return ended.sorted { ($0.ended ?? $0.submitted) < ($1.ended ?? $1.submitted) }
    }

    /// What is to be written now.
    /// - Parameter all: also what could wait.
    func drafts(limit: Int, now: Int64, all: Bool) -> [Draft] {
        var drafts: [Draft] = []
        for key in restless {
            guard let entry = entries[key], entry.hasBegun, entry.revision != entry.written else { continue }
            let isDue = entry.record.state.isTerminal || entry.pressing.map { now - $0 >= Self.settling } ?? false
            guard isDue || all else { continue }
            drafts.append(Draft(record: entry.record, revision: entry.revision))
            if drafts.count == limit { break }
        }
        return drafts
    }

    /// The store has these.
    mutating func written(_ drafts: [Draft]) {
        for draft in drafts {
            entries[draft.record.key]?.written = draft.revision
            if entries[draft.record.key]?.revision == draft.revision { entries[draft.record.key]?.pressing = nil }
        }
    }

    /// Lets go what ended and is written, and what there is no room for: what ended before what goes on, the oldest
    /// first.
    mutating func tidy(now: Int64) {
        for key in restless {
            guard let entry = entries[key] else { continue }
            guard entry.hasBegun, entry.revision == entry.written else { continue }
            if !entry.record.state.isTerminal {
                restless.remove(key)
            } else if entry.isTold, now - entry.touched >= Self.lateness {
                forget(key)
            }
        }
        guard entries.count > capacity else { return }
        let order = entries.values.sorted { left, right in
            let (leftEnded, rightEnded) = (left.record.state.isTerminal, right.record.state.isTerminal)
            return leftEnded == rightEnded ? left.touched < right.touched : leftEnded
        }
        // A tenth more than must go, so that the next records do not sort everything again.
        for entry in order.prefix(entries.count - capacity * 9 / 10) {
            if entry.revision != entry.written { dropped += 1 }
            forget(entry.record.key)
        }
    }
}

extension StatementRecord {
    /// Changes an attempt; one that is not there yet is put in its place.
    fileprivate mutating func withAttempt(_ number: Int, at time: Timestamp, _ change: (inout AttemptRecord) -> Void) {
        var index = attempts.firstIndex { $0.number >= number } ?? attempts.count
        if index == attempts.count || attempts[index].number != number {
            attempts.insert(
                AttemptRecord(number: number, pool: pool, coordinator: coordinator, started: time), at: index)
            index = attempts.firstIndex { $0.number == number } ?? index
        }
        change(&attempts[index])
    }
}
