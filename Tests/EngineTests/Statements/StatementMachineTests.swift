import Testing

@testable import Engine

/// The life of a statement as polls see it (design 4).
@Suite struct StatementMachineTests {
    private let minute: Int64 = 60_000

    private func submitted(reads: Bool = true, startsOnPost: Bool = false) -> StatementMachine {
        var machine = StatementMachine(reads: reads, startsOnPost: startsOnPost, now: 0)
        machine.onSubmit(attempt: 1, now: 0)
        _ = machine.onPage(attempt: 1, facts: page(), now: 1)
        return machine
    }

    private func polled(reads: Bool = true, startsOnPost: Bool = false) -> StatementMachine {
        var machine = submitted(reads: reads, startsOnPost: startsOnPost)
        _ = machine.onPoll(attempt: 1, sequence: 1, now: 10)
        return machine
    }

    private func page(hasNext: Bool = true, runs: Bool = false, writes: Bool = false) -> PageFacts {
        PageFacts(hasNext: hasNext, runs: runs, writes: writes, failed: false)
    }

    @Test func countsFromItsSelectionUntilItsLastPage() {
        var machine = StatementMachine(reads: true, startsOnPost: false, now: 0)
        #expect(machine.counted == .nowhere)
        machine.onSubmit(attempt: 1, now: 0)
        #expect(machine.counted == .queued)
        #expect(machine.onPage(attempt: 1, facts: page(), now: 1) == .relay(sequence: 1))
        #expect(machine.onPoll(attempt: 1, sequence: 1, now: 2) == .relay(isAdopted: false))
        #expect(machine.onPage(attempt: 1, facts: page(runs: true), now: 3) == .relay(sequence: 2))
        #expect(machine.counted == .running)
        #expect(machine.onPage(attempt: 1, facts: page(hasNext: false), now: 4) == .relay(sequence: 2))
        #expect(machine.counted == .nowhere)
        #expect(machine.phase == .relayed)
    }

    @Test func startsWithItsFirstPollUnlessThePoolStartsOnPost() {
        #expect(!submitted().hasStarted)
        #expect(polled().hasStarted)
        #expect(submitted(startsOnPost: true).hasStarted)
    }

    @Test func answersAnUnansweredPollWithTheSameURIUntilPatienceEnds() {
        var machine = polled()
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 100) == .wait(sequence: 2))
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 60_000) == .wait(sequence: 3))
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 120_100) == .end(.coordinatorLost))
        #expect(machine.onPoll(attempt: 1, sequence: 3, now: 120_200) == .own(.coordinatorLost))
        #expect(machine.counted == .nowhere)
    }

    @Test func aPageBetweenFailuresStartsPatienceAnew() {
        var machine = polled()
        _ = machine.onUnanswered(attempt: 1, patience: 120_000, now: 100)
        _ = machine.onPage(attempt: 1, facts: page(), now: 119_000)
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 120_200) == .wait(sequence: 4))
    }

    @Test func aStartedWriteWhoseEndWasNotReadHasAnUnknownOutcome() {
        var gone = polled(reads: false)
        _ = gone.onUnanswered(attempt: 1, patience: 120_000, now: 0)
        #expect(gone.onUnanswered(attempt: 1, patience: 120_000, now: 120_000) == .end(.outcomeUnknown))
        var broken = polled(reads: false)
        #expect(broken.onBroken(attempt: 1) == .end(.outcomeUnknown))
        #expect(broken.state == .lost)
        var forgotten = polled(reads: false)
        let moment = Timestamp(milliseconds: 5)
        #expect(
            forgotten.onForgotten(attempt: 1, incarnation: .changed, at: moment, patience: 120_000, now: 30)
                == .end(.outcomeUnknown))
    }

    @Test func aReadsBrokenAnswerIsRelayedAndEndsIt() {
        var machine = polled()
        #expect(machine.onBroken(attempt: 1) == .relay)
        #expect(machine.phase == .relayed)
    }

    @Test func anUpdateTypeDemotesARead() {
        var machine = polled()
        _ = machine.onPage(attempt: 1, facts: page(writes: true), now: 20)
        #expect(machine.onBroken(attempt: 1) == .end(.outcomeUnknown))
    }

    @Test func aServerThatStartsOnPostIsNotAskedAgain() {
        var machine = polled(startsOnPost: true)
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 20) == .end(.coordinatorLost))
    }

    @Test func forgottenIsRelayedOnlyWhenALaterProbeShowsTheSameIncarnation() {
        var machine = polled()
        let first = Timestamp(milliseconds: 1000)
        #expect(
            machine.onForgotten(attempt: 1, incarnation: .unknown, at: first, patience: 120_000, now: 30)
                == .wait(sequence: 2))
        #expect(machine.firstForgotten == first)
        let later = Timestamp(milliseconds: 2000)
        #expect(
            machine.onForgotten(attempt: 1, incarnation: .unknown, at: later, patience: 120_000, now: 30)
                == .wait(sequence: 3))
        #expect(machine.firstForgotten == first)
        #expect(machine.onForgotten(attempt: 1, incarnation: .same, at: later, patience: 120_000, now: 30) == .relay)
        #expect(machine.phase == .relayed)
    }

    @Test func forgottenEndsWhenNoProbeTellsForTooLong() {
        var machine = polled(reads: false)
        let moment = Timestamp(milliseconds: 5)
        func ask(at now: Int64) -> StatementMachine.Unanswered {
            machine.onForgotten(attempt: 1, incarnation: .unknown, at: moment, patience: 120_000, now: now)
        }
        #expect(ask(at: 1000) == .wait(sequence: 2))
        #expect(ask(at: 120_900) == .wait(sequence: 3))
        #expect(ask(at: 121_000) == .end(.outcomeUnknown))
    }

    @Test func aWriteWhosePollsReachedNobodyHasNotStarted() {
        var machine = polled(reads: false)
        machine.onPollUnwritten(attempt: 1)
        #expect(!machine.hasStarted)
        _ = machine.onUnanswered(attempt: 1, patience: 120_000, now: 0)
        #expect(machine.onUnanswered(attempt: 1, patience: 120_000, now: 120_000) == .end(.coordinatorLost))
    }

    @Test func aPollThatReachedNobodyUndoesNoEarlierStart() {
        var machine = polled(reads: false)
        _ = machine.onPage(attempt: 1, facts: page(), now: 11)
        _ = machine.onPoll(attempt: 1, sequence: 2, now: 12)
        machine.onPollUnwritten(attempt: 1)
        #expect(machine.hasStarted)
    }

    @Test func anOlderAttemptIsSuperseded() {
        var machine = StatementMachine(presumedAttempt: 3, reads: true, startsOnPost: false, now: 0)
        #expect(machine.onPoll(attempt: 3, sequence: 1, now: 1) == .relay(isAdopted: true))
        #expect(machine.onPoll(attempt: 2, sequence: 9, now: 2) == .superseded)
        #expect(machine.onPage(attempt: 2, facts: page(), now: 3) == .superseded)
        #expect(machine.onUnanswered(attempt: 2, patience: 1, now: 3) == .superseded)
    }

    @Test func whatAGoneOwnerLeftCountsAsPresumedUntilItIsPolled() {
        var machine = StatementMachine(presumedAttempt: 1, reads: false, startsOnPost: false, now: 0)
        #expect(machine.counted == .presumed)
        #expect(machine.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 60 * minute) == .none)
        #expect(machine.onPoll(attempt: 1, sequence: 7, now: 61 * minute) == .relay(isAdopted: true))
        #expect(machine.counted == .queued)
        let endedWhileCounted = machine.onPresumptionEnded()
        #expect(!endedWhileCounted)
    }

    @Test func aPresumptionThatEndsCountsNoMore() {
        var machine = StatementMachine(presumedAttempt: 1, reads: false, startsOnPost: false, now: 0)
        let endedAtLast = machine.onPresumptionEnded()
        #expect(endedAtLast)
        #expect(machine.counted == .nowhere)
        #expect(machine.onPoll(attempt: 1, sequence: 7, now: minute) == .relay(isAdopted: true))
    }

    @Test func cancelMakesItTerminalAndAnswersEverythingAfterIt() {
        var machine = polled(reads: false)
        #expect(machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 20) == .canceled(forwards: true))
        #expect(machine.state == .canceled)
        #expect(machine.onPage(attempt: 1, facts: page(), now: 21) == .own(.userCanceled))
        #expect(machine.onPoll(attempt: 1, sequence: 1, now: 22) == .own(.userCanceled))
        #expect(machine.onUnanswered(attempt: 1, patience: 1, now: 23) == .own(.userCanceled))
        #expect(machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 24) == .done)
    }

    @Test func whatHadEndedIsNotEndedAgain() {
        var machine = polled(reads: false)
        #expect(machine.onPage(attempt: 1, facts: page(hasNext: false), now: 20) != .superseded)
        let moment = Timestamp(milliseconds: 30)
        #expect(machine.onUnanswered(attempt: 1, patience: 1, now: 30) == .passOn)
        #expect(
            machine.onForgotten(attempt: 1, incarnation: .changed, at: moment, patience: 120_000, now: 30) == .passOn)
        #expect(machine.onBroken(attempt: 1) == .passOn)
        #expect(machine.state == .finished)
    }

    @Test func anUnstartedStatementIsWithdrawnOnlyWhereTheEngineTakesIt() {
        var trino = submitted()
        #expect(trino.onCancel(attempt: 1, withdrawsUnstarted: true, now: 2) == .canceled(forwards: true))
        var presto = submitted()
        #expect(presto.onCancel(attempt: 1, withdrawsUnstarted: false, now: 2) == .canceled(forwards: false))
    }

    @Test func anUnconfirmedCancelCountsForAWhile() {
        var machine = polled()
        _ = machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 0)
        machine.onCancelAnswered(confirmed: false, countFor: 5 * minute, now: 0)
        #expect(machine.counted == .queued)
        _ = machine.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 5 * minute)
        #expect(machine.counted == .nowhere)
    }

    @Test func nobodyAskingAbandonsIt() {
        var unstarted = submitted()
        #expect(
            unstarted.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 6 * minute)
                == .abandoned(started: false))
        #expect(unstarted.onPoll(attempt: 1, sequence: 1, now: 7 * minute) == .notFound)
        var started = polled()
        started.onExchangeEnded(now: 10)
        #expect(
            started.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 6 * minute)
                == .abandoned(started: true))
        #expect(started.counted == .nowhere)
        #expect(started.onPoll(attempt: 1, sequence: 1, now: 7 * minute) == .relay(isAdopted: true))
        #expect(started.counted == .queued)
    }

    @Test func anExchangeUnderWayOrAHeadKeepsItAlive() {
        var polling = polled()
        #expect(polling.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 6 * minute) == .none)
        var touched = submitted()
        touched.onTouch(now: 4 * minute)
        #expect(touched.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 6 * minute) == .none)
    }

    @Test func whatEndedIsForgottenAfterItsTime() {
        var machine = polled()
        _ = machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 0)
        machine.onCancelAnswered(confirmed: true, countFor: 0, now: 0)
        #expect(
            machine.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 14 * minute)
                == .remembered(since: 0))
        #expect(machine.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 16 * minute) == .forget)
    }

    /// Random histories: no event breaks what always holds. The seed is in the failure's text.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func lawsHoldInRandomHistories(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = StatementMachine(
            reads: Bool.random(using: &random), startsOnPost: Bool.random(using: &random), now: 0)
        machine.onSubmit(attempt: 1, now: 0)
        var now: Int64 = 0
        var ended: OwnError?
        for _ in 0..<60 {
            now += Int64.random(in: 0...90_000, using: &random)
            let sequence = machine.sequence
            switch Int.random(in: 0...7, using: &random) {
            case 0: _ = machine.onPoll(attempt: 1, sequence: sequence, now: now)
            case 1:
                let facts = page(hasNext: Int.random(in: 0...3, using: &random) > 0, runs: true)
                _ = machine.onPage(attempt: 1, facts: facts, now: now)
            case 2: _ = machine.onUnanswered(attempt: 1, patience: 120_000, now: now)
            case 3:
                _ = machine.onForgotten(
                    attempt: 1, incarnation: .unknown, at: Timestamp(milliseconds: now), patience: 120_000, now: now)
            case 4: _ = machine.onBroken(attempt: 1)
            case 5: machine.onExchangeEnded(now: now)
            case 6: _ = machine.onTick(abandoned: 300_000, remembered: 900_000, now: now)
            default:
                if Int.random(in: 0...5, using: &random) == 0 {
                    _ = machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: now)
                }
            }
            #expect(machine.sequence >= sequence, "seed \(seed)")
            if let ended {
                #expect(machine.phase == .ended(ended), "an ended statement changed: seed \(seed)")
            }
            if case .ended(let error) = machine.phase {
                ended = error
                if error == .coordinatorLost { #expect(machine.reads || !machine.hasStarted, "seed \(seed)") }
            }
            if machine.phase == .relayed { #expect(machine.counted == .nowhere, "seed \(seed)") }
        }
    }
}

/// SplitMix64, so that a seed names a history.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
