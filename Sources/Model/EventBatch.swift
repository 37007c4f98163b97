import Engine

/// What a loop tells of its statements at a tick.
public struct EventBatch: Sendable {
    /// The ordinary course of statements, or the part of it since the tick before: nearly all that there is to tell.
    public internal(set) var courses: [StatementCourse] = []
    /// Whatever else happened, and what came after it to the same statement.
    public internal(set) var events: [StatementEvent] = []

    /// Nothing.
    public init() {}

    /// Nothing but events.
    public init(_ events: [StatementEvent]) { self.events = events }

    /// How much it holds.
    public var count: Int { courses.count + events.count }

    /// Adds another batch, as far as there is room; answers how much found none.
    public mutating func add(_ other: EventBatch, limit: Int) -> Int {
        let room = max(0, limit - count)
        if count == 0, other.count <= room {
            // Taken over, not copied: this is what happens at nearly every tick.
            self = other
            return 0
        }
        let courses = other.courses.prefix(room)
        let events = other.events.prefix(room - courses.count)
        // Behind an event of its statement a course would overtake it: courses are looked at first.
        let told = Set(self.events.lazy.map(\.key))
        for course in courses {
            if told.contains(course.key) { self.events += course.events } else { self.courses.append(course) }
        }
        self.events += events
        return other.count - courses.count - events.count
    }
}

/// Gathers what happens to the statements of a loop between two ticks. What belongs to the ordinary course of a
/// statement is put together at once, so that most short statements leave the loop whole.
public struct EventBuffer: Sendable {
    private var batch = EventBatch()
    /// Where the course of a statement may stand in the batch, by the low bits of its number: a guess, which the
    /// course's key confirms. `closed`: something else happened to a statement of these bits, and what comes later must
    /// not overtake it.
    private var places = [Int32](repeating: EventBuffer.none, count: EventBuffer.placeCount)
    /// The slots that are closed.
    private var closed: [Int] = []

    private static let none: Int32 = -1
    private static let closed: Int32 = -2
    /// A power of two.
    private static let placeCount = 4096
    /// What is kept between two ticks at most; beyond it the oldest history is lost.
    private static let maximum = 65_536

    /// Nothing.
    public init() {}

    /// Adds what happened to a statement; answers how much was dropped for it.
    public mutating func add(
        _ key: StatementKey, _ change: consuming StatementEvent.Change, at moment: Timestamp
    ) -> Int {
        let slot = Int(truncatingIfNeeded: key.number) & (Self.placeCount - 1)
        let place = places[slot]
        if place >= 0, Int(place) < batch.courses.count, batch.courses[Int(place)].key == key,
            batch.courses[Int(place)].take(change, at: moment) != nil
        {
            return 0
        }
        var dropped = 0
        if batch.count >= Self.maximum {
            dropped = Self.maximum / 16
            batch.dropOldest(dropped)
        }
        if place != Self.closed {
            var course = StatementCourse(key)
            if course.take(change, at: moment) != nil {
                places[slot] = Int32(batch.courses.count)
                batch.courses.append(course)
                return dropped
            }
            places[slot] = Self.closed
            closed.append(slot)
        }
        batch.events.append(StatementEvent(key: key, at: moment, change: change))
        return dropped
    }

    /// Hands over all that was gathered.
    public mutating func takeAll() -> EventBatch {
        let all = batch
        batch = EventBatch()
        // There will be about as much again.
        batch.courses.reserveCapacity(all.courses.count)
        for slot in closed { places[slot] = Self.none }
        closed.removeAll(keepingCapacity: true)
        return all
    }
}

extension EventBatch {
    fileprivate mutating func dropOldest(_ count: Int) {
        let first = min(count, courses.count)
        courses.removeFirst(first)
        events.removeFirst(count - first)
    }
}
