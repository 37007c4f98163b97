import Wire

@testable import Engine

/// A statement's machine as tests drive it: a step is a short call, and what it needs besides is kept here.
struct TestedStatement {
    var machine: StatementMachine
    var terms = RetryTerms()
    /// What budget and breakers say.
    var permit = RetryPermit.granted
    /// How often they were asked.
    private(set) var asked = 0
    var now: Int64 = 0
    var mayWait = true
    var hasBigger = false
    var pool = "blue"
    var registration: UInt32 = 1

    static let patience: Int64 = 120_000
    static let minute: Int64 = 60_000

    init(reads: Bool = true, startsOnPost: Bool = false, traits: StatementTraits = StatementTraits()) {
        machine = StatementMachine(reads: reads, startsOnPost: startsOnPost, traits: traits, now: 0)
        machine.hasCapsule = true
        machine.onSubmit(startsOnPost: startsOnPost, now: 0)
    }

    /// One whose POST was answered with a queued page.
    static func taken(
        reads: Bool = true, startsOnPost: Bool = false, traits: StatementTraits = StatementTraits()
    ) -> TestedStatement {
        var statement = TestedStatement(reads: reads, startsOnPost: startsOnPost, traits: traits)
        statement.page()
        return statement
    }

    /// One that was polled once, which started it.
    static func started(
        reads: Bool = true, startsOnPost: Bool = false, traits: StatementTraits = StatementTraits()
    ) -> TestedStatement {
        var statement = taken(reads: reads, startsOnPost: startsOnPost, traits: traits)
        statement.poll()
        return statement
    }

    @discardableResult
    mutating func poll(sequence: UInt32? = nil) -> StatementMachine.Poll {
        machine.onPoll(attempt: machine.attempt, sequence: sequence ?? machine.sequence, now: now)
    }

    @discardableResult
    mutating func page(
        hasNext: Bool = true, runs: Bool = false, writes: Bool = false, hasRows: Bool = false, columns: UInt64? = nil,
        changesSession: Bool = false, attempt: UInt16? = nil
    ) -> StatementMachine.Page {
        machine.onPage(
            attempt: attempt ?? machine.attempt,
            facts: PageFacts(
                hasNext: hasNext, runs: runs || hasRows || columns != nil, writes: writes, failed: false,
                hasRows: hasRows, columns: columns, changesSession: changesSession), now: now)
    }

    /// The current attempt fails, unless another is named; a poll's failure is of the newest URI.
    mutating func fail(
        _ failure: Failure, _ judgement: Judgement, answer: FailureAnswer = .none, sequence: UInt32? = nil,
        isRestarted: Bool = false, incarnation: UInt32? = 7, attempt: UInt16? = nil,
        retryAfter: Duration? = nil, jitter: Double = 1
    ) -> StatementMachine.FailureStep {
        var judged = JudgedFailure(
            failure, judgement, answer: answer,
            sequence: failure.step == .submit || answer == .page ? nil : sequence ?? machine.sequence,
            isRestarted: isRestarted, registration: registration, incarnation: incarnation, pool: pool,
            retryAfter: retryAfter, jitter: jitter)
        judged.mayWait = mayWait
        judged.hasBigger = hasBigger
        var asked = 0
        let step = machine.onFailure(
            attempt: attempt ?? machine.attempt, judged, terms: terms, patience: Self.patience, now: now
        ) { _ in
            asked += 1
            return permit
        }
        self.asked += asked
        return step
    }

    /// An engine's error page came that a rule retries elsewhere.
    mutating func failElsewhere(retries: RetryCount = .limited(9)) -> StatementMachine.FailureStep {
        fail(.workerLost, .other("I05", .internal, retries), answer: .page)
    }

    /// It is its turn, and the next attempt is sent.
    mutating func resubmit(startsOnPost: Bool = false) {
        now += 300_000
        _ = attend()
        machine.onSubmit(startsOnPost: startsOnPost, now: now)
        page()
    }

    mutating func attend(isReachable: Bool = true, isReleased: Bool = true) -> StatementMachine.Attend {
        machine.onAttend(terms: terms, now: now, isReachable: { _ in isReachable }, release: { isReleased })
    }

    mutating func tick() -> StatementMachine.Tick {
        machine.onTick(abandoned: 5 * Self.minute, remembered: 15 * Self.minute, now: now)
    }

    var wait: StatementMachine.Wait? {
        guard case .waiting(let wait) = machine.phase else { return nil }
        return wait
    }
}

extension Judgement {
    static func other(
        _ rule: String, _ failureClass: FailureClass = .unavailable, _ retries: RetryCount = .unbounded,
        wait: WaitProfile = .now
    ) -> Judgement {
        Judgement(rule, failureClass, .other, retries, wait: wait)
    }

    static let shown = Judgement("U99", .user, .none, .limited(0))
    static let again = Judgement("H06", .unavailable, .repeat, .unbounded, wait: .repoll)
    static let gone = other("H08", .unavailable, .limited(2))

    init(
        _ rule: String, _ failureClass: FailureClass, _ action: RetryAction, _ retries: RetryCount,
        wait: WaitProfile? = nil, optIn: Bool = false
    ) {
        self.init(
            rule: rule, failureClass: failureClass, action: action, retries: retries, wait: wait, optIn: optIn,
            alert: false, gaveUp: [])
    }
}

extension Failure {
    static let workerLost = Failure(step: .poll, errorName: "REMOTE_TASK_MISMATCH", errorType: "INTERNAL_ERROR")
    static let startingUp = Failure(step: .poll, errorName: "SERVER_STARTING_UP", errorType: "INTERNAL_ERROR")
    static let refused = Failure(step: .submit, event: .refused)
    static let forgotten = Failure(step: .poll, event: .forgotten, status: 404)
    static let gone = Failure(step: .poll, event: .gone)
    static let unanswered = Failure(step: .poll, event: .noAnswer)
}

extension StatementMachine.FailureStep {
    /// The verdict that came with it.
    var verdict: Verdict? {
        switch self {
        case .askAgain(_, let verdict): verdict
        case .retry(let verdict, _), .surface(let verdict), .surfaceKept(let verdict), .end(_, let verdict): verdict
        case .gone, .superseded, .own, .kept, .passOn: nil
        }
    }

    var isRetry: Bool {
        if case .retry = self { return true }
        return false
    }
}
