import Testing

@testable import Engine

/// What becomes of a failure beside the gates: it is repeated, retried, or shown, and judged once (design 4, 5).
@Suite struct FailureTests {
    // MARK: The same URI again

    @Test func anUnansweredPollIsAskedAgainUntilPatienceEnds() {
        var statement = TestedStatement.started(reads: false)
        statement.now = 100
        let first = statement.fail(.unanswered, .again)
        #expect(first.verdict?.action == .repeat)
        #expect(first.verdict?.isRetried == true)
        #expect(statement.machine.sequence == 2)
        statement.now = 120_099
        #expect(statement.fail(.unanswered, .again) == .askAgain(sequence: 3, nil))
        statement.now = 120_100
        #expect(statement.fail(.unanswered, .again) == .gone)
    }

    @Test func aPageBetweenFailuresBeginsPatienceAnew() {
        var statement = TestedStatement.started()
        #expect(statement.fail(.unanswered, .again).verdict != nil)
        statement.now = 119_000
        statement.page()
        statement.now = 121_000
        #expect(statement.fail(.unanswered, .again).verdict?.action == .repeat)
    }

    @Test func aPollRestsUntilItsCoordinatorWantsToBeAskedAgain() {
        var statement = TestedStatement.started(reads: false)
        let busy = Failure(step: .poll, status: 429)
        let judgement = Judgement("H05", .unavailable, .repeat, .unbounded, wait: .retryAfter)
        #expect(statement.fail(busy, judgement, retryAfter: .seconds(3), jitter: 0).verdict?.rule == "H05")
        #expect(statement.machine.askAgainAt == 3000)
        statement.now = 2999
        #expect(statement.poll() == .rest(until: 3000, sequence: 3))
        statement.machine.onPollUnwritten(attempt: 1)
        #expect(!statement.machine.hasStarted)
        statement.now = 3000
        #expect(statement.poll() == .relay(isAdopted: false))
        #expect(statement.machine.hasStarted)
    }

    @Test func aPageThatComesMeanwhileEndsTheRest() {
        var statement = TestedStatement.started()
        let judgement = Judgement("H05", .unavailable, .repeat, .unbounded, wait: .retryAfter)
        let busy = Failure(step: .poll, status: 429)
        #expect(statement.fail(busy, judgement, retryAfter: .seconds(60)).verdict != nil)
        statement.page()
        #expect(statement.poll() == .relay(isAdopted: false))
    }

    @Test func aServerThatRunsStatementsInThePostIsAskedOnce() {
        var statement = TestedStatement.started(startsOnPost: true)
        var refused = statement
        #expect(statement.fail(.unanswered, .again) == .gone)
        #expect(refused.fail(Failure(step: .poll, event: .refused), .again).verdict?.action == .repeat)
    }

    @Test func aRunningReadIsGivenUpAfterAsLongAsItHadRun() {
        for (ran, patience) in [(1000, 10_000), (40_000, 40_000), (900_000, 120_000)] as [(Int64, Int64)] {
            var statement = TestedStatement.started()
            statement.page(runs: true)
            statement.now = ran
            #expect(statement.fail(.unanswered, .again).verdict != nil)
            statement.now = ran + patience - 1
            #expect(statement.fail(.unanswered, .again) == .askAgain(sequence: 4, nil))
            statement.now = ran + patience
            #expect(statement.fail(.unanswered, .again) == .gone)
        }
    }

    @Test func otherStatementsAreNotGivenUpEarlier() {
        var queued = TestedStatement.started()
        var write = TestedStatement.started(reads: false)
        write.page(runs: true)
        var withRows = TestedStatement.started()
        withRows.page(hasRows: true)
        var busy = TestedStatement.started()
        busy.page(runs: true)
        func isPatient(_ statement: inout TestedStatement, _ failure: Failure) -> Bool {
            _ = statement.fail(failure, .again)
            statement.now += 20_000
            return statement.fail(failure, .again) != .gone
        }
        #expect(isPatient(&queued, .unanswered))
        #expect(isPatient(&write, .unanswered))
        #expect(isPatient(&withRows, .unanswered))
        // An answer, if only 503, says that somebody is there.
        #expect(isPatient(&busy, Failure(step: .poll, status: 503)))
    }

    @Test func anOlderURIThatFailsIsNotJudgedAndIsTheNewestFromThenOn() {
        var statement = TestedStatement.started()
        statement.page()
        #expect(statement.fail(.unanswered, .again, sequence: 1) == .askAgain(sequence: 3, nil))
        let broken = Failure(step: .poll, status: 500)
        #expect(statement.fail(broken, .other("H11"), answer: .answer, sequence: 2) == .passOn)
        let unavailable = Failure(step: .poll, status: 502)
        #expect(statement.fail(unavailable, .again, answer: .answer, sequence: 2) == .askAgain(sequence: 4, nil))
        #expect(
            statement.fail(.forgotten, .other("H07"), sequence: 2, isRestarted: true) == .askAgain(sequence: 5, nil))
        #expect(statement.fail(.forgotten, .other("H07"), sequence: 5, isRestarted: true).isRetry)
    }

    @Test func anErrorPageIsJudgedWhateverURIItAnswers() {
        var statement = TestedStatement.started()
        statement.page()
        statement.page()
        #expect(statement.failElsewhere().isRetry)
    }

    @Test func aDoubtIsAskedAgainUntilAProbeTellsOrPatienceEnds() {
        var statement = TestedStatement.started(reads: false)
        func doubt(at now: Int64) -> StatementMachine.FailureStep {
            statement.machine.onDoubt(
                attempt: 1, at: Timestamp(milliseconds: now), patience: TestedStatement.patience, now: now)
        }
        #expect(doubt(at: 10) == .askAgain(sequence: 2, nil))
        #expect(doubt(at: 20) == .askAgain(sequence: 3, nil))
        #expect(statement.machine.firstForgotten == Timestamp(milliseconds: 10))
        #expect(doubt(at: 120_010) == .gone)
        statement.page()
        #expect(statement.machine.firstForgotten == nil)
    }

    // MARK: One verdict

    @Test func whoeverComesSecondIsAnsweredTheCurrentPage() {
        var statement = TestedStatement.started()
        #expect(statement.failElsewhere().isRetry)
        #expect(statement.fail(.workerLost, .other("I05"), answer: .page, attempt: 1) == .superseded)
        statement.resubmit()
        #expect(statement.fail(.workerLost, .other("I05"), answer: .page, attempt: 1) == .superseded)
        #expect(statement.fail(.gone, .gone, attempt: 1) == .superseded)
    }

    @Test func anAttemptThatKeepsItsNumberIsJudgedOnceAllTheSame() {
        var statement = TestedStatement()
        let busy = Failure(step: .submit, status: 503)
        #expect(statement.fail(busy, .other("H03"), answer: .answer).isRetry)
        #expect(statement.machine.attempt == 1)
        #expect(statement.fail(busy, .other("H03"), answer: .answer) == .superseded)
    }

    @Test func aPollThatFailsWhileTheNextAttemptIsSentIsSuperseded() {
        var statement = TestedStatement()
        #expect(statement.fail(.gone, .gone) == .superseded)
    }

    @Test func whatHadEndedIsNotJudged() {
        var relayed = TestedStatement.started()
        relayed.page(hasNext: false)
        #expect(relayed.failElsewhere() == .passOn)
        var canceled = TestedStatement.started()
        _ = canceled.machine.onCancel(attempt: 1, withdrawsUnstarted: true, now: 1)
        #expect(canceled.failElsewhere() == .own(.userCanceled))
        let doubt = canceled.machine.onDoubt(attempt: 1, at: Timestamp(milliseconds: 1), patience: 1, now: 1)
        #expect(doubt == .own(.userCanceled))
    }

    @Test func aVerdictTellsWhatFailedAndWhatItCost() {
        var statement = TestedStatement.started()
        statement.now = 5000
        let step = statement.fail(
            Failure(step: .poll, errorName: "NO_NODES_AVAILABLE", message: "No nodes"), .other("I08", wait: .medium),
            answer: .page, jitter: 0.5)
        #expect(
            step.verdict
                == Verdict(
                    attempt: 1, failure: "NO_NODES_AVAILABLE", message: "No nodes", rule: "I08",
                    failureClass: .unavailable, action: .other, isRetried: true, wait: 5000, cost: 5000))
        #expect(Failure(step: .poll, status: 503).word == "503")
        #expect(Failure.gone.word == "gone")
        #expect(Failure(step: .poll, status: 200).word == "unknown")
    }

    // MARK: Where it goes

    @Test func otherGoesElsewhereAndRemembersWhoRefused() {
        var statement = TestedStatement()
        statement.now = 10
        #expect(statement.fail(.refused, .other("H01")).isRetry)
        #expect(statement.wait?.target == .other(than: [1], incarnation: 7, notBefore: 260))
        #expect(statement.wait?.due == 260)
        statement.now = 300
        _ = statement.attend()
        statement.machine.onSubmit(startsOnPost: false, now: statement.now)
        statement.registration = 2
        #expect(statement.fail(.refused, .other("H01")).isRetry)
        #expect(statement.wait?.target == .other(than: [1, 2], incarnation: 7, notBefore: 550))
        #expect(statement.machine.attempt == 1)
    }

    @Test func whoFailedOtherwiseIsPassedOverAlone() {
        var statement = TestedStatement()
        #expect(statement.fail(.refused, .other("H01")).isRetry)
        statement.registration = 2
        statement.resubmit()
        statement.poll()
        #expect(statement.failElsewhere().isRetry)
        statement.registration = 3
        statement.resubmit()
        statement.poll()
        #expect(statement.failElsewhere().isRetry)
        #expect(statement.wait?.target == .other(than: [3], incarnation: 7, notBefore: statement.now + 250))
    }

    @Test func sameStaysInItsPoolAndATransactionWithItsCoordinator() {
        var statement = TestedStatement.started()
        let same = Judgement("X02", .external, .same, .limited(3), wait: .long)
        #expect(statement.fail(.workerLost, same, answer: .page).isRetry)
        #expect(statement.wait?.target == .same(pool: "blue"))
        var traits = StatementTraits()
        traits.isInTransaction = true
        var bound = TestedStatement(traits: traits)
        #expect(bound.fail(.refused, .other("H01")).isRetry)
        #expect(bound.wait?.target == .pinned(registration: 1))
    }

    // MARK: What is shown

    @Test func whatMayNotBeRetriedIsRelayed() {
        var statement = TestedStatement.started()
        let step = statement.fail(Failure(step: .poll, errorName: "SYNTAX_ERROR"), .shown, answer: .page)
        #expect(step.verdict?.isRetried == false)
        #expect(step.verdict?.gate == nil)
        guard case .surface = step else {
            Issue.record("it is not relayed")
            return
        }
        #expect(statement.machine.phase == .relayed)
        #expect(statement.machine.counted == .nowhere)
        #expect(!statement.machine.hasCapsule)
    }

    @Test func aStartedWriteWhoseEndWasNotReadHasAnUnknownOutcome() {
        let failures: [(Failure, FailureAnswer, Bool)] = [
            (.gone, .none, false), (Failure(step: .poll, status: 500), .answer, false),
            (Failure(step: .poll, event: .notProtocol), .none, false),
        ]
        for (failure, answer, isRestarted) in failures {
            var statement = TestedStatement.started(reads: false)
            let step = statement.fail(failure, .other("H11"), answer: answer, isRestarted: isRestarted)
            guard case .end(.outcomeUnknown, _) = step else {
                Issue.record("\(failure.word): \(step)")
                continue
            }
            #expect(statement.machine.state == .lost)
            #expect(statement.poll() == .own(.outcomeUnknown))
        }
    }

    @Test func aRefusalToldTheEndOfAWrite() {
        var statement = TestedStatement.started(reads: false)
        let step = statement.fail(
            Failure(step: .poll, status: 410), Judgement("H10", .user, .none, .limited(0)), answer: .answer)
        guard case .surface = step else {
            Issue.record("\(step)")
            return
        }
    }

    @Test func whatCannotHaveWrittenIsLostNotUnknown() {
        for reads in [true, false] {
            var statement = TestedStatement.taken(reads: reads)
            statement.terms.mode = .off
            let step = statement.fail(.gone, .gone)
            guard case .end(.coordinatorLost, _) = step else {
                Issue.record("\(step)")
                continue
            }
        }
        // Its only poll never reached the process that took it.
        var forgotten = TestedStatement.started(reads: false)
        forgotten.terms.mode = .shadow
        guard case .end(.coordinatorLost, _) = forgotten.fail(.forgotten, .other("H07"), isRestarted: true) else {
            Issue.record("it is not lost")
            return
        }
    }

    @Test func theFirstErrorIsShownUnlessALaterOneIsMoreFinal() {
        let denied = Failure(step: .submit, status: 401)
        let missing = Failure(step: .poll, errorName: "CATALOG_NOT_FOUND")
        let final = Failure(step: .poll, errorName: "DIVISION_BY_ZERO")
        let cases: [(Failure, Judgement, FailureAnswer, Bool)] = [
            (denied, .shown, .answer, true), (missing, .shown, .page, true), (final, .shown, .page, false),
            (.workerLost, .other("I05", .internal, .limited(0)), .page, true),
            (.gone, .other("H08", .unavailable, .limited(0)), .none, true),
        ]
        for (failure, judgement, answer, showsTheFirst) in cases {
            var statement = TestedStatement.started()
            guard case .retry(_, keeps: true) = statement.failElsewhere() else {
                Issue.record("the first error is not kept")
                continue
            }
            statement.resubmit()
            statement.poll()
            switch statement.fail(failure, judgement, answer: answer) {
            case .surfaceKept: #expect(showsTheFirst, "\(failure.word)")
            case .surface: #expect(!showsTheFirst, "\(failure.word)")
            case let step: Issue.record("\(failure.word): \(step)")
            }
        }
    }

    @Test func aLaterErrorIsKeptOnlyWhenItIsMoreFinal() {
        var statement = TestedStatement()
        let gate = Failure(step: .submit, status: 404)
        guard case .retry(_, keeps: true) = statement.fail(gate, .other("H10"), answer: .answer) else {
            Issue.record("not kept")
            return
        }
        statement.resubmit()
        statement.poll()
        guard case .retry(_, keeps: true) = statement.failElsewhere() else {
            Issue.record("the engine's own error is not kept")
            return
        }
        statement.resubmit()
        statement.poll()
        guard case .retry(_, keeps: false) = statement.failElsewhere() else {
            Issue.record("the second is kept though the first says as much")
            return
        }
    }

    @Test func whatMayHaveWrittenSpeaksForItself() {
        var statement = TestedStatement.started(reads: false)
        let full = Failure(step: .poll, errorName: "QUERY_QUEUE_FULL")
        #expect(statement.fail(full, .other("R04"), answer: .page).isRetry)
        statement.resubmit()
        statement.poll()
        var lost = statement
        guard case .surface = statement.failElsewhere() else {
            Issue.record("the full queue is shown, which says that nothing happened")
            return
        }
        guard case .end(.outcomeUnknown, _) = lost.fail(.gone, .gone) else {
            Issue.record("the outcome is known")
            return
        }
    }

    @Test func nothingOfAnEarlierAttemptIsShownOnceRowsHaveLeft() {
        var statement = TestedStatement.started()
        #expect(statement.failElsewhere().isRetry)
        statement.resubmit()
        statement.poll()
        statement.page(hasRows: true)
        guard case .end(.coordinatorLost, let verdict) = statement.fail(.gone, .gone) else {
            Issue.record("it does not end as lost")
            return
        }
        #expect(verdict.gate == .rowsLeft)
    }

    @Test func timeThatIsUpEndsASubmissionWithAnErrorOfItsOwn() {
        var statement = TestedStatement()
        let busy = Failure(step: .submit, status: 503)
        #expect(statement.fail(busy, .other("H03"), answer: .answer).isRetry)
        statement.now = 300_000
        _ = statement.attend()
        statement.machine.onSubmit(startsOnPost: false, now: statement.now)
        guard case .end(.noCoordinator, _) = statement.fail(busy, .other("H03"), answer: .answer) else {
            Issue.record("the 503 is relayed, on which clients send the POST again")
            return
        }
        var full = TestedStatement()
        full.mayWait = false
        guard case .end(.queueFull, _) = full.fail(.refused, .other("H01")) else {
            Issue.record("it is not told that the queue is full")
            return
        }
    }
}
