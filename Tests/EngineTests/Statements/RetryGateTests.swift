import Testing

@testable import Engine

/// Each gate, in the order in which they are looked at (design 5).
@Suite struct RetryGateTests {
    private func gate(_ step: StatementMachine.FailureStep) -> RetryGate? {
        #expect(step.verdict?.isRetried == (step.verdict?.gate == nil))
        return step.verdict?.gate
    }

    @Test func rowsLeft() {
        var statement = TestedStatement.started()
        statement.page(hasRows: true)
        #expect(gate(statement.failElsewhere()) == .rowsLeft)
    }

    @Test func startedWhereItMayWrite() {
        var write = TestedStatement.started(reads: false)
        #expect(gate(write.failElsewhere()) == .started)
        var read = TestedStatement.started()
        #expect(gate(read.failElsewhere()) == nil)
        var onPost = TestedStatement(reads: false, startsOnPost: true)
        #expect(gate(onPost.fail(Failure(step: .submit, event: .reset), .other("H02"))) == .started)
    }

    @Test(arguments: [
        Failure(step: .poll, errorName: "QUERY_QUEUE_FULL"), .startingUp,
        Failure(step: .poll, errorName: "QUERY_TEXT_TOO_LARGE"),
        Failure(
            step: .poll, errorName: "GENERIC_INSUFFICIENT_RESOURCES",
            message: "Insufficient active worker nodes. Waited 5.00m"),
    ])
    func notStartedWhereTheErrorComesBeforeTheDispatch(failure: Failure) {
        var statement = TestedStatement.started(reads: false)
        #expect(gate(statement.fail(failure, .other("R04"), answer: .page)) == nil)
    }

    @Test func startedWhereAnErrorOnlyLooksLikeThat() {
        var statement = TestedStatement.started(reads: false)
        let failure = Failure(step: .poll, errorName: "GENERIC_INSUFFICIENT_RESOURCES", message: "cannot exceed")
        #expect(gate(statement.fail(failure, .other("R06"), answer: .page)) == .started)
        // Numbers are never matched alone, and states and messages prove nothing.
        let nameless = Failure(step: .poll, errorCode: 131_074, message: "Too many queued queries")
        var other = TestedStatement.started(reads: false)
        #expect(gate(other.fail(nameless, .other("R04"), answer: .page)) == .started)
    }

    @Test func notStartedWhereEveryPollWasAnswered404ByAnotherProcess() {
        var statement = TestedStatement.started(reads: false)
        #expect(gate(statement.fail(.forgotten, .other("H07"), isRestarted: true)) == nil)
    }

    @Test func startedWhereOneOfThePollsWasNot() {
        var answered = TestedStatement.started(reads: false)
        answered.page()
        answered.poll()
        #expect(gate(answered.fail(.forgotten, .other("H07"), isRestarted: true)) == .started)
        // The first was written on a connection that broke, and may have arrived.
        var repeated = TestedStatement.started(reads: false)
        repeated.machine.onPollRepeated(attempt: 1)
        #expect(gate(repeated.fail(.forgotten, .other("H07"), isRestarted: true)) == .started)
    }

    @Test func a404OfNobodyKnowsWhomCountsWithTheOneThatTells() {
        var statement = TestedStatement.started(reads: false)
        let doubt = statement.machine.onDoubt(
            attempt: 1, at: Timestamp(milliseconds: 1), patience: TestedStatement.patience, now: 1)
        #expect(doubt == .askAgain(sequence: 2, nil))
        statement.poll()
        #expect(gate(statement.fail(.forgotten, .other("H07"), isRestarted: true)) == nil)
    }

    @Test func transaction() {
        var traits = StatementTraits()
        traits.isInTransaction = true
        var statement = TestedStatement.started(traits: traits)
        #expect(gate(statement.failElsewhere()) == .transaction)
    }

    @Test func sessionHeader() {
        var statement = TestedStatement.started()
        statement.page(changesSession: true)
        #expect(gate(statement.failElsewhere()) == .sessionHeader)
    }

    @Test func chained() {
        var traits = StatementTraits()
        traits.isChained = true
        var statement = TestedStatement.started(traits: traits)
        #expect(gate(statement.failElsewhere()) == .chained)
    }

    @Test func notDeadBelongsToWritesWhoseErrorPageWasNotRead() {
        // Whatever opens the gate before it shows that the attempt is dead, or that it never was alive.
        var statement = TestedStatement.taken(reads: false)
        #expect(gate(statement.fail(.gone, .gone)) == nil)
    }

    @Test func attemptsCountRuns() {
        var statement = TestedStatement.started()
        for _ in 1..<statement.terms.attempts {
            #expect(gate(statement.failElsewhere()) == nil)
            statement.resubmit()
            statement.poll()
        }
        #expect(gate(statement.failElsewhere()) == .attempts)
    }

    @Test func attemptsThatReachedNobodyAreFree() {
        var statement = TestedStatement(startsOnPost: true)
        for _ in 0..<20 {
            #expect(gate(statement.fail(Failure(step: .submit, status: 503), .other("H03"))) == nil)
            statement.now += 1000
            #expect(statement.attend() == .submit(statement.wait?.target ?? .any) || statement.wait == nil)
            statement.machine.onSubmit(startsOnPost: true, now: statement.now)
        }
        #expect(statement.machine.attempt == 1)
    }

    @Test func attemptsWhoseServerWasStartingAreFreeButHaveNumbers() {
        var statement = TestedStatement.started()
        for _ in 0..<10 {
            #expect(gate(statement.fail(.startingUp, .other("I10"), answer: .page)) == nil)
            statement.now += 1000
            _ = statement.attend()
            statement.machine.onSubmit(startsOnPost: false, now: statement.now)
            statement.page()
            statement.poll()
        }
        #expect(statement.machine.attempt == 11)
        #expect(gate(statement.failElsewhere()) == nil)
    }

    @Test func attemptsOfARuleAreCountedByThemselves() {
        var statement = TestedStatement.started()
        #expect(gate(statement.failElsewhere(retries: .limited(1))) == nil)
        statement.resubmit()
        statement.poll()
        #expect(gate(statement.fail(.forgotten, .other("H07", .unavailable, .limited(1)), isRestarted: true)) == nil)
        statement.resubmit()
        statement.poll()
        #expect(gate(statement.failElsewhere(retries: .limited(1))) == .attempts)
    }

    @Test func elapsedCountsRunningNotWaiting() {
        var statement = TestedStatement.started()
        statement.now = 400_000
        #expect(gate(statement.failElsewhere()) == nil)
        statement.resubmit()
        statement.poll()
        #expect(statement.now >= 700_000)
        statement.now += 199_999
        var late = statement
        #expect(gate(statement.failElsewhere()) == nil)
        late.now += 1
        #expect(gate(late.failElsewhere()) == .elapsed)
    }

    @Test func budget() {
        var statement = TestedStatement.started()
        statement.permit = .refused(.budget)
        #expect(gate(statement.failElsewhere()) == .budget)
    }

    @Test func budgetOnlyDelaysWhatIsUnavailable() {
        var statement = TestedStatement.started()
        statement.permit = .refused(.budget)
        #expect(gate(statement.fail(.gone, .gone)) == nil)
        #expect(statement.wait?.needsRelease == true)
        #expect(statement.wait?.reason == .budget)
        statement.now = 1000
        #expect(statement.attend(isReleased: false) == .wait(nil))
        #expect(statement.attend(isReleased: true) != .wait(nil))
    }

    @Test func breaker() {
        var statement = TestedStatement.started()
        statement.permit = .refused(.breaker)
        #expect(gate(statement.fail(.gone, .gone)) == .breaker)
    }

    @Test func breakerOnlyDelaysWhatTimeAloneBounds() {
        var statement = TestedStatement()
        statement.permit = .refused(.breaker)
        #expect(gate(statement.fail(Failure(step: .submit, status: 503), .other("H03"))) == nil)
        #expect(statement.wait?.needsRelease == true)
    }

    @Test func noTargetWhereNoMoreMayWait() {
        var statement = TestedStatement.started()
        statement.mayWait = false
        #expect(gate(statement.failElsewhere()) == .noTarget)
    }

    @Test func noTargetWhereNothingIsBigger() {
        let bigger = Judgement("R02", .resource, .bigger, .limited(1), wait: .now)
        let failure = Failure(step: .poll, errorName: "EXCEEDED_LOCAL_MEMORY_LIMIT")
        var statement = TestedStatement.started()
        #expect(gate(statement.fail(failure, bigger, answer: .page)) == .noTarget)
        var lucky = TestedStatement.started()
        lucky.hasBigger = true
        #expect(gate(lucky.fail(failure, bigger, answer: .page)) == nil)
        #expect(lucky.wait?.target == .bigger(than: "blue"))
    }

    @Test(arguments: [
        (Failure.refused, FailureAnswer.none), (Failure(step: .submit, status: 503), .answer),
        (Failure(step: .submit, event: .noAnswer), .none), (Failure.startingUp, .page),
    ])
    func noTargetWhenNobodyTookItForTooLong(failure: Failure, answer: FailureAnswer) {
        var statement = TestedStatement.started()
        #expect(gate(statement.fail(failure, .other("H01"), answer: answer)) == nil)
        statement.now = 299_999
        for isLate in [false, true] {
            _ = statement.attend()
            statement.machine.onSubmit(startsOnPost: false, now: statement.now)
            if failure.step == .poll { statement.page() }
            #expect(gate(statement.fail(failure, .other("H01"), answer: answer)) == (isLate ? .noTarget : nil))
            statement.now = 302_000
        }
    }

    @Test func whatFailsOtherwiseMeanwhileBeginsTheWaitAnew() {
        var statement = TestedStatement()
        #expect(gate(statement.fail(.refused, .other("H01"))) == nil)
        statement.now = 200_000
        _ = statement.attend()
        statement.machine.onSubmit(startsOnPost: false, now: statement.now)
        statement.page()
        statement.poll()
        #expect(gate(statement.fail(.forgotten, .other("H07", .unavailable, .limited(2)), isRestarted: true)) == nil)
        statement.now = 400_000
        #expect(statement.attend(isReachable: false) == .wait(.noCoordinator))
        statement.now = 699_999
        #expect(statement.attend(isReachable: false) == .wait(nil))
        statement.now = 700_000
        #expect(statement.attend(isReachable: false) == .own(.noCoordinator, isNew: true))
    }

    @Test func noCapsule() {
        var statement = TestedStatement.started()
        statement.machine.hasCapsule = false
        #expect(gate(statement.failElsewhere()) == .noCapsule)
        var adopted = TestedStatement()
        adopted.machine = StatementMachine(presumedAttempt: 1, reads: true, startsOnPost: false, now: 0)
        adopted.poll()
        #expect(gate(adopted.failElsewhere()) == .noCapsule)
    }

    @Test(arguments: [Judgement.gone, .other("I10")])
    func tombstonesFullStopsEvenWhatTimeAloneBounds(judgement: Judgement) {
        var statement = TestedStatement.taken(reads: false)
        statement.permit = .refused(.tombstonesFull)
        #expect(gate(statement.fail(.gone, judgement)) == .tombstonesFull)
    }

    @Test func optIn() {
        let conflict = Judgement("X12", .external, .same, .limited(3), wait: .short, optIn: true)
        var statement = TestedStatement.started()
        #expect(gate(statement.fail(.workerLost, conflict, answer: .page)) == .optIn)
        var opted = TestedStatement.started()
        opted.terms.optIn = ["X12"]
        #expect(gate(opted.fail(.workerLost, conflict, answer: .page)) == nil)
    }

    @Test(arguments: [RetryMode.off, .shadow])
    func modeOffAndShadow(mode: RetryMode) {
        let expected: RetryGate = mode == .off ? .modeOff : .shadow
        var byRequest = StatementTraits()
        byRequest.mode = mode
        var asked = TestedStatement.started(traits: byRequest)
        #expect(gate(asked.failElsewhere()) == expected)
        var everywhere = TestedStatement.started()
        everywhere.terms.mode = mode
        #expect(gate(everywhere.failElsewhere()) == expected)
        byRequest.mode = .on
        var more = TestedStatement.started(traits: byRequest)
        more.terms.mode = mode
        #expect(gate(more.failElsewhere()) == expected)
        #expect(more.asked == 0)
    }

    @Test func toAskSomebodyElseWhereNobodyWasReachedIsNoRetry() {
        var traits = StatementTraits()
        traits.mode = .off
        traits.isChained = true
        var statement = TestedStatement(reads: false, startsOnPost: true, traits: traits)
        statement.permit = .refused(.budget)
        #expect(gate(statement.fail(.refused, .other("H01"))) == nil)
        #expect(statement.asked == 0)
        #expect(statement.machine.attempt == 1)
    }
}
