/// A time in which a coordinator could take nothing. A read is moved away once in it.
public struct HealthEpisode: Equatable, Sendable {
    /// The coordinator.
    public var registration: UInt32
    /// Its episode's number.
    public var number: UInt32

    /// An episode from its parts.
    public init(registration: UInt32, number: UInt32) {
        self.registration = registration
        self.number = number
    }
}

/// A statement that waits in the gateway. A waiting poll is pulled: its loop asks at every tick (design 3, Time).
extension StatementMachine {
    /// What a poll of a waiting statement does.
    public enum Attend: Equatable, Sendable {
        /// Wait on. The reason is there when it is another than before.
        case wait(WaitReason?)
        /// It is this exchange's turn to submit the current attempt there.
        case submit(RetryTarget)
        /// The statement goes on, or somebody else submits it: answer the current page.
        case current
        /// Answer the gateway's own last page. `isNew`: it ended just now.
        case own(OwnError, isNew: Bool)
        /// Answer what was kept. `isNew`: it ended just now.
        case kept(isNew: Bool)
        /// Answer 404.
        case notFound
    }

    /// Whether it waits in the gateway.
    public var isWaiting: Bool {
        switch phase {
        case .waiting: true
        case .submitting, .open, .presumed, .relayed, .surfaced, .ended, .abandoned: false
        }
    }

    /// Whether URIs were handed out that lead nowhere any more: its newest one must be remembered.
    public var hasPast: Bool { attempt > 1 || hasWaited }

    /// A poll of the wait page arrived: it counts as one of the client's.
    public mutating func onWaitPoll(now: Int64) { lastSeen = max(lastSeen, now) }

    /// Looks whether the statement can be submitted now, and by whom: one exchange gets the turn.
    /// - Parameters:
    ///   - isReachable: whether somebody could take it.
    ///   - release: asks the budget for what waits because it was spent.
    public mutating func onAttend(
        terms: RetryTerms, now: Int64, isReachable: (RetryTarget) -> Bool, release: () -> Bool
    ) -> Attend {
        switch phase {
        case .ended(let error): return .own(error, isNew: false)
        case .surfaced: return .kept(isNew: false)
        case .abandoned: return .notFound
        case .submitting, .open, .presumed, .relayed: return .current
        case .waiting(let wait):
            guard now >= wait.due else { return .wait(nil) }
            guard isReachable(wait.target) else { return onNoTarget(wait, terms: terms, now: now) }
            guard !wait.needsRelease || release() else {
                return rest(wait, for: .budget, until: now, now: now)
            }
            phase = .submitting
            attemptBegan = now
            return .submit(wait.target)
        }
    }

    /// A new statement finds nobody who could take it: it waits. Nil: it may not, and has ended.
    public mutating func onNoTarget(_ target: RetryTarget, mayWait: Bool, now: Int64) -> OwnError? {
        guard phase == .submitting else { return nil }
        guard hasCapsule, mayWait else {
            let error: OwnError = hasCapsule ? .queueFull : .noCoordinator
            onEnd(error)
            return error
        }
        trouble.awaySince = trouble.awaySince ?? now
        wait(Wait(due: now, target: target, reason: .noCoordinator, needsRelease: false), now: now)
        return nil
    }

    private mutating func onNoTarget(_ wait: Wait, terms: RetryTerms, now: Int64) -> Attend {
        let since = trouble.awaySince ?? now
        trouble.awaySince = since
        if now - since >= awayPatience(terms) { return endWaiting() }
        return rest(wait, for: .noCoordinator, until: now, now: now)
    }

    private mutating func rest(_ wait: Wait, for reason: WaitReason, until due: Int64, now: Int64) -> Attend {
        var next = wait
        next.due = due
        next.reason = reason
        phase = .waiting(next)
        return .wait(wait.reason == reason ? nil : reason)
    }

    private mutating func endWaiting() -> Attend {
        hasCapsule = false
        guard trouble.kept == nil else {
            phase = .surfaced
            return .kept(isNew: true)
        }
        phase = .ended(.noCoordinator)
        return .own(.noCoordinator, isNew: true)
    }

    /// The turn to submit is given back: nothing was sent.
    /// - Parameter delay: not before so many milliseconds.
    public mutating func onTurnReturned(_ target: RetryTarget, reason: WaitReason, delay: Int64, now: Int64) {
        guard phase == .submitting else { return }
        wait(Wait(due: now + delay, target: target, reason: reason, needsRelease: false), now: now)
    }

    /// What was kept could not be kept after all.
    public mutating func onKeptLost() {
        trouble.kept = nil
        if phase == .surfaced { phase = .ended(.coordinatorLost) }
    }

    // MARK: Moving

    /// Whether a read that waits in the queue of a coordinator which can take nothing is to move away from it: asked
    /// when somebody else could take it now (design 5, Moving). It costs no attempt and no budget.
    /// - Parameter word: the coordinator's health, for the record.
    public mutating func onMove(
        attempt: UInt16, episode: HealthEpisode, word: String, incarnation: UInt32?, terms: RetryTerms, now: Int64
    ) -> Verdict? {
        guard mayMove, attempt == self.attempt, !trouble.episodes.contains(episode) else { return nil }
        guard min(traits.mode ?? .on, terms.mode) == .on else { return nil }
        if trouble.episodes.count >= Self.maximumEpisodes { return nil }
        trouble.episodes.append(episode)
        let verdict = Verdict(
            attempt: Int(attempt), failure: word, rule: nil, failureClass: .unavailable, action: .other,
            isRetried: true, cost: max(0, now - attemptBegan))
        leaveAttempt(counts: false, now: now)
        trouble.awaySince = nil
        wait(
            Wait(
                due: now,
                target: .other(than: [episode.registration], incarnation: incarnation, notBefore: now),
                reason: .backOff, needsRelease: false), now: now)
        return verdict
    }

    /// It waits in a coordinator's queue, reads, and nothing of it has left but pages that say so.
    public var mayMove: Bool {
        phase == .open && counted == .queued && reads && hasCapsule && !rowsLeft && columnsLeft == nil && !sessionLeft
            && !traits.isInTransaction && !traits.isChained && !startsOnPost
    }

    /// A read is moved so often at most.
    static let maximumEpisodes = 16

    // MARK: What was learnt late

    /// The whole of a long text was read: it only reads, unless a page has told otherwise meanwhile.
    public mutating func onWholeTextReads() { if !hasShownWrite { reads = true } }

    // MARK: What a retry came to

    /// The rule whose retry the current attempt is; said once.
    public mutating func takeRetryResult() -> String? {
        guard isTroubled else { return nil }
        defer { trouble.retriedBy = nil }
        return trouble.retriedBy
    }

    /// A page of the gateway's own is about to leave: its tag has this sequence.
    public mutating func onOwnPage() -> UInt32 { nextSequence() }

    mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }
}
