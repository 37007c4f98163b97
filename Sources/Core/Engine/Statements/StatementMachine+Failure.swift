import Wire

/// What came back with a failure, and could be shown to the client.
public enum FailureAnswer: Equatable, Sendable {
    /// Nothing that could.
    case none
    /// The engine's page with the error.
    case page
    /// Another HTTP answer of the coordinator.
    case answer
}

/// How well what a coordinator answered explains why a statement failed: the first with the highest is surfaced.
public enum Finality: Int, Equatable, Sendable, Comparable {
    /// An answer that is about this attempt's place: credentials, or names that the other pool does not have.
    case elsewhere
    /// A failure that was worth a retry.
    case passing
    /// The engine's last word.
    case final

    /// What explains less is the smaller.
    public static func < (left: Finality, right: Finality) -> Bool { left.rawValue < right.rawValue }
}

/// A failure as the statement's machine takes it: what it is, what the policy says, what else is known then.
public struct JudgedFailure: Sendable {
    /// What went wrong.
    public var failure: Failure
    /// What the policy says of it.
    public var judgement: Judgement
    /// What came with it.
    public var answer: FailureAnswer
    /// The sequence of the tag that was polled; nil where an engine's error page came, or at a submission.
    public var sequence: UInt32?
    /// The coordinator is known to be another process than the one that took the attempt.
    public var isRestarted: Bool
    /// The registration that it happened on, and its incarnation then.
    public var registration: UInt32
    /// The incarnation that took the attempt.
    public var incarnation: UInt32?
    /// The pool that it happened in.
    public var pool: String
    /// What the answer's Retry-After asked for.
    public var retryAfter: Duration?
    /// A random number from 0 to 1.
    public var jitter: Double
    /// Whether one more statement may wait here (`limits.waiting_statements`).
    public var mayWait = true
    /// Whether the group has a pool for what needs more memory.
    public var hasBigger = false

    /// A failure from its parts.
    public init(
        _ failure: Failure, _ judgement: Judgement, answer: FailureAnswer = .none, sequence: UInt32? = nil,
        isRestarted: Bool = false, registration: UInt32 = 0, incarnation: UInt32? = nil, pool: String = "",
        retryAfter: Duration? = nil, jitter: Double = 0.5
    ) {
        self.failure = failure
        self.judgement = judgement
        self.answer = answer
        self.sequence = sequence
        self.isRestarted = isRestarted
        self.registration = registration
        self.incarnation = incarnation
        self.pool = pool
        self.retryAfter = retryAfter
        self.jitter = jitter
    }
}

extension JudgedFailure {
    var failureIsUsers: Bool { judgement.failureClass == .user }
}

/// What the budget and the breakers say to a retry, asked when all other gates are open.
public enum RetryPermit: Equatable, Sendable {
    /// It may go on.
    case granted
    /// This gate stops it; the budget only delays what is unavailable.
    case refused(RetryGate)
}

/// The retry law (design 5): what becomes of a failure.
extension StatementMachine {
    /// What to do.
    public enum FailureStep: Equatable, Sendable {
        /// Answer a page without rows whose nextUri is the URI that was asked, with this sequence. The verdict is
        /// there for the first of a row of them.
        case askAgain(sequence: UInt32, Verdict?)
        /// It has gone on for too long: judge the event `gone` instead.
        case gone
        /// The statement waits here for its next attempt. `keeps`: what came is to be kept, it explains the failure
        /// best so far.
        case retry(Verdict, keeps: Bool)
        /// The statement ends with what came: relay it.
        case surface(Verdict)
        /// The statement ends with what was kept.
        case surfaceKept(Verdict)
        /// The statement ends with an error of the gateway's own.
        case end(OwnError, Verdict)
        /// Another exchange decided already: answer the current page.
        case superseded
        /// The gateway had ended the statement: answer its own last page.
        case own(OwnError)
        /// It had ended with what was kept: answer that.
        case kept
        /// Relay what came and record nothing.
        case passOn
    }

    /// An attempt failed. One failure has one verdict: whoever comes second is answered the current page.
    ///
    /// - Parameters:
    ///   - patience: how long a poll may go unanswered, in milliseconds (`limits.gone`).
    ///   - permit: asks the budget and the rule's breaker; called at most once, when nothing else forbids the retry.
    public mutating func onFailure(
        attempt: UInt16, _ judged: JudgedFailure, terms: RetryTerms, patience: Int64, now: Int64,
        permit: (Judgement) -> RetryPermit
    ) -> FailureStep {
        switch phase {
        case .ended(let error): return .own(error)
        case .surfaced: return .kept
        case .waiting: return .superseded
        case .relayed, .abandoned, .presumed: return attempt < self.attempt ? .superseded : .passOn
        case .submitting where judged.failure.step != .submit: return .superseded
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        let judgement = judged.judgement
        if judged.failure.event == .forgotten, judged.isRestarted {
            trouble.forgottenPolls += 1 + trouble.doubtedPolls
            trouble.doubtedPolls = 0
        }
        // An older URI that fails tells nothing of the newest: only an error page speaks for the whole attempt. It is
        // asked for again, and the newest from now on, because its client stands there.
        if let asked = judged.sequence, asked < sequence, judged.failure.event != .gone {
            let isRepeated = judged.answer == .none || judged.failure.event == .forgotten || judgement.action == .repeat
            guard isRepeated else { return .passOn }
            return .askAgain(sequence: nextSequence(), nil)
        }
        // Only a poll has a URI to ask for again, and not when it was asked for too long; else it is a retry.
        if judgement.action == .repeat, judged.failure.step == .poll, judged.failure.event != .gone {
            return askAgain(judged, patience: patience, now: now)
        }
        if isUnsent(judged.failure) { startedBefore = false }
        return verdict(judged, terms: terms, now: now, permit: permit)
    }

    // MARK: The same URI again

    private mutating func askAgain(_ judged: JudgedFailure, patience: Int64, now: Int64) -> FailureStep {
        let isFirst = trouble.unansweredSince == nil
        let since = trouble.unansweredSince ?? now
        trouble.unansweredSince = since
        let isOut = now - since >= repeatPatience(judged.failure, patience: patience, now: now)
        // A server that runs statements in the POST is asked once, for its answer cannot be had a second time.
        let isOnce = startsOnPost && judged.failure.event != .refused
        if isOut || isOnce { return .gone }
        trouble.askedAgain += 1
        trouble.askAgainAt =
            now
            + (judged.judgement.wait ?? .repoll).delay(
                before: trouble.askedAgain, retryAfter: judged.retryAfter, jitter: judged.jitter
            ).milliseconds
        guard isFirst else { return .askAgain(sequence: nextSequence(), nil) }
        return .askAgain(
            sequence: nextSequence(),
            Verdict(
                attempt: Int(attempt), failure: judged.failure.word, message: judged.failure.shownMessage,
                rule: judged.judgement.rule, failureClass: judged.judgement.failureClass, action: .repeat,
                isRetried: true, cost: now - attemptBegan))
    }

    /// A poll was answered 404, and it is not known yet whether by the process that took the statement.
    /// - Parameters:
    ///   - moment: when the 404 came, so that a later probe can be told from an earlier one.
    ///   - patience: how long this may go on without a probe that tells, in milliseconds (`limits.gone`).
    public mutating func onDoubt(attempt: UInt16, at moment: Timestamp, patience: Int64, now: Int64) -> FailureStep {
        switch phase {
        case .ended(let error): return .own(error)
        case .surfaced: return .kept
        case .waiting, .submitting: return .superseded
        case .relayed, .abandoned, .presumed: return attempt < self.attempt ? .superseded : .passOn
        case .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        if trouble.forgottenAt == nil { trouble.forgottenAt = moment }
        trouble.doubtedPolls += 1
        let since = trouble.unansweredSince ?? now
        trouble.unansweredSince = since
        return now - since >= patience ? .gone : .askAgain(sequence: nextSequence(), nil)
    }

    /// A read that runs and has given no row is given up after its coordinator was away for as long as it had run.
    private func repeatPatience(_ failure: Failure, patience: Int64, now: Int64) -> Int64 {
        guard reads, !rowsLeft, hasCapsule, failure.status == nil else { return patience }
        guard let runsSince, let since = trouble.unansweredSince else { return patience }
        return min(patience, max(Self.leastPatience, since - runsSince))
    }

    /// Coordinators that an attempt remembers not to have reached.
    private static let maximumTried = 64
    /// The least time after which a running read is taken for lost with its coordinator, in milliseconds (design 5).
    static let leastPatience: Int64 = 10_000

    // MARK: The verdict

    private mutating func verdict(
        _ judged: JudgedFailure, terms: RetryTerms, now: Int64, permit: (Judgement) -> RetryPermit
    ) -> FailureStep {
        let judgement = judged.judgement
        var verdict = Verdict(
            attempt: Int(attempt), failure: judged.failure.word, message: judged.failure.shownMessage,
            rule: judgement.rule, failureClass: judgement.failureClass, action: judgement.action, isRetried: false,
            cost: max(0, now - attemptBegan))
        guard judgement.action != .none else { return surface(judged, verdict) }
        verdict.gate = closedGate(judged, terms: terms, now: now)
        var needsRelease = false
        if verdict.gate == nil, !isUnsent(judged.failure) {
            switch permit(judgement) {
            case .granted: break
            case .refused(.budget) where judgement.failureClass == .unavailable: needsRelease = true
            case .refused(.budget) where isAway(judged), .refused(.breaker) where isAway(judged): needsRelease = true
            case .refused(let gate): verdict.gate = gate
            }
        }
        guard verdict.gate == nil else { return surface(judged, verdict) }
        return retry(judged, verdict, needsRelease: needsRelease, now: now)
    }

    private mutating func retry(
        _ judged: JudgedFailure, _ reached: Verdict, needsRelease: Bool, now: Int64
    ) -> FailureStep {
        let judgement = judged.judgement
        let rule = judgement.rule ?? ""
        let number = (trouble.retriesByRule[rule] ?? 0) + 1
        trouble.retriesByRule[rule] = number
        let profile = judgement.wait ?? .now
        func milliseconds(_ jitter: Double) -> Int64 {
            profile.delay(before: number, retryAfter: judged.retryAfter, jitter: jitter).milliseconds
        }
        var verdict = reached
        verdict.isRetried = true
        verdict.wait = milliseconds(judged.jitter)
        let target = target(judged, notBefore: now + milliseconds(1))
        let reachedNobody = judged.failure.reachedNobody
        trouble.awaySince = isAway(judged) ? trouble.awaySince ?? now : nil
        if reachedNobody {
            // Whoever refuses draws the most, because it has the fewest in flight: the others are asked first.
            if trouble.tried.count >= Self.maximumTried { trouble.tried.removeFirst() }
            trouble.tried.append(judged.registration)
        } else {
            trouble.tried = []
        }
        let finality = finality(judged)
        let keeps = finality.map { new in trouble.kept.map { new > $0 } ?? true } ?? false
        if keeps { trouble.kept = finality }
        // Whether an earlier retry helped is not known yet when nobody took it.
        if !isAway(judged) { trouble.retriedBy = judgement.rule }
        if !reachedNobody { leaveAttempt(counts: isRun(judged.failure), now: now) }
        wait(
            Wait(
                due: now + verdict.wait, target: target, reason: needsRelease ? .budget : .backOff,
                needsRelease: needsRelease), now: now)
        return .retry(verdict, keeps: keeps)
    }

    /// The current attempt is over: the next has the next number.
    mutating func leaveAttempt(counts: Bool, now: Int64) {
        if counts {
            trouble.runs += 1
            trouble.ran += max(0, now - attemptBegan)
        }
        attempt &+= 1
    }

    /// Waits from now on.
    mutating func wait(_ wait: Wait, now: Int64) {
        phase = .waiting(wait)
        hasWaited = true
        counted = .nowhere
        writtenPolls = 0
        startedBefore = false
        if isTroubled { trouble.onWait() }
        runsSince = nil
        lastSeen = max(lastSeen, now)
    }

    private func target(_ judged: JudgedFailure, notBefore: Int64) -> RetryTarget {
        if traits.isInTransaction { return .pinned(registration: judged.registration) }
        switch judged.judgement.action {
        case .same, .none, .repeat: return .same(pool: judged.pool)
        case .bigger: return .bigger(than: judged.pool)
        case .other:
            // What nobody was asked for goes wherever a new statement would, but not where it was refused just now.
            let tried = trouble.tried
            let failed = tried.last == judged.registration ? tried : tried + [judged.registration]
            return .other(than: failed, incarnation: judged.incarnation, notBefore: notBefore)
        }
    }

    // MARK: Surfacing

    private mutating func surface(_ judged: JudgedFailure, _ verdict: Verdict) -> FailureStep {
        // What may have written speaks for itself: an earlier error would say that nothing had happened.
        let mayHaveWritten = !mayStartAgain(judged)
        let isOutranked = trouble.kept.map { kept in finality(judged).map { $0 <= kept } ?? true } ?? false
        let isTimeUp = judged.failure.reachedNobody && verdict.gate == .noTarget
        counted = .nowhere
        hasCapsule = false
        if isTroubled { trouble.retriedBy = nil }
        if mayHaveWritten, judged.answer != .page, !judged.failure.isRefusal {
            phase = .ended(.outcomeUnknown)
            return .end(.outcomeUnknown, verdict)
        }
        if isOutranked, !mayHaveWritten {
            phase = .surfaced
            return .surfaceKept(verdict)
        }
        letGo()
        guard judged.answer == .none || isTimeUp else {
            phase = .relayed
            return .surface(verdict)
        }
        // Clients send a POST again that was answered 503: they are told that they need not.
        let nobody: OwnError = judged.mayWait ? .noCoordinator : .queueFull
        let own = judged.failure.reachedNobody ? nobody : .coordinatorLost
        phase = .ended(own)
        return .end(own, verdict)
    }

    private func finality(_ judged: JudgedFailure) -> Finality? {
        switch judged.answer {
        case .none: return nil
        case .answer:
            if judged.failure.reachedNobody { return nil }
            return judged.failure.status.map { $0 < 500 } ?? false ? .elsewhere : .passing
        case .page:
            guard judged.judgement.action == .none else { return .passing }
            return judged.failure.isAboutItsPlace ? .elsewhere : .final
        }
    }

    func isUnsent(_ failure: Failure) -> Bool { failure.step == .submit && failure.event == .refused }
}
