import Engine
import Model
import SQL
import Testing
import Wire

@testable import Services

@Suite struct HistoryTests {
    private let owner = Owner(counter: 1, random: 7)
    private func key(_ number: UInt64) -> StatementKey { StatementKey(owner: owner, number: number) }
    private func id(_ number: UInt64) -> String { statementID(owner: owner, statement: number) }

    private func event(_ number: UInt64, _ change: StatementEvent.Change, at milliseconds: Int64 = 0) -> StatementEvent
    {
        StatementEvent(key: key(number), at: ManualClock.start.adding(milliseconds: milliseconds), change: change)
    }

    /// A whole life of a statement: 1 s long.
    private func life(_ number: UInt64, user: String = "ann") -> [StatementEvent] {
        [
            event(number, .submitted(Submission(user: user, source: "cli", group: "default", kind: .read))),
            event(
                number,
                .attempted(number: 1, Place(group: "default", pool: "blue", coordinator: "blue-1", registration: 1)),
                at: 1),
            event(number, .answered(number: 1, queryID: "2026_\(number)_abcde"), at: 2),
            event(number, .running, at: 3), event(number, .ended(.finished, failure: nil, message: nil), at: 1000),
        ]
    }

    @Test func aStatementThatEndedIsWrittenOnceAndTold() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(life(1))
        await rig.history.flush(all: false)
        let record = try #require(await rig.storage.history[id(1)])
        #expect(record.state == .finished)
        #expect(record.user == "ann")
        #expect(record.queryIDs == ["2026_1_abcde"])
        #expect(record.attempts.map(\.coordinator) == ["blue-1"])
        #expect(record.attempts.first?.ended == record.ended)
        #expect(await rig.storage.batches == [1])
        #expect(rig.log.field("elapsed_ms", of: "statement ended") == "1000")
        #expect(rig.history.ended == [.finished: 1])
    }

    @Test func aShortStatementLeavesItsLoopAsOneEvent() async throws {
        let rig = try await Rig.started()
        var buffer = EventBuffer()
        for event in life(1) + life(2, user: "bob") { _ = buffer.add(event.key, event.change, at: event.at) }
        let batch = buffer.takeAll()
        #expect(batch.courses.count == 2 && batch.events.isEmpty)
        #expect(buffer.takeAll().count == 0)
        rig.intake.accept(batch)
        await rig.history.flush(all: false)
        let told = await rig.storage.history[id(1)]
        let other = try await Rig.started()
        other.intake.accept(life(1))
        await other.history.flush(all: false)
        #expect(await other.storage.history[id(1)] == told)
        #expect(rig.log.field("elapsed_ms", of: "statement ended") == "1000")
        #expect(rig.history.ended == [.finished: 2])
    }

    @Test func aFullBufferDropsItsOldestEvents() {
        var buffer = EventBuffer()
        let dropped = (1...70_000).reduce(0) { $0 + buffer.add(key(UInt64($1)), .running, at: ManualClock.start) }
        let batch = buffer.takeAll()
        #expect(batch.count + dropped == 70_000)
        #expect(batch.count <= 65_536)
        #expect(batch.courses.last?.key == key(70_000))
    }

    @Test(arguments: 0..<40)
    func eventsOfSeveralLoopsMayComeInAnyOrder(seed: UInt64) async throws {
        let rig = try await Rig.started()
        var generator = SeededGenerator(seed: seed)
        for event in life(1).shuffled(using: &generator) {
            rig.intake.accept([event])
            await rig.history.flush(all: Bool.random(using: &generator))
        }
        await rig.history.flush(all: true)
        let record = try #require(await rig.storage.history[id(1)], "seed \(seed)")
        #expect(record.state == .finished, "seed \(seed)")
        #expect(record.user == "ann", "seed \(seed)")
        #expect(record.pool == "blue" && record.registration == 1, "seed \(seed)")
        #expect(record.queryIDs == ["2026_1_abcde"], "seed \(seed)")
        #expect(record.attempts.map(\.ended) == [record.ended], "seed \(seed)")
        #expect(record.attempts.map(\.queryID) == ["2026_1_abcde"], "seed \(seed)")
        #expect(rig.log.messages.count { $0 == "statement ended" } == 1, "seed \(seed)")
    }

    /// What a loop tells of a statement at once is what it would tell one by one.
    @Test func aSubmissionMayTellWhereItWentAndWhatItWasCalled() async throws {
        let place = Place(group: "default", pool: "blue", coordinator: "blue-1", registration: 1)
        let submission = Submission(user: "ann", source: "cli", group: "default", kind: .read)
        let (oneByOne, atOnce) = (try await Rig.started(), try await Rig.started())
        oneByOne.intake.accept([
            event(1, .submitted(submission)), event(1, .attempted(number: 1, place)),
            event(1, .answered(number: 1, queryID: "q1"), at: 2),
        ])
        atOnce.intake.accept([event(1, .submitted(submission, sentTo: place, queryID: "q1"))])
        for rig in [oneByOne, atOnce] {
            rig.intake.accept([event(1, .waits(.noCoordinator), at: 5)])
            await rig.history.flush(all: true)
        }
        let record = try #require(await atOnce.storage.history[id(1)])
        #expect(record.attempts.map(\.queryID) == ["q1"])
        #expect(await oneByOne.storage.history[id(1)] == record)
    }

    @Test func aStatementThatGoesOnIsWrittenAfterItHasSettled() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(Array(life(1).prefix(4)))
        await rig.history.flush(all: false)
        #expect(await rig.storage.history.isEmpty)
        rig.clock.advance(RecordBook.settling)
        await rig.history.flush(all: false)
        #expect(await rig.storage.history[id(1)]?.state == .running)
    }

    @Test func whoAsksSeesWhatWasNotWrittenYet() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(Array(life(1).prefix(4)))
        var filter = StatementFilter()
        filter.states = [.running]
        #expect(try await rig.control.statements(filter).map(\.id) == [id(1)])
        #expect(try await rig.control.statement("2026_1_abcde").id == id(1))
        await #expect(throws: AdminProblem.unknown("statement", "nothing")) {
            try await rig.control.statement("nothing")
        }
    }

    @Test func withoutAStoreRecordsWaitAndAreShown() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        rig.intake.accept(life(1) + life(2, user: "bob"))
        await rig.history.flush(all: false)
        #expect(rig.history.unwritten == 2)
        var filter = StatementFilter()
        filter.user = "bob"
        #expect(try await rig.control.statements(filter).map(\.id) == [id(2)])
        await rig.storage.setAway(false)
        rig.clock.advance(1000)
        await rig.history.flush(all: false)
        #expect(await rig.storage.history.count == 2)
        #expect(rig.history.unwritten == 0)
    }

    @Test func aBatchIsBounded() async throws {
        let rig = try await Rig.started()
        rig.intake.accept((1...1200).flatMap { life($0) })
        await rig.history.flush(all: false)
        #expect(await rig.storage.batches == [500, 500, 200])
    }

    @Test func anErrorIsKeptWithItsAttempt() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(
            Array(life(1).prefix(3)) + [
                event(1, .ended(.failed, failure: "DIVISION_BY_ZERO", message: String(repeating: "x", count: 5000)))
            ])
        await rig.history.flush(all: false)
        let attempt = try #require(await rig.storage.history[id(1)]?.attempts.last)
        #expect(attempt.failure == "DIVISION_BY_ZERO")
        #expect(attempt.message?.count == 2000)
    }

    private func unfinished(_ number: UInt64, _ kind: StatementKind?, registration: UInt32 = 1) -> StatementRecord {
        var record = StatementRecord(
            id: id(number), key: key(number), submitted: ManualClock.start.adding(milliseconds: -60_000))
        record.state = .running
        record.user = "ann"
        record.kind = kind
        record.registration = registration
        return record
    }

    @Test func whatAGoneOwnerLeftIsPresumedForFiveMinutes() async throws {
        var stored = OperationalState()
        stored.unfinished = [
            unfinished(1, .read), unfinished(2, .write), unfinished(3, nil), unfinished(4, .read, registration: 0),
        ]
        let rig = try await Rig.started(stored: stored)
        #expect(rig.traffic.state.withLock { Set($0.presumed) } == [key(1), key(2), key(3)])
        rig.clock.advance(299_999)
        rig.history.endPresumption()
        #expect(rig.traffic.state.withLock { $0.presumed }.count == 3)
        rig.clock.advance(1)
        rig.history.endPresumption()
        await rig.history.flush(all: false)
        let ends = await rig.storage.history.mapValues(\.state)
        #expect(ends == [id(1): .abandoned, id(2): .lost, id(3): .lost, id(4): .abandoned])
    }

    @Test func whatWaitedInAGoneOwnerCountsOnNoCoordinator() async throws {
        var stored = OperationalState()
        stored.unfinished = [unfinished(1, .read), unfinished(2, .read)]
        stored.unfinished[1].state = .waiting
        let rig = try await Rig.started(stored: stored)
        #expect(rig.traffic.state.withLock { $0.presumed } == [key(1)])
        rig.clock.advance(300_000)
        rig.history.endPresumption()
        await rig.history.flush(all: false)
        #expect(await rig.storage.history[id(2)]?.state == .abandoned)
    }

    @Test func aGoneOwnersStatementWhoseEndIsToldIsPresumedNoLonger() async throws {
        var stored = OperationalState()
        stored.unfinished = [unfinished(1, .write)]
        stored.unfinished[0].state = .waiting
        let rig = try await Rig.started(stored: stored)
        await rig.storage.setHistory(stored.unfinished)
        rig.intake.accept([
            event(1, .ended(.lost, failure: "PENSTOCK_OUTCOME_UNKNOWN", message: nil), at: 500)
        ])
        await rig.history.flush(all: false)
        rig.clock.advance(RecordBook.lateness)
        await rig.history.flush(all: true)
        #expect(await rig.storage.history[id(1)]?.state == .lost)
        #expect(await rig.storage.history[id(1)]?.failure == "PENSTOCK_OUTCOME_UNKNOWN")
        rig.clock.advance(300_000)
        rig.history.endPresumption()
        await rig.history.flush(all: true)
        #expect(await rig.storage.history[id(1)]?.ended == ManualClock.start.adding(milliseconds: 500))
        #expect(rig.history.ended == [.lost: 1])
    }

    @Test func anAdoptedStatementsHistoryIsCompleted() async throws {
        var stored = OperationalState()
        stored.unfinished = [unfinished(1, .write)]
        let rig = try await Rig.started(stored: stored)
        rig.intake.accept([
            event(1, .adopted(attempt: 1, registration: 1), at: 5),
            event(1, .ended(.finished, failure: nil, message: nil), at: 9),
        ])
        await rig.history.flush(all: false)
        let record = try #require(await rig.storage.history[id(1)])
        #expect(record.state == .finished)
        #expect(record.user == "ann")
        rig.clock.advance(300_000)
        rig.history.endPresumption()
        await rig.history.flush(all: false)
        #expect(await rig.storage.history[id(1)]?.state == .finished)
    }

    @Test func anAdoptedStatementWithoutARecordGetsOne() async throws {
        let rig = try await Rig.started()
        rig.intake.accept([event(9, .adopted(attempt: 2, registration: 1), at: 5)])
        await rig.history.flush(all: true)
        let record = try #require(await rig.storage.history[id(9)])
        #expect(record.state == .running)
        #expect(record.coordinator == "blue-1")
        #expect(record.attempts.map(\.number) == [2])
    }

    @Test func eventsThatComeBeforeTheAdoptionDoNotHideIt() async throws {
        let rig = try await Rig.started()
        rig.intake.accept([event(9, .running, at: 6)])
        await rig.history.flush(all: false)
        rig.intake.accept([event(9, .adopted(attempt: 1, registration: 1), at: 5)])
        await rig.history.flush(all: false)
        rig.clock.advance(RecordBook.lateness)
        rig.intake.accept([event(9, .ended(.finished, failure: nil, message: nil), at: 7)])
        await rig.history.flush(all: true)
        let record = try #require(await rig.storage.history[id(9)])
        #expect(record.state == .finished)
        #expect(record.coordinator == "blue-1")
    }

    @Test func anAbandonedStatementThatIsPolledAgainGoesOn() async throws {
        let rig = try await Rig.started()
        var record = unfinished(1, .read)
        record.state = .abandoned
        record.ended = ManualClock.start
        await rig.storage.setHistory([record])
        rig.intake.accept([event(1, .adopted(attempt: 1, registration: 1), at: 5)])
        await rig.history.flush(all: true)
        #expect(await rig.storage.history[id(1)]?.state == .running)
        #expect(await rig.storage.history[id(1)]?.ended == nil)
    }

    @Test func terminalStatesNeverChange() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(life(1))
        await rig.history.flush(all: false)
        rig.intake.accept([
            event(1, .running, at: 2000), event(1, .ended(.failed, failure: "X", message: nil), at: 2001),
            event(1, .adopted(attempt: 1, registration: 1), at: 2002),
        ])
        await rig.history.flush(all: true)
        #expect(await rig.storage.history[id(1)]?.state == .finished)
        #expect(rig.history.ended == [.finished: 1])
    }

    @Test func lateEventsOfARecordThatWasLetGoFindItInTheStore() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(life(1))
        await rig.history.flush(all: false)
        rig.clock.advance(RecordBook.lateness)
        await rig.history.flush(all: false)
        rig.intake.accept([event(1, .answered(number: 1, queryID: "late_id"), at: 3)])
        await rig.history.flush(all: false)
        rig.clock.advance(RecordBook.lateness)
        await rig.history.flush(all: false)
        await rig.history.flush(all: true)
        let record = try #require(await rig.storage.history[id(1)])
        #expect(record.queryIDs == ["2026_1_abcde", "late_id"])
        #expect(record.state == .finished)
    }

    @Test func pruningGoesByTheSettings() async throws {
        let rig = try await Rig.started()
        await Retention(routing: rig.routing, storage: rig.storage, clock: rig.clock, log: rig.log).prune()
        let prune = try #require(await rig.storage.prunes.first)
        #expect(prune.before == ManualClock.start.adding(milliseconds: -30 * 86_400_000))
        #expect(prune.bytes == 1 << 30)
    }
}

/// A generator whose numbers follow from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var value = state
        value ^= value >> 33
        value = value &* 0xFF51_AFD7_ED55_8CCD
        return value ^ (value >> 33)
    }
}

extension Intake {
    /// Takes events as they are, one by one.
    func accept(_ events: [StatementEvent]) { accept(EventBatch(events)) }
}
