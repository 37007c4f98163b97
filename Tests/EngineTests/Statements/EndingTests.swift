import Testing

@testable import Engine

/// How statements end that no last page ends (design 4.6).
@Suite struct EndingTests {
    private let minute = TestedStatement.minute

    @Test func aCancelAnswersEverythingAfterIt() {
        var statement = TestedStatement.started(reads: false)
        #expect(statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 20) == .canceled(forwards: true))
        #expect(statement.machine.state == .canceled)
        #expect(statement.page() == .own(.userCanceled))
        #expect(statement.poll() == .own(.userCanceled))
        #expect(statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 24) == .done)
    }

    @Test func whatWasNeverPolledIsWithdrawnOnlyWhereTheEngineTakesIt() {
        var trino = TestedStatement.taken()
        #expect(trino.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 2) == .canceled(forwards: true))
        var presto = TestedStatement.taken()
        #expect(presto.machine.onCancel(attempt: 1, withdrawsUnstarted: false, now: 2) == .canceled(forwards: false))
    }

    @Test func whatWaitsHereOrIsOnItsWayHasNobodyToTell() {
        var submitting = TestedStatement()
        #expect(submitting.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1) == .canceled(forwards: false))
        var waiting = TestedStatement.started()
        #expect(waiting.failElsewhere().isRetry)
        #expect(waiting.machine.onCancel(attempt: 2, withdrawsUnstarted: true, now: 1) == .canceled(forwards: false))
        #expect(!waiting.machine.isWaiting)
        waiting.machine.onCancelAnswered(confirmed: true, countFor: 0, now: 1)
        #expect(!waiting.machine.hasCapsule)
    }

    @Test func whatHadEndedIsNotCanceled() {
        var relayed = TestedStatement.started()
        relayed.page(hasNext: false)
        #expect(relayed.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1) == .relay)
        let wasThere = relayed.machine.onCanceledThere(now: 1)
        #expect(!wasThere)
        var abandoned = TestedStatement.taken()
        abandoned.now = 6 * minute
        _ = abandoned.tick()
        #expect(abandoned.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1) == .notFound)
    }

    @Test func aCancelThatWasRefusedEndsNothing() {
        var statement = TestedStatement.started()
        _ = statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1)
        statement.machine.onCancelRefused()
        #expect(statement.page() == .relay(sequence: 2))
        #expect(statement.machine.hasCapsule)
    }

    @Test func aCancelByIDEndsWhatWaitsToo() {
        var statement = TestedStatement.started()
        #expect(statement.failElsewhere().isRetry)
        let isNew = statement.machine.onCanceledThere(now: 5)
        #expect(isNew)
        #expect(statement.attend() == .own(.userCanceled, isNew: false))
        #expect(!statement.machine.hasCapsule)
    }

    @Test func anUnconfirmedCancelCountsForAWhile() {
        var statement = TestedStatement.started()
        _ = statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 0)
        statement.machine.onCancelAnswered(confirmed: false, countFor: 5 * minute, now: 0)
        #expect(statement.machine.counted == .queued)
        statement.now = 5 * minute
        _ = statement.tick()
        #expect(statement.machine.counted == .nowhere)
    }

    @Test func nobodyAskingAbandonsIt() {
        var unstarted = TestedStatement.taken()
        unstarted.now = 6 * minute
        #expect(unstarted.tick() == .abandoned(started: false))
        #expect(unstarted.poll() == .notFound)
        var started = TestedStatement.started()
        started.machine.onExchangeEnded(now: 10)
        started.now = 6 * minute
        #expect(started.tick() == .abandoned(started: true))
        #expect(started.machine.counted == .nowhere)
        #expect(!started.machine.hasCapsule)
        #expect(started.poll() == .relay(isAdopted: true))
        #expect(started.machine.counted == .queued)
    }

    @Test func anExchangeUnderWayOrAHeadKeepsItAlive() {
        var polling = TestedStatement.started()
        polling.now = 6 * minute
        #expect(polling.tick() == .none)
        var touched = TestedStatement.taken()
        touched.machine.onTouch(now: 4 * minute)
        touched.now = 6 * minute
        #expect(touched.tick() == .none)
    }

    @Test func whatEndedIsForgottenAfterItsTime() {
        var statement = TestedStatement.started()
        _ = statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 0)
        statement.machine.onCancelAnswered(confirmed: true, countFor: 0, now: 0)
        statement.now = 14 * minute
        #expect(statement.tick() == .remembered(since: 0))
        statement.now = 16 * minute
        #expect(statement.tick() == .forget)
    }

    @Test func whatAGoneOwnerLeftCountsAsPresumedUntilItIsPolled() {
        var machine = StatementMachine(presumedAttempt: 1, reads: false, startsOnPost: false, now: 0)
        #expect(machine.counted == .presumed)
        #expect(machine.hasStarted)
        #expect(machine.onTick(abandoned: 5 * minute, remembered: 15 * minute, now: 60 * minute) == .none)
        #expect(machine.onPoll(attempt: 1, sequence: 7, now: 61 * minute) == .relay(isAdopted: true))
        #expect(machine.counted == .queued)
        let wasPresumed = machine.onPresumptionEnded()
        #expect(!wasPresumed)
    }

    @Test func aPresumptionThatEndsCountsNoMore() {
        var machine = StatementMachine(presumedAttempt: 1, reads: false, startsOnPost: false, now: 0)
        let wasPresumed = machine.onPresumptionEnded()
        #expect(wasPresumed)
        #expect(machine.counted == .nowhere)
        #expect(machine.onPoll(attempt: 1, sequence: 7, now: minute) == .relay(isAdopted: true))
    }
}
