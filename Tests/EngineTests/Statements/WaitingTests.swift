import Testing

@testable import Engine

/// Statements that wait in the gateway, and reads that move (design 4.5, 5).
@Suite struct WaitingTests {
    private func waiting() -> TestedStatement {
        var statement = TestedStatement.started()
        _ = statement.fail(.workerLost, .other("I05", .internal, .limited(2), wait: .medium), answer: .page)
        return statement
    }

    @Test func waitsForItsBackOffAndGoesThenOnce() {
        var statement = waiting()
        #expect(statement.machine.isWaiting)
        #expect(statement.machine.counted == .nowhere)
        #expect(statement.machine.hasPast)
        #expect(statement.machine.attempt == 2)
        statement.now = 9_999
        #expect(statement.attend() == .wait(nil))
        statement.now = 10_000
        #expect(statement.attend() == .submit(.other(than: [1], incarnation: 7, notBefore: 10_000)))
        #expect(statement.attend() == .current)
        #expect(!statement.machine.isWaiting)
    }

    @Test func saysWhyItWaitsOnOnce() {
        var statement = waiting()
        statement.now = 10_000
        #expect(statement.attend(isReachable: false) == .wait(.noCoordinator))
        #expect(statement.attend(isReachable: false) == .wait(nil))
    }

    @Test func endsWithWhatWasKeptElseWithAnErrorOfItsOwn() {
        var kept = waiting()
        kept.now = 10_000
        #expect(kept.attend(isReachable: false) == .wait(.noCoordinator))
        kept.now = 310_000
        #expect(kept.attend(isReachable: false) == .kept(isNew: true))
        #expect(kept.attend(isReachable: true) == .kept(isNew: false))
        #expect(kept.machine.state == .failed)

        var own = TestedStatement.started()
        #expect(own.fail(.gone, .gone).isRetry)
        own.now = 1000
        #expect(own.attend(isReachable: false) == .wait(.noCoordinator))
        own.now = 301_000
        #expect(own.attend(isReachable: false) == .own(.noCoordinator, isNew: true))
        #expect(own.attend(isReachable: true) == .own(.noCoordinator, isNew: false))
        #expect(!own.machine.hasCapsule)
    }

    @Test func aTransactionsCoordinatorIsWaitedForHalfAMinute() {
        var traits = StatementTraits()
        traits.isInTransaction = true
        var statement = TestedStatement(traits: traits)
        statement.machine.phase = .submitting
        #expect(statement.machine.onNoTarget(.pinned(registration: 1), mayWait: true, now: 0) == nil)
        statement.now = 29_999
        #expect(statement.attend(isReachable: false) == .wait(nil))
        statement.now = 30_000
        #expect(statement.attend(isReachable: false) == .own(.noCoordinator, isNew: true))
    }

    @Test func aNewStatementWaitsWhereNobodyCanTakeIt() {
        func fresh(hasCapsule: Bool = true) -> StatementMachine {
            var machine = StatementMachine(reads: false, startsOnPost: false, now: 0)
            machine.hasCapsule = hasCapsule
            return machine
        }
        var machine = fresh()
        #expect(machine.onNoTarget(.any, mayWait: true, now: 5) == nil)
        #expect(machine.isWaiting)
        #expect(machine.attempt == 1)
        #expect(machine.state == .waiting)
        var full = fresh()
        #expect(full.onNoTarget(.any, mayWait: false, now: 5) == .queueFull)
        var bare = fresh(hasCapsule: false)
        #expect(bare.onNoTarget(.any, mayWait: true, now: 5) == .noCoordinator)
        #expect(bare.phase == .ended(.noCoordinator))
    }

    @Test func aTurnThatIsGivenBackIsWaitedForAgain() {
        var statement = waiting()
        statement.now = 10_000
        _ = statement.attend()
        statement.machine.onTurnReturned(.any, reason: .store, delay: 1000, now: statement.now)
        #expect(statement.wait == StatementMachine.Wait(due: 11_000, target: .any, reason: .store, needsRelease: false))
        #expect(statement.machine.attempt == 2)
        statement.machine.onTurnReturned(.any, reason: .store, delay: 5000, now: statement.now)
        #expect(statement.wait?.due == 11_000)
    }

    @Test func whatEndedMeanwhileHasNoTurn() {
        var statement = waiting()
        statement.now = 10_000
        _ = statement.attend()
        _ = statement.machine.onCancel(attempt: 2, withdrawsUnstarted: true, now: statement.now)
        statement.machine.onTurnReturned(.any, reason: .store, delay: 0, now: statement.now)
        #expect(statement.attend() == .own(.userCanceled, isNew: false))
    }

    @Test func whatCouldNotBeKeptIsNotShown() {
        var statement = waiting()
        statement.machine.onKeptLost()
        statement.now = 10_000
        _ = statement.attend(isReachable: false)
        statement.now = 310_000
        #expect(statement.attend(isReachable: false) == .own(.noCoordinator, isNew: true))
    }

    @Test func whoAsksAgainAfterItWentOnGetsTheCurrentPage() {
        var statement = waiting()
        statement.resubmit()
        #expect(statement.attend() == .current)
        statement.poll()
        statement.page(hasNext: false)
        #expect(statement.attend() == .current)
    }

    @Test func nobodyAskingAbandonsIt() {
        var statement = waiting()
        statement.machine.onExchangeEnded(now: 0)
        statement.now = 4 * TestedStatement.minute
        statement.machine.onWaitPoll(now: statement.now)
        statement.now = 9 * TestedStatement.minute - 1
        #expect(statement.tick() == .none)
        statement.now += 1
        #expect(statement.tick() == .abandoned(started: false))
        #expect(statement.attend() == .notFound)
        #expect(!statement.machine.hasCapsule)
    }

    // MARK: Moving

    private func move(_ statement: inout TestedStatement, episode: UInt32 = 1, attempt: UInt16? = nil) -> Verdict? {
        statement.machine.onMove(
            attempt: attempt ?? statement.machine.attempt,
            episode: HealthEpisode(registration: statement.registration, number: episode), word: "no-workers",
            incarnation: 7, terms: statement.terms, now: statement.now)
    }

    @Test func aReadInTheQueueMovesAtOnceOutsideAttemptsAndBudget() {
        var statement = TestedStatement.started()
        statement.permit = .refused(.budget)
        statement.now = 100
        let verdict = move(&statement)
        #expect(verdict?.isRetried == true)
        #expect(verdict?.rule == nil)
        #expect(verdict?.failure == "no-workers")
        #expect(statement.asked == 0)
        #expect(statement.attend() == .submit(.other(than: [1], incarnation: 7, notBefore: 100)))
        #expect(statement.machine.attempt == 2)
        statement.machine.onSubmit(startsOnPost: false, now: 100)
        statement.page()
        statement.permit = .granted
        for _ in 1..<statement.terms.attempts {
            statement.poll()
            #expect(statement.failElsewhere().isRetry)
            statement.resubmit()
        }
    }

    @Test func itMovesOnceInAnEpisode() {
        var statement = TestedStatement.started()
        #expect(move(&statement) != nil)
        statement.resubmit()
        #expect(move(&statement) == nil)
        #expect(move(&statement, episode: 2) != nil)
    }

    @Test func nothingElseMoves() {
        var write = TestedStatement.started(reads: false)
        #expect(move(&write) == nil)
        var running = TestedStatement.started()
        running.page(runs: true)
        #expect(move(&running) == nil)
        var session = TestedStatement.started()
        session.page(changesSession: true)
        #expect(move(&session) == nil)
        var onPost = TestedStatement.started(startsOnPost: true)
        #expect(move(&onPost) == nil)
        var bare = TestedStatement.started()
        bare.machine.hasCapsule = false
        #expect(move(&bare) == nil)
        var old = TestedStatement.started()
        #expect(move(&old, attempt: 2) == nil)
        var shadow = TestedStatement.started()
        shadow.terms.mode = .shadow
        #expect(move(&shadow) == nil)
        var traits = StatementTraits()
        traits.isInTransaction = true
        var bound = TestedStatement.started(traits: traits)
        #expect(move(&bound) == nil)
        traits.isInTransaction = false
        traits.isChained = true
        var chained = TestedStatement.started(traits: traits)
        #expect(move(&chained) == nil)
    }

    @Test func whatItsOldAttemptBringsIsDropped() {
        var statement = TestedStatement.started()
        #expect(move(&statement) != nil)
        #expect(statement.page(hasRows: true, attempt: 1) == .superseded)
        #expect(statement.fail(.gone, .gone, attempt: 1) == .superseded)
        #expect(!statement.machine.rowsLeft)
    }
}
