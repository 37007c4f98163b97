import Testing
import Wire

@testable import Engine

/// A cell moves its coordinator's counts as its machine says, and holds what belongs to the statement while it is
/// needed.
@Suite struct CellTests {
    private let key = StatementKey(owner: Owner(counter: 1, random: 2), number: 3)

    private func fresh(reads: Bool = true, waiting: WaitingCount? = nil, budget: ByteBudget? = nil) -> Cell {
        Cell(
            key: key, machine: StatementMachine(reads: reads, startsOnPost: false, now: 0),
            placement: Placement(Place(group: "g"), submitted: Timestamp(milliseconds: 0)),
            capsule: budget.flatMap { Capsule(bytes: [1, 2, 3], headEnd: 2, budget: $0, limit: 1000) },
            waiting: waiting)
    }

    private func placement(_ load: CoordinatorLoad, _ name: String = "c1") -> Placement {
        Placement(Place(group: "g", coordinator: name, load: load), submitted: Timestamp(milliseconds: 0))
    }

    private func submitted(
        _ load: CoordinatorLoad, waiting: WaitingCount? = nil, budget: ByteBudget? = ByteBudget()
    ) -> Cell {
        let cell = fresh(waiting: waiting, budget: budget)
        _ = cell.submit(placement: placement(load), startsOnPost: false, now: 0)
        return cell
    }

    private func fail(_ cell: Cell, rule: String = "I05", failureClass: FailureClass = .internal) -> (
        step: StatementMachine.FailureStep, result: String?
    ) {
        let judgement = Judgement.other(rule, failureClass, .limited(9))
        return cell.failed(
            attempt: cell.machine.attempt, JudgedFailure(.workerLost, judgement, answer: .page), terms: RetryTerms(),
            patience: 1, now: 0
        ) { _ in .granted }
    }

    private let page = PageFacts(hasNext: true, runs: false, writes: false, failed: false)
    private let running = PageFacts(hasNext: true, runs: true, writes: false, failed: false)
    private let rows = PageFacts(hasNext: true, runs: true, writes: false, failed: false, hasRows: true)
    private let last = PageFacts(hasNext: false, runs: true, writes: false, failed: false)

    // MARK: Counts

    @Test func countsQueuedThenRunningThenNothing() {
        let load = CoordinatorLoad()
        let cell = submitted(load)
        #expect(load.parts == (1, 0, 0))
        #expect(cell.page(attempt: 1, facts: running, now: 1).becameRunning)
        #expect(load.parts == (0, 1, 0))
        #expect(!cell.page(attempt: 1, facts: running, now: 2).becameRunning)
        #expect(cell.page(attempt: 1, facts: last, now: 3).ended)
        #expect(!cell.page(attempt: 1, facts: last, now: 4).ended)
        #expect(load.total == 0)
    }

    @Test func aStatementThatWasPlacedBeforeItHadACellCountsAtOnce() {
        let load = CoordinatorLoad()
        var machine = StatementMachine(reads: true, startsOnPost: false, now: 0)
        machine.onSubmit(startsOnPost: false, now: 0)
        let cell = Cell(key: key, machine: machine, placement: placement(load))
        #expect(load.parts == (1, 0, 0))
        #expect(load.submitted == 1)
        #expect(cell.page(attempt: 1, facts: last, name: Cell.Name("q1"), now: 1).ended)
        #expect(cell.placement.queryID == "q1")
        #expect(load.total == 0)
    }

    @Test func aStatementThatIsSubmittedAgainCountsOnItsNewCoordinatorOnly() {
        let first = CoordinatorLoad()
        let second = CoordinatorLoad()
        let waiting = WaitingCount()
        let cell = submitted(first, waiting: waiting)
        _ = cell.page(attempt: 1, facts: page, now: 1)
        #expect(fail(cell).step.isRetry)
        #expect(first.total == 0)
        #expect(waiting.value == 1)
        _ = cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
        #expect(waiting.value == 0)
        #expect(cell.submit(placement: placement(second, "c2"), startsOnPost: false, now: 1000) == 2)
        #expect(first.total == 0)
        #expect(second.total == 1)
        #expect(cell.placement.coordinator == "c2")
    }

    @Test func whatHasEndedIsNotSubmitted() {
        let load = CoordinatorLoad()
        let cell = fresh()
        _ = cell.cancel(attempt: 1, withdrawsUnstarted: true, now: 0)
        #expect(cell.submit(placement: placement(load), startsOnPost: true, now: 0) == nil)
        #expect(load.total == 0)
        #expect(cell.placement.coordinator.isEmpty)
    }

    @Test func aMoveTakesItOffItsCoordinator() {
        let load = CoordinatorLoad()
        let cell = submitted(load)
        _ = cell.page(attempt: 1, facts: page, now: 1)
        let verdict = cell.move(
            attempt: 1, episode: HealthEpisode(registration: 1, number: 1), word: "down", incarnation: nil,
            terms: RetryTerms(), now: 1)
        #expect(verdict?.isRetried == true)
        #expect(load.total == 0)
    }

    // MARK: What it holds

    @Test func theCapsuleGivesItsBytesBackWhenRowsHaveLeft() {
        let budget = ByteBudget()
        let cell = submitted(CoordinatorLoad(), budget: budget)
        #expect(budget.inUse > 0)
        _ = cell.page(attempt: 1, facts: running, now: 1)
        #expect(cell.capsule != nil)
        _ = cell.page(attempt: 1, facts: rows, now: 1)
        #expect(cell.capsule == nil)
        #expect(budget.inUse == 0)
    }

    @Test func theCapsuleGivesItsBytesBackWithItsStatement() {
        let budget = ByteBudget()
        do {
            let cell = submitted(CoordinatorLoad(), budget: budget)
            #expect(cell.capsule?.bytes == [1, 2, 3])
            #expect(cell.capsule?.text == 2..<3)
        }
        #expect(budget.inUse == 0)
        #expect(Capsule(bytes: [1], headEnd: 0, budget: budget, limit: 1) == nil)
        #expect(budget.inUse == 0)
    }

    @Test func whatWasKeptGoesWithTheRowsOfALaterAttempt() {
        let budget = ByteBudget()
        let cell = submitted(CoordinatorLoad())
        _ = cell.page(attempt: 1, facts: page, now: 1)
        #expect(fail(cell).step.isRetry)
        cell.keep(
            ByteReservation(5, of: budget, limit: 5).map { KeptAnswer(head: [1], body: [2], reservation: $0) })
        #expect(cell.kept?.body == [2])
        _ = cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
        _ = cell.submit(placement: placement(CoordinatorLoad()), startsOnPost: false, now: 1000)
        _ = cell.page(attempt: 2, facts: rows, now: 1000)
        #expect(cell.kept == nil)
        #expect(budget.inUse == 0)
    }

    @Test func whatFindsNoRoomLeavesWhatWasKeptBefore() {
        let budget = ByteBudget()
        let cell = submitted(CoordinatorLoad())
        _ = cell.page(attempt: 1, facts: page, now: 1)
        #expect(fail(cell).step.isRetry)
        cell.keep(
            ByteReservation(5, of: budget, limit: 5).map { KeptAnswer(head: [], body: [1], reservation: $0) })
        cell.keep(nil)
        #expect(cell.kept?.body == [1])
    }

    @Test func whatAnsweredAWaitPageLastIsAnsweredAgain() {
        let cell = submitted(CoordinatorLoad())
        _ = cell.page(attempt: 1, facts: page, now: 1)
        #expect(fail(cell).step.isRetry)
        func attend() -> StatementMachine.Attend {
            cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
        }
        _ = attend()
        _ = cell.submit(placement: placement(CoordinatorLoad()), startsOnPost: false, now: 1000)
        let judged = JudgedFailure(Failure(step: .submit, errorName: "SYNTAX_ERROR"), .shown, answer: .page)
        _ = cell.failed(attempt: 2, judged, terms: RetryTerms(), patience: 1, now: 1000) { _ in .granted }
        #expect(attend() == .current)
        guard let reservation = ByteReservation(1, of: ByteBudget(), limit: 1) else { return }
        cell.keep(KeptAnswer(head: [], body: [7], reservation: reservation))
        #expect(attend() == .current)
        #expect(cell.kept?.body == [7])
    }

    // MARK: How retries ended

    @Test func aRetrysSuccessIsSaidOnce() {
        let cell = submitted(CoordinatorLoad())
        _ = cell.page(attempt: 1, facts: page, now: 1)
        #expect(fail(cell).result == nil)
        _ = cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
        _ = cell.submit(placement: placement(CoordinatorLoad()), startsOnPost: false, now: 1000)
        #expect(cell.page(attempt: 1, facts: rows, now: 1000).retriedBy == nil)
        #expect(cell.page(attempt: 2, facts: page, now: 1000).retriedBy == nil)
        #expect(cell.page(attempt: 2, facts: rows, now: 1000).retriedBy == "I05")
        #expect(cell.page(attempt: 2, facts: last, now: 1000).retriedBy == nil)
    }

    @Test func aRetrysFailureIsSaidUnlessNobodyTookItOrItsUserIsAtFault() {
        func retried() -> Cell {
            let cell = submitted(CoordinatorLoad())
            _ = cell.page(attempt: 1, facts: page, now: 1)
            _ = fail(cell)
            _ = cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
            _ = cell.submit(placement: placement(CoordinatorLoad()), startsOnPost: false, now: 1000)
            return cell
        }
        let again = retried()
        _ = again.page(attempt: 2, facts: page, now: 1000)
        #expect(fail(again, rule: "I04").result == "I05")
        #expect(fail(retried(), failureClass: .user).result == nil)
        let refused = retried()
        let judged = JudgedFailure(.refused, .other("H01"))
        let result = refused.failed(attempt: 2, judged, terms: RetryTerms(), patience: 1, now: 1000) { _ in .granted }
        #expect(result.step.isRetry)
        #expect(result.result == nil)
    }

    // MARK: The newest URI

    @Test func theNewestURIHasTheCurrentAttemptAndSequence() {
        let cell = submitted(CoordinatorLoad())
        #expect(cell.newest == nil)
        _ = cell.page(attempt: 1, facts: page, now: 1)
        cell.handedOut([1, 2])
        #expect(cell.newest?.path == [1, 2])
        #expect(cell.newest?.attempt == 1)
        #expect(cell.newest?.sequence == 1)
        #expect(cell.nextSequence() == 2)
    }

    @Test func aNewAttemptHasNoNewestURIUntilItsFirstPageLeaves() {
        let cell = submitted(CoordinatorLoad())
        _ = cell.page(attempt: 1, facts: page, now: 1)
        cell.handedOut([1, 2])
        #expect(fail(cell).step.isRetry)
        _ = cell.attend(terms: RetryTerms(), now: 1000, isReachable: { _ in true }, release: { true })
        _ = cell.submit(placement: placement(CoordinatorLoad()), startsOnPost: false, now: 1000)
        _ = cell.page(attempt: 2, facts: page, now: 1000)
        #expect(cell.newest == nil)
    }

    @Test func theTableKeepsTheFirstOfTwoCells() {
        let table = CellTable()
        let one = submitted(CoordinatorLoad())
        let other = submitted(CoordinatorLoad())
        #expect(table.add(one) === one)
        #expect(table.add(other) === one)
        table.remove(one.key)
        #expect(table.cell(one.key) == nil)
    }
}
