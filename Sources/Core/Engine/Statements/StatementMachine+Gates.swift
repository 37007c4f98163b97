import Wire

/// The gates of a retry (design 5): conditions that may still forbid what the policy asked for.
extension StatementMachine {
    /// The first gate that is closed, but for those that others keep: the budget and the breaker.
    func closedGate(_ judged: JudgedFailure, terms: RetryTerms, now: Int64) -> RetryGate? {
        let failure = judged.failure
        let judgement = judged.judgement
        // Nobody was asked: to ask somebody else is routing, not a retry. Only its time is bounded.
        if isUnsent(failure) {
            if let gate = waitingGate(judged, terms: terms, now: now) { return gate }
            return hasCapsule ? nil : .noCapsule
        }
        if rowsLeft { return .rowsLeft }
        if !mayStartAgain(judged) { return .started }
        if traits.isInTransaction { return .transaction }
        if sessionLeft { return .sessionHeader }
        if traits.isChained { return .chained }
        if !reads, !isDead(judged) { return .notDead }
        if isRun(failure), trouble.runs + 1 >= terms.attempts { return .attempts }
        switch judgement.retries {
        case .unbounded: break
        case .limited(let most):
            if trouble.retriesByRule[judgement.rule ?? "", default: 0] >= most { return .attempts }
        }
        if isRun(failure), trouble.ran + now - attemptBegan >= terms.elapsed { return .elapsed }
        if let gate = waitingGate(judged, terms: terms, now: now) { return gate }
        if judgement.action == .bigger, !judged.hasBigger { return .noTarget }
        if !hasCapsule { return .noCapsule }
        if judgement.optIn, !terms.optIn.contains(judgement.rule ?? "") { return .optIn }
        switch min(traits.mode ?? .on, terms.mode) {
        case .off: return .modeOff
        case .shadow: return .shadow
        case .on: return nil
        }
    }

    /// What reached nobody is bounded by time alone.
    private func waitingGate(_ judged: JudgedFailure, terms: RetryTerms, now: Int64) -> RetryGate? {
        if !judged.mayWait { return .noTarget }
        guard isAway(judged), let since = trouble.awaySince, now - since >= awayPatience(terms) else { return nil }
        return .noTarget
    }

    /// The failed attempt was a run of the statement: it counts, and so does its time (design 5).
    func isRun(_ failure: Failure) -> Bool { hasStarted && !failure.reachedNobody && !failure.isStartingUp }

    /// Somebody who can take the statement is to be waited for: time alone bounds it, no count, no breaker.
    func isAway(_ judged: JudgedFailure) -> Bool {
        judged.failure.reachedNobody || judged.failure.isStartingUp || judged.judgement.retries == .unbounded
    }

    /// How long it waits for somebody who can take it, in milliseconds.
    func awayPatience(_ terms: RetryTerms) -> Int64 {
        traits.isInTransaction ? min(Self.transactionPatience, terms.waitForCoordinator) : terms.waitForCoordinator
    }

    /// A transaction's coordinator that is away is waited for so long, in milliseconds (design 4, Transactions).
    static let transactionPatience: Int64 = 30_000

    /// The statement reads, or nothing of it had started.
    func mayStartAgain(_ judged: JudgedFailure) -> Bool {
        if reads || !hasStarted { return true }
        if judged.failure.isRaisedBeforeDispatch, judged.answer == .page { return true }
        // A poll that another incarnation answered 404 never reached the one that took the POST: had all of them gone
        // there, nothing had started.
        return !startedBefore && trouble.forgottenPolls >= writtenPolls
    }

    /// The failed attempt cannot do anything any more.
    private func isDead(_ judged: JudgedFailure) -> Bool {
        judged.answer == .page || !hasStarted || judged.isRestarted
    }
}

extension Failure {
    /// What records call it: the error's name, the event, or the status.
    public var word: String {
        if let errorName { return errorName }
        if let event { return event.rawValue }
        if let status, status != 200 { return "\(status)" }
        return "unknown"
    }

    /// A submission that reached nobody: it is no run (design 5).
    public var reachedNobody: Bool {
        guard step == .submit, errorName == nil else { return false }
        if event == .refused { return true }
        guard event == nil, let status else { return false }
        return status == 429 || status == 502 || status == 503 || status == 504
    }

    /// The coordinator said that it is starting: no run either, on a poll too.
    var isStartingUp: Bool { errorName == "SERVER_STARTING_UP" }

    /// A 4xx: the coordinator looked at the request and did nothing.
    var isRefusal: Bool { event == nil && errorName == nil && (status.map { (400..<500).contains($0) } ?? false) }

    /// Errors that the engines only raise before they dispatch a statement (design 5).
    var isRaisedBeforeDispatch: Bool {
        switch errorName {
        case "QUERY_QUEUE_FULL", "SERVER_STARTING_UP", "QUERY_TEXT_TOO_LARGE": true
        case "GENERIC_INSUFFICIENT_RESOURCES": isForWantOfWorkers
        case _: false
        }
    }

    /// The cluster has too few workers.
    public var isForWantOfWorkers: Bool {
        errorName == "GENERIC_INSUFFICIENT_RESOURCES" && message.contains("Insufficient active worker nodes")
    }

    /// An error that another pool may not have: a name that is not there, or a permission.
    var isAboutItsPlace: Bool {
        guard let errorName else { return false }
        return errorName.hasSuffix("NOT_FOUND") || errorName == "MISSING_TABLE" || errorName == "PERMISSION_DENIED"
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        let parts = components
        return parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
    }
}
