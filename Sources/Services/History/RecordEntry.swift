import Engine
import Model

/// A statement in the book, with what is known of its way to the store. A class, because it stands in a queue and in the
/// book at once and is changed in place. Whoever is handed one reads it under the book's lock.
final class RecordEntry {
    /// The queue that it stands in.
    enum Standing {
        case none
        case ended
        case settling
        case resting
    }

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
    private var course: StatementCourse
    /// What befell it, once that is more than a course tells.
    private var story: Story?

    /// One of which nothing is known yet.
    init(_ key: StatementKey, now: Int64) {
        course = StatementCourse(key)
        waiting = now
        touched = now
    }

    /// One that was known before.
    init(_ record: StatementRecord, now: Int64) {
        course = StatementCourse(record.key)
        waiting = now
        touched = now
        let ran = record.state == .running ? record.attempts.last?.started ?? record.submitted : nil
        story = Story(record, hasBegun: true, ran: ran)
        isTold = record.ended != nil
    }

    var key: StatementKey { course.key }
    var isUnwritten: Bool { revision != written }
    /// Whether it is known who submitted it.
    var hasBegun: Bool { story?.hasBegun ?? (course.submission != nil) }
    var hasEnded: Bool { story?.record.state.isTerminal ?? (course.ended != nil) }
    var state: StatementState { story?.record.state ?? course.state }
    /// Whether more befell it than that it was sent once and answered.
    var hasStory: Bool { story != nil }
    /// What is known of it.
    var record: StatementRecord { story?.record ?? course.record }
    /// The same as it is written.
    var draft: RecordDraft { story.map { .record($0.record) } ?? .course(course) }

    /// Takes an event.
    func take(_ event: StatementEvent) -> StatementCourse.News {
        let told = story == nil ? course.take(event.change, at: event.at) : nil
        return note(told ?? self.told(at: event.at).take(event))
    }

    /// Takes all that a course tells.
    func take(_ more: StatementCourse) -> StatementCourse.News {
        guard story == nil, course.isBlank else { return more.events.reduce(.none) { max($0, take($1)) } }
        course = more
        return note(more.news)
    }

    private func note(_ news: StatementCourse.News) -> StatementCourse.News {
        switch news {
        case .none: break
        case .little, .much: revision += 1
        }
        // What was given up may go on after all.
        if isTold, !hasEnded { isTold = false }
        return news
    }

    /// Puts what events told before the record was found upon it.
    func putUpon(_ earlier: RecordEntry) {
        earlier.isGone = true
        revision = earlier.revision + 1
        told().putUpon(earlier.told())
    }

    /// From now on it has a story.
    /// - Parameter moment: when something was first heard of it, unless more is known.
    private func told(at moment: Timestamp = Timestamp(milliseconds: 0)) -> Story {
        if let story { return story }
        var record = course.record
        if course.isBlank { record.submitted = moment }
        let story = Story(record, hasBegun: hasBegun, ran: course.ran)
        self.story = story
        course = StatementCourse(key)
        return story
    }
}
