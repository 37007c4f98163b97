import Synchronization

/// A statement's machine under its lock. Polls may come on any loop: lock, step, unlock, act (design 3).
public final class Cell: Sendable {
    /// The statement.
    public let key: StatementKey
    /// What its POST told; nil where another gateway took that.
    public let submission: Submission?
    private struct State: Sendable {
        var machine: StatementMachine
        var placement: Placement
        var capsule: Capsule?
        var answers = Answers.none
    }
    private let state: Mutex<State>
    private let waiting: WaitingCount?

    /// What was answered, of statements with several attempts. Few have it, so that it takes no room of the others.
    private indirect enum Answers: Sendable {
        case none
        /// - `newest`: the path of the newest nextUri that was handed out.
        /// - `last`: what ended a submission in a poll's place: no URI leads to it.
        case some(newest: [UInt8], kept: KeptAnswer?, last: KeptAnswer?)

        var newest: [UInt8] {
            get { if case .some(let newest, _, _) = self { newest } else { [] } }
            set { self = .some(newest: newValue, kept: kept, last: last) }
        }
        var kept: KeptAnswer? {
            get { if case .some(_, let kept, _) = self { kept } else { nil } }
            set { self = .some(newest: newest, kept: newValue, last: last) }
        }
        var last: KeptAnswer? {
            get { if case .some(_, _, let last) = self { last } else { nil } }
            set { self = .some(newest: newest, kept: kept, last: newValue) }
        }
    }

    /// A cell around a machine. What the machine counts already is counted at once.
    /// - Parameter capsule: what it takes to submit the statement again, if there was room for it: it is kept for as
    ///   long as that may happen.
    public init(
        key: StatementKey, machine: consuming StatementMachine, placement: consuming Placement,
        submission: Submission? = nil, capsule: consuming Capsule? = nil, waiting: WaitingCount? = nil
    ) {
        self.key = key
        self.submission = submission
        self.waiting = waiting
        machine.hasCapsule = capsule != nil
        placement.place.load?.begin(as: machine.counted)
        state = Mutex(State(machine: machine, placement: placement, capsule: capsule))
    }

    deinit { state.withLock { $0.capsule?.giveBack() } }

    /// What it takes to submit the statement again.
    public var capsule: Capsule? { state.withLock { $0.capsule } }

    /// Where the statement is.
    public var placement: Placement { state.withLock { $0.placement } }
    /// A copy of the machine, for those who only look.
    public var machine: StatementMachine { state.withLock { $0.machine } }
    /// Whether rows have left for the client, without a copy of the machine.
    public var rowsLeft: Bool { state.withLock { $0.machine.rowsLeft } }
    /// Whether it only reads, as far as text and pages told.
    public var reads: Bool { state.withLock { $0.machine.reads } }
    /// Whether URIs were handed out that lead nowhere any more.
    public var hasPast: Bool { state.withLock { $0.machine.hasPast } }
    /// Whether the gateway, not a last page, ended the statement.
    public var wasEndedHere: Bool { state.withLock { $0.machine.wasEndedHere } }

    /// Places the current attempt on a coordinator and counts it there; answers its number, or nil if the statement has
    /// ended meanwhile and must not be sent.
    public func submit(placement: Placement, startsOnPost: Bool, now: Int64) -> UInt16? {
        let attempt: UInt16? = state.withLock { state in
            guard case .submitting = state.machine.phase else { return nil }
            state.placement.place.load?.move(from: state.machine.counted, to: .nowhere)
            state.machine.onSubmit(startsOnPost: startsOnPost, now: now)
            placement.place.load?.move(from: .nowhere, to: state.machine.counted)
            state.placement = placement
            if !state.answers.newest.isEmpty { state.answers.newest = [] }
            return state.machine.attempt
        }
        if attempt != nil { placement.place.load?.place() }
        return attempt
    }

    /// The whole of a long text was read, and only reads.
    public func wholeTextReads() { state.withLock { $0.machine.onWholeTextReads() } }

    /// What the engine called the statement.
    public struct Name: Sendable {
        /// The engine's query id.
        public var queryID: String
        /// The id is of an incarnation that the table did not know yet when the statement was placed, so that its number
        /// tells nothing of this statement.
        public var isNewIncarnation: Bool

        /// A name from its parts.
        public init(_ queryID: String, isNewIncarnation: Bool = false) {
            self.queryID = queryID
            self.isNewIncarnation = isNewIncarnation
        }
    }

    /// The engine gave the statement an id.
    public func named(_ name: Name) { state.withLock { $0.placement.take(name) } }

    /// A poll arrived.
    public func poll(attempt: UInt16, sequence: UInt32, now: Int64) -> StatementMachine.Poll {
        step { $0.machine.onPoll(attempt: attempt, sequence: sequence, now: now) }
    }

    /// A poll is about to be written once more.
    public func pollRepeated(attempt: UInt16) { state.withLock { $0.machine.onPollRepeated(attempt: attempt) } }

    /// The connect for a poll reached nobody.
    public func pollUnwritten(attempt: UInt16) { state.withLock { $0.machine.onPollUnwritten(attempt: attempt) } }

    /// A HEAD arrived.
    public func touch(now: Int64) { state.withLock { $0.machine.onTouch(now: now) } }

    /// A poll's exchange has ended.
    public func exchangeEnded(now: Int64) { state.withLock { $0.machine.onExchangeEnded(now: now) } }

    /// What a page did to the statement.
    public struct PageResult: Sendable {
        /// What to do with it.
        public var step: StatementMachine.Page
        /// It is the first to show that the statement runs.
        public var becameRunning = false
        /// It is the last.
        public var ended = false
        /// The engine's id is not known yet, because another gateway took the POST.
        public var isUnnamed = false
        /// The nextUri is to be remembered (`handedOut`).
        public var hasPast = false
        /// The rule whose retry has given rows, or ended well.
        public var retriedBy: String?
    }

    /// A page is about to leave.
    /// - Parameters:
    ///   - name: what it calls the statement, if that is new.
    ///   - endsExchange: it leaves whole, and with it the poll's exchange ends.
    public func page(
        attempt: UInt16, facts: PageFacts, name: Name? = nil, endsExchange: Bool = false, now: Int64
    ) -> PageResult {
        step { state in
            if let name { state.placement.take(name) }
            let counted = state.machine.counted
            let hadEnded = state.machine.wasRelayed
            var result = PageResult(step: state.machine.onPage(attempt: attempt, facts: facts, now: now))
            result.becameRunning = counted != .running && state.machine.counted == .running
            result.ended = !hadEnded && state.machine.wasRelayed
            result.isUnnamed = state.placement.queryID.isEmpty
            result.hasPast = state.machine.hasPast
            if case .relay = result.step {
                if endsExchange { state.machine.onExchangeEnded(now: now) }
                if facts.hasRows || (result.ended && !facts.failed) {
                    result.retriedBy = state.machine.takeRetryResult()
                }
            }
            return result
        }
    }

    /// An attempt failed. `result`: the retry that it was did not help its rule.
    public func failed(
        attempt: UInt16, _ judged: JudgedFailure, terms: RetryTerms, patience: Int64, now: Int64,
        permit: (Judgement) -> RetryPermit
    ) -> (step: StatementMachine.FailureStep, result: String?) {
        step { state in
            let rule = state.machine.trouble.retriedBy
            let answer = state.machine.onFailure(
                attempt: attempt, judged, terms: terms, patience: patience, now: now, permit: permit)
            switch answer {
            // A user's error says nothing of whether the retry helped, nor does it that nobody could take it.
            case .retry where state.machine.isAway(judged): return (answer, nil)
            case .retry, .surface, .surfaceKept, .end: return (answer, judged.failureIsUsers ? nil : rule)
            case .askAgain, .gone, .superseded, .own, .kept, .passOn: return (answer, nil)
            }
        }
    }

    /// A poll was answered 404, and it is not known yet by whom.
    public func doubted(attempt: UInt16, at moment: Timestamp, patience: Int64, now: Int64)
        -> StatementMachine.FailureStep
    {
        step { $0.machine.onDoubt(attempt: attempt, at: moment, patience: patience, now: now) }
    }

    /// A new statement finds nobody who could take it.
    public func noTarget(_ target: RetryTarget, mayWait: Bool, now: Int64) -> OwnError? {
        step { $0.machine.onNoTarget(target, mayWait: mayWait, now: now) }
    }

    /// A poll of a wait page arrived.
    public func waitPoll(now: Int64) { state.withLock { $0.machine.onWaitPoll(now: now) } }

    /// Looks whether the statement can be submitted now.
    public func attend(
        terms: RetryTerms, now: Int64, isReachable: (RetryTarget) -> Bool, release: () -> Bool
    ) -> StatementMachine.Attend {
        step { $0.machine.onAttend(terms: terms, now: now, isReachable: isReachable, release: release) }
    }

    /// The turn to submit is given back.
    public func returnTurn(_ target: RetryTarget, reason: WaitReason, delay: Int64, now: Int64) {
        step { $0.machine.onTurnReturned(target, reason: reason, delay: delay, now: now) }
    }

    /// Moves a read that waits in the queue of a coordinator that can take nothing.
    public func move(
        attempt: UInt16, episode: HealthEpisode, word: String, incarnation: UInt32?, terms: RetryTerms, now: Int64
    ) -> Verdict? {
        step {
            $0.machine.onMove(
                attempt: attempt, episode: episode, word: word, incarnation: incarnation, terms: terms, now: now)
        }
    }

    /// Keeps an answer that explains the failure best so far, or that the statement ended with; nil: there was no room
    /// for it.
    public func keep(_ answer: KeptAnswer?) {
        step { state in
            if state.machine.phase == .relayed {
                state.answers.last = answer
            } else if let answer {
                state.answers.kept = answer
            } else if state.answers.kept == nil {
                state.machine.onKeptLost()
            }
        }
    }

    /// The answer that was kept.
    public var kept: KeptAnswer? { state.withLock { $0.answers.kept ?? $0.answers.last } }

    /// Remembers the newest nextUri that was handed out: superseded polls are answered with it.
    public func handedOut(_ path: [UInt8]) { state.withLock { $0.answers.newest = path } }

    /// The newest nextUri, its attempt and the sequence to hand out with it; nil if there is none.
    public var newest: (path: [UInt8], attempt: UInt16, sequence: UInt32)? {
        state.withLock { state in
            let newest = state.answers.newest
            return newest.isEmpty ? nil : (newest, state.machine.attempt, state.machine.sequence)
        }
    }

    /// The sequence of a page of the gateway's own that is about to leave.
    public func nextSequence() -> UInt32 { state.withLock { $0.machine.onOwnPage() } }

    /// The gateway ends the statement.
    public func end(_ error: OwnError) { step { $0.machine.onEnd(error) } }

    /// A DELETE arrived.
    public func cancel(attempt: UInt16, withdrawsUnstarted: Bool, now: Int64) -> StatementMachine.Cancel {
        step { $0.machine.onCancel(attempt: attempt, withdrawsUnstarted: withdrawsUnstarted, now: now) }
    }

    /// The coordinator refused the DELETE.
    public func cancelRefused() { step { $0.machine.onCancelRefused() } }

    /// The coordinator confirmed a DELETE by id.
    public func canceledThere(now: Int64) -> Bool { step { $0.machine.onCanceledThere(now: now) } }

    /// The coordinator answered the gateway's DELETE, or did not.
    public func cancelAnswered(confirmed: Bool, countFor milliseconds: Int64, now: Int64) {
        step { $0.machine.onCancelAnswered(confirmed: confirmed, countFor: milliseconds, now: now) }
    }

    /// What a look at the clock told.
    public struct Look: Sendable {
        /// What time did to the statement.
        public var tick: StatementMachine.Tick
        /// The open transaction that it belongs to, while it has not ended.
        public var transaction: String?
        /// Before this moment time does nothing more to it, unless something happens to it meanwhile.
        public var due: Int64
    }

    /// Looks at the clock.
    public func look(abandoned: Int64, remembered: Int64, now: Int64) -> Look {
        step { state in
            let tick = state.machine.onTick(abandoned: abandoned, remembered: remembered, now: now)
            return Look(
                tick: tick, transaction: state.machine.isOpen ? submission?.transaction : nil,
                due: state.machine.due(abandoned: abandoned, remembered: remembered))
        }
    }

    /// A presumed statement was not polled in time.
    public func presumptionEnded() -> Bool { step { $0.machine.onPresumptionEnded() } }

    /// One step under the lock; the coordinator's count follows the machine.
    @inline(__always)
    private func step<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
        state.withLock { state in
            let before = state.machine.counted
            let hasWaited = state.machine.isWaiting
            let answer = body(&state)
            let after = state.machine.counted
            if !state.machine.hasCapsule, let capsule = state.capsule.take() { capsule.giveBack() }
            if case .some(_, .some, _) = state.answers, state.machine.trouble.kept == nil { state.answers.kept = nil }
            if hasWaited != state.machine.isWaiting { waiting?.add(hasWaited ? -1 : 1) }
            if before != after { state.placement.place.load?.move(from: before, to: after) }
            return answer
        }
    }
}

extension Placement {
    /// An engine has named the statement.
    fileprivate mutating func take(_ name: Cell.Name) {
        queryID = name.queryID
        if name.isNewIncarnation { incarnation = nil }
    }
}
