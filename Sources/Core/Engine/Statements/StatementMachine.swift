/// What counts a statement on a coordinator.
public enum Counted: Equatable, Sendable {
    /// On none.
    case nowhere
    /// As queued.
    case queued
    /// As running.
    case running
    /// As left by an owner that is gone.
    case presumed
}

/// What a page told of its statement.
public struct PageFacts: Equatable, Sendable {
    /// The page has a nextUri: the statement goes on.
    public var hasNext: Bool
    /// Columns, rows or an executing URI were seen.
    public var runs: Bool
    /// An updateType was seen: whatever the text looked like, it writes.
    public var writes: Bool
    /// The page carries an error.
    public var failed: Bool
    /// It carries rows, or leaves before it is known whether it does.
    public var hasRows: Bool
    /// A hash of its columns; nil where it has none.
    public var columns: UInt64?
    /// Its head changes the client's session.
    public var changesSession: Bool
    /// Facts of a page.
    public init(
        hasNext: Bool, runs: Bool, writes: Bool, failed: Bool, hasRows: Bool = false, columns: UInt64? = nil,
        changesSession: Bool = false
    ) {
        self.hasNext = hasNext
        self.runs = runs
        self.writes = writes
        self.failed = failed
        self.hasRows = hasRows
        self.columns = columns
        self.changesSession = changesSession
    }
}

/// What is known of a statement's retries when it is submitted, and stays so.
public struct StatementTraits: Equatable, Sendable {
    /// What its client allows; nil: what the settings say.
    public var mode: RetryMode?
    /// It is itself a retry, of another gateway or engine.
    public var isChained = false
    /// It belongs to an open transaction.
    public var isInTransaction = false
    /// Nothing special.
    public init() {}
}

/// What the gateway knows of a coordinator's incarnation when one of its statements is answered 404.
public enum Incarnation: Equatable, Sendable {
    /// The process that took the statement is gone.
    case changed
    /// A probe that was answered after the 404 shows the same process.
    case same
    /// Not known yet: a probe must tell.
    case unknown
}

/// The life of one statement as polls see it: a value machine (design 4, 5), stepped under its cell's lock.
///
/// Times are monotonic milliseconds. It names every exchange by its attempt; what belongs to an older attempt is
/// superseded.
public struct StatementMachine: Equatable, Sendable {
    /// Where the statement stands.
    public enum Phase: Equatable, Sendable {
        /// The POST is on its way, or about to be.
        case submitting
        /// A coordinator has it.
        case open
        /// Left by an owner that is gone, or abandoned while it ran: the next poll adopts it.
        case presumed
        /// It waits here until it can be submitted. Few do, so that it makes no other phase larger.
        indirect case waiting(Wait)
        /// Its last page was relayed; what carries its tag is relayed, and nothing is judged.
        case relayed
        /// It ended with the answer that was kept of an earlier attempt.
        case surfaced
        /// The gateway ended it with a page of its own.
        case ended(OwnError)
        /// Nobody polled it before it started: its tags are answered 404.
        case abandoned
    }

    /// What it waits for.
    public struct Wait: Equatable, Sendable {
        /// Not before this moment.
        public var due: Int64
        /// Where it goes then.
        public var target: RetryTarget
        /// Why.
        public var reason: WaitReason
        /// The retry budget was spent when it began to wait: it needs a release.
        public var needsRelease: Bool
    }

    // In an order in which they take little room: a gateway holds many.

    /// Where it stands.
    public internal(set) var phase: Phase
    /// Whether it only reads, as far as text and pages told.
    public internal(set) var reads: Bool
    /// Whether its pool runs statements in the POST.
    public internal(set) var startsOnPost: Bool
    /// How it counts on its coordinator.
    public internal(set) var counted: Counted
    /// The current attempt, from 1; while it waits, the one to come.
    public internal(set) var attempt: UInt16
    /// The sequence of the newest tag handed out; nextUri's sequences begin at 1.
    public internal(set) var sequence: UInt32 = 0
    /// Exchanges of polls that are under way.
    public internal(set) var exchanges: Int32 = 0
    /// When a client last asked.
    public internal(set) var lastSeen: Int64
    /// When the current attempt was submitted.
    var attemptBegan: Int64
    /// Columns that have left for the client.
    var columnsLeft: UInt64?
    /// What its submission said of retries.
    public let traits: StatementTraits
    /// The attempt that showed columns last.
    var columnsAttempt: UInt16 = 0
    /// Whether what is needed to submit it again is here.
    public internal(set) var hasCapsule = false
    /// Rows have left for the client.
    public internal(set) var rowsLeft = false
    /// A header that changes the session has left for the client.
    var sessionLeft = false
    /// It started before any poll of this attempt came here.
    var startedBefore: Bool
    /// A page has shown that it writes.
    var hasShownWrite = false
    /// It has waited in the gateway.
    var hasWaited = false
    /// Polls that were written to the coordinator, or are about to be.
    var writtenPolls: Int32 = 0
    /// When it was first seen to run.
    var runsSince: Int64?
    private var box = Box.none

    private indirect enum Box: Equatable, Sendable {
        case none
        case some(Trouble)
    }

    /// What befell it, if anything did.
    var trouble: Trouble {
        get { if case .some(let trouble) = box { trouble } else { Trouble() } }
        set { box = newValue == Trouble() ? .none : .some(newValue) }
    }

    /// Whether it has met with trouble; few have.
    var isTroubled: Bool {
        switch box {
        case .none: false
        case .some: true
        }
    }

    /// Whether the current attempt has started (design 4.2).
    public var hasStarted: Bool { startedBefore || writtenPolls > 0 }
    /// The same URI is not asked for again before this moment.
    public var askAgainAt: Int64 { trouble.askAgainAt }

    /// A statement whose POST is about to be sent.
    public init(reads: Bool, startsOnPost: Bool, traits: StatementTraits = StatementTraits(), now: Int64) {
        self.reads = reads
        self.startsOnPost = startsOnPost
        self.traits = traits
        attemptBegan = now
        phase = .submitting
        attempt = 1
        startedBefore = false
        counted = .nowhere
        lastSeen = now
    }

    /// A statement of an owner that is gone: it is taken to have started, and to write unless history says otherwise.
    public init(presumedAttempt attempt: UInt16, reads: Bool, startsOnPost: Bool, now: Int64) {
        self.reads = reads
        self.startsOnPost = startsOnPost
        self.attempt = attempt
        traits = StatementTraits()
        attemptBegan = now
        phase = .presumed
        startedBefore = true
        counted = .presumed
        lastSeen = now
    }

    /// A statement whose client canceled it, known from its tombstone.
    public init(canceledAt now: Int64) {
        reads = false
        startsOnPost = false
        attempt = .max
        traits = StatementTraits()
        attemptBegan = now
        phase = .ended(.userCanceled)
        startedBefore = true
        counted = .nowhere
        lastSeen = now
    }

    // MARK: Submission

    /// The current attempt is about to be sent: it counts from now on.
    /// - Parameter startsOnPost: whether the pool it goes to now runs statements in the POST.
    public mutating func onSubmit(startsOnPost: Bool, now: Int64) {
        guard phase == .submitting else { return }
        self.startsOnPost = startsOnPost
        counted = .queued
        startedBefore = self.startsOnPost
        attemptBegan = now
        lastSeen = now
    }

    // MARK: Polls

    /// What to do with a poll.
    public enum Poll: Equatable, Sendable {
        /// Send it on. `isAdopted`: this is the first that this gateway sees of the statement.
        case relay(isAdopted: Bool)
        /// Its coordinator asked not to be asked before this moment: answer a page without rows whose nextUri is the same
        /// URI, with this sequence.
        case rest(until: Int64, sequence: UInt32)
        /// An older attempt's tag: answer the current page, made on the spot.
        case superseded
        /// Answer the gateway's own last page.
        case own(OwnError)
        /// Answer what was kept of an earlier attempt.
        case kept
        /// Answer 404.
        case notFound
    }

    /// A GET with a tag of this statement arrived.
    public mutating func onPoll(attempt: UInt16, sequence: UInt32, now: Int64) -> Poll {
        lastSeen = max(lastSeen, now)
        switch phase {
        case .ended(let error): return .own(error)
        case .surfaced: return .kept
        case .abandoned: return .notFound
        case .relayed: return attempt < self.attempt ? .superseded : .relay(isAdopted: false)
        case .waiting, .submitting: return .superseded
        case .open, .presumed: break
        }
        // The highest attempt seen in a valid tag is the current one: only an adopted statement can be surprised.
        if attempt < self.attempt { return .superseded }
        let isAdopted = phase == .presumed
        self.attempt = attempt
        self.sequence = max(self.sequence, sequence)
        if isTroubled, now < askAgainAt { return .rest(until: askAgainAt, sequence: nextSequence()) }
        phase = .open
        writtenPolls += 1
        if isAdopted { counted = .queued }
        exchanges += 1
        return .relay(isAdopted: isAdopted)
    }

    /// The connect for a poll reached nobody: not a byte of it was written, so it started nothing (design 3, 'Ask
    /// first').
    public mutating func onPollUnwritten(attempt: UInt16) {
        guard phase == .open, attempt == self.attempt else { return }
        writtenPolls = max(0, writtenPolls - 1)
    }

    /// A poll that was written is written once more.
    public mutating func onPollRepeated(attempt: UInt16) {
        if phase == .open, attempt == self.attempt { writtenPolls += 1 }
    }

    /// A client's HEAD: it keeps the statement alive.
    public mutating func onTouch(now: Int64) { lastSeen = max(lastSeen, now) }

    /// The exchange of a poll has ended, however it did.
    public mutating func onExchangeEnded(now: Int64) {
        exchanges = max(0, exchanges - 1)
        lastSeen = max(lastSeen, now)
    }

    /// What to do with a page.
    public enum Page: Equatable, Sendable {
        /// Relay it; tags in it carry this sequence.
        case relay(sequence: UInt32)
        /// It belongs to an older attempt: drop it, answer the current page.
        case superseded
        /// The gateway ended the statement meanwhile: answer its own last page.
        case own(OwnError)
        /// It ended meanwhile: answer what was kept of an earlier attempt.
        case kept
        /// Its columns are not those that have left: the statement has ended. Cancel the attempt and answer what was
        /// kept, or this.
        indirect case columnsDiffer(Verdict, OwnError?)
    }

    /// A page is about to leave, which carries no error that is to be judged.
    public mutating func onPage(attempt: UInt16, facts: PageFacts, now: Int64) -> Page {
        switch phase {
        case .ended(let error): return .own(error)
        case .surfaced: return .kept
        case .waiting: return .superseded
        case .relayed, .abandoned, .presumed:
            guard attempt == self.attempt else { return .superseded }
            sequence &+= 1
            return .relay(sequence: sequence)
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        // What one attempt shows is its engine's business; the next must show the same.
        if columnsAttempt < attempt, let left = columnsLeft, let columns = facts.columns, left != columns {
            return endByColumns(now: now)
        }
        phase = .open
        if isTroubled { trouble.onPage(runs: facts.runs) }
        lastSeen = max(lastSeen, now)
        if facts.writes {
            reads = false
            hasShownWrite = true
        }
        if facts.columns != nil {
            columnsLeft = facts.columns
            columnsAttempt = attempt
        }
        if facts.changesSession { sessionLeft = true }
        if facts.runs {
            startedBefore = true
            if counted == .queued { counted = .running }
            runsSince = runsSince ?? now
        }
        if facts.hasRows {
            rowsLeft = true
            letGo()
        }
        if facts.hasNext {
            sequence &+= 1
        } else {
            phase = .relayed
            counted = .nowhere
            letGo()
        }
        return .relay(sequence: sequence)
    }

    /// Nothing is submitted again, and nothing of an earlier attempt is shown.
    mutating func letGo() {
        hasCapsule = false
        if isTroubled { trouble.kept = nil }
    }

    private mutating func endByColumns(now: Int64) -> Page {
        let verdict = Verdict(
            attempt: Int(attempt), failure: "columns-differ", rule: nil, failureClass: .internal, action: .none,
            gate: .columnsDiffer, isRetried: false, cost: now - attemptBegan)
        counted = .nowhere
        hasCapsule = false
        if isTroubled { trouble.retriedBy = nil }
        let mayHaveWritten = !reads && hasStarted
        guard trouble.kept == nil || mayHaveWritten else {
            phase = .surfaced
            return .columnsDiffer(verdict, nil)
        }
        letGo()
        let error: OwnError = mayHaveWritten ? .outcomeUnknown : .coordinatorLost
        phase = .ended(error)
        return .columnsDiffer(verdict, error)
    }

    /// Whether the gateway, not a last page, ended the statement: nothing of it is relayed any more.
    public var wasEndedHere: Bool {
        switch phase {
        case .ended, .abandoned, .surfaced: true
        case .submitting, .waiting, .open, .presumed, .relayed: false
        }
    }

    /// When the first of a row of 404s came: only a later probe can tell whether the coordinator is the same.
    public var firstForgotten: Timestamp? { trouble.forgottenAt }

    /// The gateway ends the statement before any coordinator took it.
    public mutating func onEnd(_ error: OwnError) {
        phase = .ended(error)
        counted = .nowhere
        letGo()
    }
}
