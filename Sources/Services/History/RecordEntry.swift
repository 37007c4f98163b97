import Engine
import Model
import Wire

/// A statement in the book, with what is known of its way to the store. A class, because it stands in a queue and in the
/// book at once and is changed in place. Whoever is handed one reads it under the book's lock.
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
    enum Standing {
        case none
        case ended
        case settling
        case resting
    }

    let key: StatementKey
    /// Raised with each change.
    private(set) var revision: UInt32 = 1
    /// The revision that is in the store; 0: none.
    var written: UInt32 = 0
    var standing = Standing.none
    /// Whether its end was told.
    var isTold = false
    /// Whether the book holds it no more.
    var isGone = false
    /// Since when it stands in its queue, on the monotonic clock.
    var waiting: Int64
    /// When an event came last.
    var touched: Int64
    private var course = Course()
    /// What befell it, once that is more than a course tells.
    private var story: Story?

    /// One of which nothing is known yet.
    init(_ key: StatementKey, now: Int64) {
        self.key = key
        waiting = now
        touched = now
    }

    /// One that was known before.
    init(_ record: StatementRecord, now: Int64) {
        key = record.key
        waiting = now
        touched = now
        let ran = record.state == .running ? record.attempts.last?.started ?? record.submitted : nil
        story = Story(record, hasBegun: true, ran: ran)
        isTold = record.ended != nil
    }

    var isUnwritten: Bool { revision != written }
    /// Whether it is known who submitted it.
    var hasBegun: Bool { story?.hasBegun ?? (course.submission != nil) }
    var hasEnded: Bool { story?.record.state.isTerminal ?? (course.end != nil) }
    var state: StatementState { story?.record.state ?? course.state }
    /// Whether more befell it than that it was sent once and answered.
    var hasStory: Bool { story != nil }
    /// What is known of it.
    var record: StatementRecord { story?.record ?? course.record(key) }

    /// Takes an event.
    func take(_ event: StatementEvent) -> Change {
        let change = (story == nil ? course.take(event) : nil) ?? told().take(event)
        switch change {
        case .none: break
        case .little, .much: revision += 1
        }
        // What was given up may go on after all.
        if isTold, !hasEnded { isTold = false }
        return change
    }

    /// Puts what events told before the record was found upon it.
    func putUpon(_ earlier: RecordEntry) {
        earlier.isGone = true
        revision = earlier.revision + 1
        told().putUpon(earlier.told())
    }

    /// From now on it has a story.
    private func told() -> Story {
        if let story { return story }
        let story = Story(course.record(key), hasBegun: hasBegun, ran: course.ran)
        self.story = story
        course = Course()
        return story
    }
}

/// The life of nearly all statements, in short: sent once, answered, and ended without an error. There are many.
private struct Course {
    var submission: Submission?
    /// When its POST was taken, or when something was first heard of it.
    private var submitted: Timestamp?
    private var place: Place?
    private var sent = Timestamp(milliseconds: 0)
    private var queryID = ""
    /// When a page last showed that it runs.
    private(set) var ran: Timestamp?
    private(set) var end: (state: StatementState, at: Timestamp)?

    /// Takes an event; nil: more happened than this can tell.
    mutating func take(_ event: StatementEvent) -> RecordEntry.Change? {
        submitted = submitted ?? event.at
        switch event.change {
        case .submitted(let submission, let place, let queryID):
            guard self.submission == nil, place == nil || self.place == nil, queryID == nil || self.queryID.isEmpty
            else { return nil }
            self.submission = submission
            submitted = event.at
            if let place { (self.place, sent) = (place, event.at) }
            if let queryID { self.queryID = queryID }
        case .attempted(let number, let place):
            guard number == 1, self.place == nil else { return nil }
            self.place = place
            sent = event.at
        case .answered(let number, let queryID):
            guard number == 1, place != nil, self.queryID.isEmpty else { return nil }
            self.queryID = queryID
        case .running:
            guard end == nil else { return RecordEntry.Change.none }
            let wasRunning = isRunning
            ran = max(ran ?? event.at, event.at)
            return isRunning == wasRunning ? RecordEntry.Change.none : .little
        case .ended(let state, nil, nil):
            guard end == nil else { return RecordEntry.Change.none }
            end = (state, event.at)
        case .ended, .judged, .waits, .adopted: return nil
        }
        return .much
    }

    /// Whether it was seen to run since it was sent; one that has not ended.
    private var isRunning: Bool {
        guard let ran else { return false }
        return place == nil || ran >= sent
    }

    var state: StatementState {
        if let end { return end.state }
        if isRunning { return .running }
        return place == nil ? .waiting : .queued
    }

    /// All that it tells.
    func record(_ key: StatementKey) -> StatementRecord {
        var record = StatementRecord(
            id: statementID(owner: key.owner, statement: key.number), key: key,
            submitted: submitted ?? Timestamp(milliseconds: 0))
        record.state = state
        record.ended = end?.at
        if let submission {
            record.user = submission.user
            record.source = submission.source
            record.group = submission.group
            record.kind = submission.kind
        }
        guard let place else { return record }
        record.pool = place.pool
        record.coordinator = place.coordinator
        record.registration = place.registration
        var attempt = AttemptRecord(number: 1, pool: place.pool, coordinator: place.coordinator, started: sent)
        attempt.ended = end?.at
        if !queryID.isEmpty {
            attempt.queryID = queryID
            record.queryIDs = [queryID]
        }
        record.attempts = [attempt]
        return record
    }
}
