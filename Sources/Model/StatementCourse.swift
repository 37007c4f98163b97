import Engine
import Wire

/// The life of nearly all statements, or a part of it, in short: sent once, answered, and ended without an error. There
/// are many.
public struct StatementCourse: Equatable, Sendable {
    /// The statement.
    public let key: StatementKey
    /// What its POST told; nil while that is not known.
    public private(set) var submission: Submission?
    /// Where it was sent; nil while it was not.
    public private(set) var place: Place?
    /// The engine's id; empty while there is none.
    public private(set) var queryID = ""
    /// When its POST was taken, or when something was first heard of it.
    public private(set) var submitted = StatementCourse.never
    /// When it was sent.
    public private(set) var sent = StatementCourse.never
    /// When a page last showed that it runs.
    private var lastRan = StatementCourse.never
    private var endedAt = StatementCourse.never
    private var endState: StatementState?

    /// What optional times would need more room for.
    private static let never = Timestamp(milliseconds: .min)

    /// Nothing is known yet of the statement.
    public init(_ key: StatementKey) { self.key = key }

    /// How much a change tells.
    public enum News: Comparable, Sendable {
        /// Nothing.
        case none
        /// That it runs now: worth no write of its own.
        case little
        /// More than that.
        case much
    }

    /// Whether nothing is known yet.
    public var isBlank: Bool { submitted == Self.never }
    /// When a page last showed that it runs.
    public var ran: Timestamp? { lastRan == Self.never ? nil : lastRan }
    /// When it ended.
    public var ended: Timestamp? { endState == nil ? nil : endedAt }

    /// Whether it was seen to run since it was sent; one that has not ended.
    private var isRunning: Bool { lastRan != Self.never && (place == nil || lastRan >= sent) }

    /// Where it stands.
    public var state: StatementState {
        if let endState { return endState }
        if isRunning { return .running }
        return place == nil ? .waiting : .queued
    }

    /// Takes a change; nil: more happened than this can tell, and nothing was taken.
    public mutating func take(_ change: StatementEvent.Change, at moment: Timestamp) -> News? {
        switch change {
        case .submitted(let submission, let place, let queryID):
            guard self.submission == nil, place == nil || self.place == nil, queryID == nil || self.queryID.isEmpty
            else { return nil }
            self.submission = submission
            submitted = moment
            if let place { (self.place, sent) = (place, moment) }
            if let queryID { self.queryID = queryID }
            return .much
        case .attempted(let number, let place):
            guard number == 1, self.place == nil else { return nil }
            self.place = place
            sent = moment
        case .answered(let number, let queryID):
            guard number == 1, place != nil, self.queryID.isEmpty else { return nil }
            self.queryID = queryID
        case .running:
            guard endState == nil else { return News.none }
            let wasRunning = isRunning
            lastRan = max(lastRan, moment)
            if isBlank { submitted = moment }
            return isRunning == wasRunning ? News.none : .little
        case .ended(let state, nil, nil):
            guard endState == nil else { return News.none }
            (endState, endedAt) = (state, moment)
        case .ended, .judged, .waits, .adopted: return nil
        }
        if isBlank { submitted = moment }
        return .much
    }

    /// How much it tells.
    public var news: News {
        if isBlank { return .none }
        return submission == nil && place == nil && endState == nil ? .little : .much
    }

    /// What it tells, event by event, in the order in which it happened.
    public var events: [StatementEvent] {
        var changes: [(StatementEvent.Change, Timestamp)] = []
        let isSentAtOnce = submission != nil && sent == submitted
        if let submission { changes.append((.submitted(submission, sentTo: isSentAtOnce ? place : nil), submitted)) }
        if let place, !isSentAtOnce { changes.append((.attempted(number: 1, place), sent)) }
        // When an attempt was answered nobody asks.
        if !queryID.isEmpty {
            changes.append((.answered(number: 1, queryID: queryID), place == nil ? submitted : sent))
        }
        if lastRan != Self.never { changes.append((.running, lastRan)) }
        if let endState { changes.append((.ended(endState, failure: nil, message: nil), endedAt)) }
        return changes.map { StatementEvent(key: key, at: $0.1, change: $0.0) }
    }

    /// All that it tells.
    public var record: StatementRecord {
        var record = StatementRecord(
            id: statementID(owner: key.owner, statement: key.number), key: key,
            submitted: isBlank ? Timestamp(milliseconds: 0) : submitted)
        record.state = state
        record.ended = ended
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
        attempt.ended = ended
        if !queryID.isEmpty {
            attempt.queryID = queryID
            record.queryIDs = [queryID]
        }
        record.attempts = [attempt]
        return record
    }
}

/// What is written of a statement: in short where that says all of it.
public enum RecordDraft: Sendable {
    /// An ordinary course.
    case course(StatementCourse)
    /// More.
    indirect case record(StatementRecord)

    /// All that is known of the statement.
    public var record: StatementRecord {
        switch self {
        case .course(let course): course.record
        case .record(let record): record
        }
    }
}
