import Testing

@testable import Engine

/// The life of a statement as polls see it (design 4).
@Suite struct StatementMachineTests {
    // MARK: Submission

    @Test func countsFromItsSelectionUntilItsLastPage() {
        var machine = StatementMachine(reads: true, startsOnPost: false, now: 0)
        #expect(machine.counted == .nowhere)
        machine.onSubmit(startsOnPost: false, now: 0)
        #expect(machine.counted == .queued)
        var statement = TestedStatement()
        #expect(statement.page() == .relay(sequence: 1))
        #expect(statement.poll() == .relay(isAdopted: false))
        #expect(statement.page(runs: true) == .relay(sequence: 2))
        #expect(statement.machine.counted == .running)
        #expect(statement.page(hasNext: false) == .relay(sequence: 2))
        #expect(statement.machine.counted == .nowhere)
        #expect(statement.machine.phase == .relayed)
        #expect(!statement.machine.hasCapsule)
    }

    @Test func isNotSubmittedAfterItHasEnded() {
        var statement = TestedStatement()
        _ = statement.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1)
        statement.machine.onSubmit(startsOnPost: true, now: 2)
        #expect(!statement.machine.startsOnPost)
        #expect(statement.page() == .own(.userCanceled))
    }

    @Test func startsWithItsFirstPollUnlessThePoolStartsOnPost() {
        #expect(!TestedStatement.taken().machine.hasStarted)
        #expect(TestedStatement.started().machine.hasStarted)
        #expect(TestedStatement.taken(startsOnPost: true).machine.hasStarted)
    }

    @Test func whatShowsThatItRunsHasStartedWhateverItsPoolSays() {
        var statement = TestedStatement(reads: false)
        statement.page(runs: true)
        #expect(statement.machine.hasStarted)
        statement.poll()
        statement.machine.onPollUnwritten(attempt: 1)
        #expect(statement.machine.hasStarted)
    }

    // MARK: Polls

    @Test func aPollThatReachedNobodyStartsNothing() {
        var statement = TestedStatement.started(reads: false)
        statement.machine.onPollUnwritten(attempt: 1)
        #expect(!statement.machine.hasStarted)
    }

    @Test func aPollThatReachedNobodyUndoesNoEarlierStart() {
        var statement = TestedStatement.started(reads: false)
        statement.page()
        statement.poll()
        statement.machine.onPollUnwritten(attempt: 1)
        #expect(statement.machine.hasStarted)
    }

    @Test func aPollThatWasWrittenTwiceIsUndoneByTwoThatReachedNobody() {
        var statement = TestedStatement.started(reads: false)
        statement.machine.onPollRepeated(attempt: 1)
        statement.machine.onPollUnwritten(attempt: 1)
        #expect(statement.machine.hasStarted)
    }

    @Test func whatBelongsToAnotherAttemptCountsNothing() {
        var statement = TestedStatement.started(reads: false)
        statement.machine.onPollUnwritten(attempt: 2)
        #expect(statement.machine.hasStarted)
        statement.machine.onPollUnwritten(attempt: 1)
        statement.machine.onPollRepeated(attempt: 2)
        #expect(!statement.machine.hasStarted)
    }

    @Test func anOlderAttemptIsSuperseded() {
        var machine = StatementMachine(presumedAttempt: 3, reads: true, startsOnPost: false, now: 0)
        #expect(machine.onPoll(attempt: 3, sequence: 1, now: 1) == .relay(isAdopted: true))
        #expect(machine.onPoll(attempt: 2, sequence: 9, now: 2) == .superseded)
        let facts = PageFacts(hasNext: true, runs: false, writes: false, failed: false)
        #expect(machine.onPage(attempt: 2, facts: facts, now: 3) == .superseded)
    }

    @Test func theHighestAttemptOfAValidTagIsTheCurrentOne() {
        var machine = StatementMachine(presumedAttempt: 1, reads: true, startsOnPost: false, now: 0)
        #expect(machine.onPoll(attempt: 1, sequence: 1, now: 1) == .relay(isAdopted: true))
        #expect(machine.onPoll(attempt: 2, sequence: 5, now: 2) == .relay(isAdopted: false))
        #expect(machine.attempt == 2)
        #expect(machine.sequence == 5)
    }

    @Test func aPollOfWhatWaitsIsSuperseded() {
        var statement = TestedStatement.started()
        #expect(statement.failElsewhere().isRetry)
        #expect(statement.machine.onPoll(attempt: 1, sequence: 1, now: 1) == .superseded)
        statement.now = 1000
        #expect(statement.attend() != .wait(nil))
        #expect(statement.machine.onPoll(attempt: 1, sequence: 1, now: 1) == .superseded)
    }

    @Test func aPollAfterTheEndIsAnsweredAsItEnded() {
        var relayed = TestedStatement.started()
        relayed.page(hasNext: false)
        #expect(relayed.poll() == .relay(isAdopted: false))
        var canceled = TestedStatement.started()
        _ = canceled.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1)
        #expect(canceled.poll() == .own(.userCanceled))
        var again = TestedStatement.started()
        #expect(again.failElsewhere().isRetry)
        again.resubmit()
        again.poll()
        again.page(hasNext: false)
        #expect(again.machine.onPoll(attempt: 1, sequence: 1, now: 1) == .superseded)
    }

    // MARK: Pages

    @Test func anUpdateTypeDemotesARead() {
        var statement = TestedStatement.started()
        statement.page(writes: true)
        #expect(!statement.machine.reads)
        #expect(statement.failElsewhere().verdict?.gate == .started)
    }

    @Test func aLongTextThatOnlyReadsIsBelievedUnlessAPageToldOtherwise() {
        var statement = TestedStatement.started(reads: false)
        statement.machine.onWholeTextReads()
        #expect(statement.failElsewhere().isRetry)
        var write = TestedStatement.started(reads: false)
        write.page(writes: true)
        write.machine.onWholeTextReads()
        #expect(!write.machine.reads)
    }

    @Test func aPageOfWhatWaitsIsDropped() {
        var statement = TestedStatement.started()
        #expect(statement.failElsewhere().isRetry)
        #expect(statement.page(attempt: 1) == .superseded)
        statement.resubmit()
        #expect(statement.page(attempt: 1) == .superseded)
        #expect(statement.page(attempt: 2) == .relay(sequence: 3))
    }

    @Test func theSameColumnsMayComeAgain() {
        var statement = TestedStatement.started()
        statement.page(columns: 1)
        #expect(statement.failElsewhere().isRetry)
        statement.resubmit()
        #expect(statement.page(columns: 1) == .relay(sequence: 4))
    }

    @Test func oneAttemptMayShowOtherColumnsThanBefore() {
        var statement = TestedStatement.started()
        statement.page(columns: 1)
        #expect(statement.page(columns: 2) == .relay(sequence: 3))
    }

    @Test func otherColumnsEndItWithTheFirstError() {
        var statement = TestedStatement.started()
        statement.page(columns: 1)
        #expect(statement.failElsewhere().isRetry)
        statement.resubmit()
        guard case .columnsDiffer(let verdict, let error) = statement.page(hasRows: true, columns: 2) else {
            Issue.record("the columns are relayed")
            return
        }
        #expect(verdict.gate == .columnsDiffer)
        #expect(!verdict.isRetried)
        #expect(verdict.attempt == 2)
        #expect(error == nil)
        #expect(statement.machine.phase == .surfaced)
        #expect(statement.machine.counted == .nowhere)
        #expect(statement.page(columns: 2) == .kept)
        #expect(statement.poll() == .kept)
    }

    @Test func otherColumnsWithoutAnErrorToShowEndItAsLost() {
        var statement = TestedStatement.started()
        statement.page(columns: 1)
        #expect(statement.fail(.forgotten, .other("H07"), isRestarted: true).isRetry)
        statement.resubmit()
        guard case .columnsDiffer(_, .coordinatorLost) = statement.page(columns: 2) else {
            Issue.record("the columns are relayed")
            return
        }
        #expect(statement.machine.phase == .ended(.coordinatorLost))
    }

    @Test func theCapsuleGoesWithTheFirstRows() {
        var statement = TestedStatement.started()
        statement.page(hasRows: true)
        #expect(statement.machine.rowsLeft)
        #expect(!statement.machine.hasCapsule)
    }

    @Test func pagesThatAreReadAgainAfterTheEndAreRelayed() {
        var statement = TestedStatement.started()
        statement.page(hasNext: false)
        #expect(statement.page(hasNext: false) == .relay(sequence: 2))
        #expect(statement.machine.phase == .relayed)
    }

    @Test func aStatementWhoseClientCanceledItIsKnownFromItsTombstone() {
        var machine = StatementMachine(canceledAt: 0)
        #expect(machine.onPoll(attempt: 4, sequence: 1, now: 1) == .own(.userCanceled))
        #expect(machine.state == .canceled)
        #expect(machine.wasEndedHere)
    }

    @Test func theStateIsWhatUsersCallIt() {
        #expect(TestedStatement().machine.state == .waiting)
        #expect(TestedStatement.taken().machine.state == .queued)
        var statement = TestedStatement.started()
        statement.page(runs: true)
        #expect(statement.machine.state == .running)
        statement.page(hasNext: false)
        #expect(statement.machine.state == .finished)
        var ended = TestedStatement()
        ended.machine.onEnd(.noCoordinator)
        #expect(ended.machine.state == .failed)
        ended.machine.onEnd(.outcomeUnknown)
        #expect(ended.machine.state == .lost)
    }
}
