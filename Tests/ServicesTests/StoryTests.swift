import Engine
import Model
import SQL
import Testing
import Wire

@testable import Services

/// What the record of one statement says of its failures, verdicts and waits.
@Suite struct StoryTests {
    private static let key = StatementKey(owner: Owner(counter: 1, random: 7), number: 1)
    private var id: String { statementID(owner: Self.key.owner, statement: 1) }

    private func event(_ change: StatementEvent.Change, at milliseconds: Int64) -> StatementEvent {
        StatementEvent(key: Self.key, at: moment(milliseconds), change: change)
    }

    private func moment(_ milliseconds: Int64) -> Timestamp { ManualClock.start.adding(milliseconds: milliseconds) }

    private var submitted: StatementEvent {
        event(.submitted(Submission(user: "ann", source: "cli", group: "default", kind: .read)), at: 0)
    }

    private func attempted(_ number: Int, _ coordinator: String, at time: Int64) -> StatementEvent {
        let pool = String(coordinator.prefix { $0 != "-" })
        let change = StatementEvent.Change.attempted(
            number: number,
            Place(group: "default", pool: pool, coordinator: coordinator, registration: UInt32(number)))
        return event(change, at: time)
    }

    private func judged(
        _ attempt: Int, _ coordinator: String, _ failure: String = "CLUSTER_OUT_OF_MEMORY", rule: String = "R01",
        _ action: RetryAction = .other, gate: RetryGate? = nil, at time: Int64
    ) -> StatementEvent {
        let verdict = Verdict(
            attempt: attempt, failure: failure, message: "why", rule: rule, failureClass: .resource, action: action,
            gate: gate, isRetried: gate == nil && action != .none, wait: 10, cost: time)
        return event(.judged(verdict, coordinator: coordinator), at: time)
    }

    private func ended(_ state: StatementState, _ failure: String? = nil, at time: Int64) -> StatementEvent {
        event(.ended(state, failure: failure, message: nil), at: time)
    }

    /// The record that these events make, as a list of statements shows it.
    private func record(_ events: [StatementEvent]) async throws -> StatementRecord {
        let rig = try await Rig.started()
        rig.intake.accept(events)
        await rig.history.flush(all: true)
        let record = try #require(await rig.storage.history[id])
        for split in 0...events.count {
            let told = try await recordAsLoopsTell(events, split: split)
            #expect(told == record, "in two ticks, the first of \(split) events")
        }
        return record
    }

    /// The record that the same events make as a loop hands them over, in two ticks.
    private func recordAsLoopsTell(_ events: [StatementEvent], split: Int) async throws -> StatementRecord {
        let rig = try await Rig.started()
        var buffer = EventBuffer()
        for (index, event) in events.enumerated() {
            if index == split { rig.intake.accept(buffer.takeAll()) }
            #expect(buffer.add(event.key, event.change, at: event.at) == 0)
        }
        rig.intake.accept(buffer.takeAll())
        await rig.history.flush(all: true)
        return try #require(await rig.storage.history[id])
    }

    /// A statement that ran out of memory on blue-1, waited, and finished on blue-2.
    private var retried: [StatementEvent] {
        [
            submitted, attempted(1, "blue-1", at: 1), event(.answered(number: 1, queryID: "q1"), at: 2),
            event(.running, at: 3), judged(1, "blue-1", at: 100), event(.waits(.backOff), at: 100),
            attempted(2, "green-2", at: 150), event(.answered(number: 2, queryID: "q2"), at: 151),
            event(.running, at: 152), ended(.finished, at: 200),
        ]
    }

    @Test func aRetriedStatementTellsWhatBefellIt() async throws {
        let record = try await record(retried)
        #expect(record.state == .finished)
        #expect(record.attempts.map(\.coordinator) == ["blue-1", "green-2"])
        let first = try #require(record.attempts.first)
        #expect(first.failure == "CLUSTER_OUT_OF_MEMORY" && first.message == "why" && first.rule == "R01")
        #expect(first.failureClass == "resource" && first.action == "other" && first.gate == nil)
        #expect(first.ended == moment(100))
        #expect(record.attempts.last?.failure == nil)
        #expect(record.attempts.last?.ended == moment(200))
        let verdict = try #require(record.verdicts.first)
        #expect(record.verdicts.count == 1)
        #expect(verdict.at == moment(100) && verdict.pool == "blue" && verdict.coordinator == "blue-1")
        #expect(verdict.outcome == .finished && verdict.wait == 10 && verdict.cost == 100 && verdict.times == 1)
        #expect(record.waits == [WaitRecord(began: moment(100), ended: moment(150), reason: .backOff)])
        #expect(record.isRetried && record.retries == 1)
        #expect(record.pool == "green" && record.registration == 2)
    }

    /// What is told of one tick after the other is not told in another order where both lie together.
    @Test func aStatementThatGoesOnAfterItWasGivenUpEnds() async throws {
        let record = try await record([
            submitted, attempted(1, "blue-1", at: 1), event(.answered(number: 1, queryID: "q1"), at: 2),
            event(.running, at: 3), ended(.abandoned, at: 100),
            event(.adopted(attempt: 1, registration: 1), at: 150), event(.running, at: 152), ended(.finished, at: 200),
        ])
        #expect(record.state == .finished && record.ended == moment(200))
    }

    /// A statement that found nobody, was refused, was sent again under its number, ran, was not answered, was moved,
    /// and failed.
    private var unlucky: [StatementEvent] {
        [
            submitted, event(.waits(.noCoordinator), at: 1), attempted(1, "blue-1", at: 50),
            judged(1, "blue-1", "refused", rule: "H01", at: 60), attempted(1, "blue-2", at: 80),
            event(.answered(number: 1, queryID: "q1"), at: 81), event(.running, at: 90),
            judged(1, "blue-2", "no-answer", rule: "H06", .repeat, at: 100),
            judged(1, "blue-2", "no-answer", rule: "H06", .repeat, at: 110),
            judged(1, "blue-2", "gone", rule: "H08", at: 120), event(.waits(.budget), at: 130),
            attempted(2, "green-1", at: 140), event(.answered(number: 2, queryID: "q2"), at: 141),
            judged(2, "green-1", "REMOTE_TASK_ERROR", rule: "I07", gate: .attempts, at: 160),
            ended(.failed, "REMOTE_TASK_ERROR", at: 161),
        ]
    }

    @Test(arguments: 0..<400)
    func inWhateverOrderTheLoopsTellIt(seed: UInt64) async throws {
        let story = seed.isMultiple(of: 2) ? retried : unlucky
        let rig = try await Rig.started()
        var generator = SeededGenerator(seed: seed)
        for event in story.shuffled(using: &generator) {
            rig.intake.accept([event])
            await rig.history.flush(all: Bool.random(using: &generator))
        }
        await rig.history.flush(all: true)
        var told = try #require(await rig.storage.history[id], "seed \(seed)")
        var expected = try await record(story)
        #expect(Set(told.verdicts.map(\.number)).count == told.verdicts.count, "seed \(seed)")
        #expect(Set(told.queryIDs) == ["q1", "q2"], "seed \(seed)")
        // What has no order of its own has that in which it was heard of.
        told.queryIDs = expected.queryIDs
        for index in told.verdicts.indices { told.verdicts[index].number = 0 }
        for index in expected.verdicts.indices { expected.verdicts[index].number = 0 }
        #expect(told.attempts == expected.attempts, "seed \(seed)")
        #expect(told.verdicts == expected.verdicts, "seed \(seed)")
        #expect(told.waits == expected.waits, "seed \(seed)")
        #expect(told == expected, "seed \(seed)")
    }

    @Test func betweenAVerdictAndTheNextAttemptItWaits() async throws {
        for (count, state, outcome) in [
            (5, StatementState.waiting, RetryOutcome.waiting), (6, .waiting, .waiting), (7, .queued, .retried),
            (9, .running, .retried), (10, .finished, .finished),
        ] {
            let record = try await record(Array(retried.prefix(count)))
            #expect(record.state == state, "after \(count) events")
            #expect(record.verdicts.map(\.outcome) == [outcome], "after \(count) events")
        }
    }

    @Test func whatALoopSawBeforeTheVerdictDoesNotEndTheWait() async throws {
        let events = [submitted, judged(1, "blue-1", at: 100), attempted(1, "blue-1", at: 1), event(.running, at: 3)]
        let record = try await record(events)
        #expect(record.state == .waiting)
        #expect(record.verdicts.map(\.pool) == ["blue"])
        #expect(record.attempts.map(\.ended) == [moment(100)])
    }

    @Test func aSubmissionThatReachedNobodyIsToldAnewUnderItsNumber() async throws {
        var events = [submitted, attempted(1, "blue-1", at: 1), judged(1, "blue-1", "refused", rule: "H01", at: 1)]
        var record = try await record(events)
        #expect(record.state == .waiting)
        #expect(record.attempts.map(\.failure) == ["refused"])
        events.append(attempted(1, "blue-2", at: 9))
        record = try await self.record(events)
        #expect(record.state == .queued)
        #expect(record.attempts.count == 1)
        let attempt = try #require(record.attempts.first)
        #expect(attempt.coordinator == "blue-2" && attempt.started == moment(9))
        #expect(attempt.failure == nil && attempt.rule == nil && attempt.ended == nil)
        #expect(record.verdicts.map(\.coordinator) == ["blue-1"])
        #expect(record.verdicts.map(\.outcome) == [.retried])
    }

    @Test func aFailureThatIsNotRetriedIsSurfaced() async throws {
        let record = try await record([
            submitted, attempted(1, "blue-1", at: 1), judged(1, "blue-1", gate: .attempts, at: 5),
            ended(.failed, "CLUSTER_OUT_OF_MEMORY", at: 5),
        ])
        #expect(record.state == .failed)
        #expect(record.verdicts.map(\.outcome) == [.surfaced])
        #expect(record.attempts.first?.gate == "attempts")
        #expect(record.failure == "CLUSTER_OUT_OF_MEMORY")
        #expect(!record.isRetried)
    }

    @Test(arguments: [StatementState.failed, .canceled, .abandoned, .lost])
    func retriesOfAStatementThatEndedBadlyHaveFailed(state: StatementState) async throws {
        let record = try await record(Array(retried.prefix(6)) + [ended(state, at: 180)])
        #expect(record.state == state)
        #expect(record.verdicts.map(\.outcome) == [.failed])
        #expect(record.waits.map(\.ended) == [moment(180)])
        #expect(record.attempts.first?.ended == moment(100))
    }

    @Test func repeatsOfTheSameURIAreOneLineAndEndNoAttempt() async throws {
        let polls = (1...30).map { judged(1, "blue-1", "no-answer", rule: "H06", .repeat, at: 100 * Int64($0)) }
        let events = [submitted, attempted(1, "blue-1", at: 1), event(.running, at: 2)] + polls
        var record = try await record(events)
        #expect(record.state == .running)
        #expect(record.attempts.first?.failure == nil)
        let line = try #require(record.verdicts.first)
        #expect(record.verdicts.count == 1)
        #expect(line.times == 30 && line.at == moment(100) && line.last == moment(3000))
        #expect(line.wait == 300 && line.cost == 3000 && line.outcome == .retried)
        #expect(!record.isRetried)
        record = try await self.record(events + [ended(.finished, at: 4000)])
        #expect(record.verdicts.map(\.outcome) == [.finished])
    }

    @Test func whatIsRetriedWaitsForItsBackOffUnlessForSomethingElse() async throws {
        let begun = Array(retried.prefix(5))
        let backOff = try await record(begun + [attempted(2, "blue-2", at: 150)])
        #expect(backOff.waits == [WaitRecord(began: moment(100), ended: moment(150), reason: .backOff)])
        let budget = try await record(begun + [event(.waits(.budget), at: 100), attempted(2, "blue-2", at: 150)])
        #expect(budget.waits == [WaitRecord(began: moment(100), ended: moment(150), reason: .budget)])
        let atOnce = try await record(begun + [attempted(2, "blue-2", at: 100)])
        #expect(atOnce.waits.isEmpty)
        #expect(atOnce.state == .queued)
    }

    @Test func theMiddleOfALongStoryIsCountedAndDropped() async throws {
        var events = [submitted, attempted(1, "blue-1", at: 1)]
        for index in 1...150 {
            events.append(judged(1, "blue-1", "e\(index)", rule: "H06", .repeat, at: Int64(index)))
            events.append(event(.waits(index.isMultiple(of: 2) ? .budget : .store), at: Int64(index)))
        }
        let record = try await record(events)
        #expect(record.verdicts.count == StatementRecord.storyLength)
        #expect(record.droppedVerdicts == 50)
        #expect(record.verdicts.first?.failure == "e1" && record.verdicts.last?.failure == "e150")
        #expect(Set(record.verdicts.map(\.number)).count == record.verdicts.count)
        #expect(record.waits.count == StatementRecord.storyLength)
        #expect(record.droppedWaits == 50)
    }

    @Test func longMessagesOfALongStoryAreCut() async throws {
        var events = [submitted, attempted(1, "blue-1", at: 1)]
        for index in 1...StatementRecord.storyLength {
            let verdict = Verdict(
                attempt: 1, failure: "e\(index)", message: String(repeating: "ü", count: 5000), rule: "H06",
                failureClass: .unavailable, action: .repeat, isRetried: true)
            events.append(event(.judged(verdict, coordinator: "blue-1"), at: Int64(index)))
        }
        let messages = try await record(events).verdicts.compactMap(\.message)
        #expect(messages.first?.count == StatementRecord.messageLength)
        #expect(messages.reduce(0) { $0 + $1.utf8.count } <= StatementRecord.storyText)
    }

    @Test func aWaitForOneReasonIsOneWaitHoweverOftenItIsTold() async throws {
        let record = try await record([
            submitted, event(.waits(.noCoordinator), at: 1), event(.waits(.noCoordinator), at: 2),
            event(.waits(.budget), at: 5), attempted(1, "blue-1", at: 9), ended(.finished, at: 20),
        ])
        #expect(
            record.waits == [
                WaitRecord(began: moment(1), ended: moment(5), reason: .noCoordinator),
                WaitRecord(began: moment(5), ended: moment(9), reason: .budget),
            ])
    }

    @Test func theRetryLogHasWhatIsNotWrittenYet() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(Array(retried.prefix(5)))
        var log = try await rig.control.retries(RetryFilter())
        #expect(log.items.map(\.outcome) == [.waiting])
        await rig.storage.setAway(true)
        rig.intake.accept(Array(retried.dropFirst(5)))
        log = try await rig.control.retries(RetryFilter())
        #expect(log.items.map(\.outcome) == [.finished])
        #expect(log.items.map(\.statement) == [id])
        #expect(log.nextCursor == nil)
        var filter = RetryFilter()
        filter.statement = "q2"
        filter.limit = 1
        log = try await rig.control.retries(filter)
        #expect(log.items.count == 1)
        filter.after = RetryPosition(text: try #require(log.nextCursor))
        #expect(try await rig.control.retries(filter).items.isEmpty)
        filter = RetryFilter()
        filter.gates = [.budget]
        #expect(try await rig.control.retries(filter).items.isEmpty)
    }

    @Test func statementsAreFoundByTheirVerdictsBeforeTheyAreWritten() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        rig.intake.accept(retried)
        for (change, count) in [
            ({ $0.isRetried = true }, 1), ({ $0.isRetried = false }, 0), ({ $0.rules = ["R01"] }, 1),
            ({ $0.classes = [.user] }, 0), ({ $0.classes = [.resource, .user] }, 1),
        ] as [((inout StatementFilter) -> Void, Int)] {
            var filter = StatementFilter()
            change(&filter)
            #expect(try await rig.control.statements(filter).count == count)
        }
    }

    @Test func aVerdictThatComesLateIsPutUponTheStoredRecord() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(retried.enumerated().filter { $0.offset != 4 }.map(\.element))
        await rig.history.flush(all: true)
        rig.clock.advance(RecordBook.lateness)
        await rig.history.flush(all: false)
        rig.intake.accept([retried[4]])
        await rig.history.flush(all: false)
        rig.clock.advance(RecordBook.lateness)
        await rig.history.flush(all: false)
        await rig.history.flush(all: true)
        #expect(await rig.storage.history[id] == (try await record(retried)))
    }

    @Test func theLogAndTheMetricsTellOfRetries() async throws {
        let rig = try await Rig.started()
        rig.intake.accept(retried)
        await rig.history.flush(all: false)
        let message = "statement ended"
        #expect(rig.log.field("attempts", of: message) == "2")
        #expect(rig.log.field("retried", of: message) == "1")
        #expect(rig.log.field("rules", of: message) == "R01")
        #expect(rig.log.field("waited_ms", of: message) == "50")
        let counts = await rig.control.reading().retries
        #expect(
            counts.verdicts == [.init(rule: "R01", failureClass: .resource, action: .other, gate: nil): 1])
        #expect(counts.retries == [.init(rule: "R01", hasFinished: true): 1])
        #expect(counts.waits[.backOff]?.count == 1 && counts.waits[.backOff]?.milliseconds == 50)
    }

    @Test func theStatusWarnsOfOpenBreakersAndASpentBudget() async throws {
        let rig = try await Rig.started()
        rig.traffic.state.withLock { $0.retries = RetryState(budgetLimit: 20, budgetLeft: 1) }
        #expect(await rig.control.status().warnings == [])
        rig.traffic.state.withLock { $0.retries = RetryState(budgetLimit: 20, openBreakers: ["I01"]) }
        let warnings = await rig.control.status().warnings
        #expect(warnings.count == 2)
        #expect(warnings.contains { $0.contains("rule I01") })
        #expect(warnings.contains { $0.contains("20 retries") })
        #expect(await rig.control.reading().retryState.openBreakers == ["I01"])
        let shown = await rig.control.status().retries
        #expect(shown.mode == .on && shown.budgetLimit == 20 && shown.openBreakers == ["I01"])
    }

    @Test func aRetryThatNobodyTookMakesNoAttempt() async throws {
        let verdict = Verdict(
            attempt: 2, failure: "no-target", rule: nil, failureClass: .unavailable, action: .other, gate: .noTarget,
            isRetried: false)
        let record = try await record(
            Array(retried.prefix(6)) + [
                event(.waits(.noCoordinator), at: 120), event(.judged(verdict, coordinator: ""), at: 300),
                ended(.failed, at: 300),
            ])
        #expect(record.attempts.map(\.failure) == ["CLUSTER_OUT_OF_MEMORY"])
        #expect(record.attempts.first?.gate == nil)
        #expect(record.verdicts.map(\.outcome) == [.failed, .surfaced])
        #expect(record.verdicts.last?.gate == .noTarget)
        #expect(record.waits.map(\.reason) == [.backOff, .noCoordinator])
        #expect(record.failure == "CLUSTER_OUT_OF_MEMORY" && record.message == "why")
    }

    @Test func aStatementThatNobodyTookTellsWhyItFailed() async throws {
        let record = try await record([
            submitted, event(.waits(.noCoordinator), at: 1),
            event(.ended(.failed, failure: "PENSTOCK_NO_COORDINATOR", message: "nobody"), at: 300_000),
        ])
        #expect(record.attempts.isEmpty)
        #expect(record.failure == "PENSTOCK_NO_COORDINATOR" && record.message == "nobody")
        #expect(record.waits.map(\.ended) == [moment(300_000)])
    }
}
