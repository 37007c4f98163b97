import Engine
import Model
import SQL
import Testing
import Wire

@testable import Services

@Suite struct RecordBookTests {
    private func event(_ number: UInt64, _ change: StatementEvent.Change) -> StatementEvent {
        StatementEvent(
            key: StatementKey(owner: Owner(counter: 1, random: 1), number: number), at: ManualClock.start,
            change: change)
    }

    @Test func beyondItsCapacityTheOldestEndedOnesGoFirst() {
        var book = RecordBook(capacity: 10)
        for number in 1...12 as ClosedRange<UInt64> {
            let now = Int64(number)
            book.take(event(number, .submitted(Submission(user: "u", source: "", group: "g", kind: .read))), now: now)
            if number > 6 { book.take(event(number, .ended(.finished, failure: nil, message: nil)), now: now) }
        }
        book.tidy(now: 20)
        #expect(book.records.count == 10)
        #expect(book.records.count { !$0.state.isTerminal } == 6)
        #expect(book.records.map(\.key.number).max() == 12)
        #expect(book.dropped == 2)
    }

    @Test func whatGoesOnAndIsInTheStorePushesOutNothingThatEnds() {
        var book = RecordBook(capacity: 10)
        func submit(_ number: UInt64, now: Int64) {
            book.take(event(number, .submitted(Submission(user: "u", source: "", group: "g", kind: .read))), now: now)
        }
        for number in 1...30 as ClosedRange<UInt64> {
            submit(number, now: 0)
            _ = book.takeDrafts(limit: 1, now: 1000, all: true)
            book.written()
        }
        for number in 31...38 as ClosedRange<UInt64> {
            submit(number, now: 1000)
            book.take(event(number, .ended(.finished, failure: nil, message: nil)), now: 1000)
        }
        book.tidy(now: 1000)
        #expect(book.dropped == 0)
        #expect(book.records.count == 38)
    }

    @Test func whatGoesOnBeyondTenTimesTheCapacityIsLeftToTheStore() {
        var book = RecordBook(capacity: 10)
        for number in 1...150 as ClosedRange<UInt64> {
            book.take(event(number, .submitted(Submission(user: "u", source: "", group: "g", kind: .read))), now: 0)
            _ = book.takeDrafts(limit: 1, now: 1000, all: true)
            book.written()
            book.tidy(now: 1000)
        }
        #expect(book.records.count == 100)
        #expect(book.dropped == 0)
    }

    /// Ended records take all of the writer's time: what moved on from the other queues must not pile up there.
    @Test func itsQueuesStayBoundedWhenMoreEndsThanIsWritten() {
        var book = RecordBook(capacity: 100)
        for number in 1...20_000 as ClosedRange<UInt64> {
            let now = Int64(number)
            book.take(event(number, .submitted(Submission(user: "u", source: "", group: "g", kind: .read))), now: now)
            book.take(event(number, .ended(.finished, failure: nil, message: nil)), now: now)
            guard number.isMultiple(of: 50) else { continue }
            _ = book.takeDrafts(limit: 10, now: now, all: false)
            book.written()
            book.tidy(now: now)
        }
        #expect(book.records.count <= 100)
        #expect(book.queuedCount < 5000)
    }
}
