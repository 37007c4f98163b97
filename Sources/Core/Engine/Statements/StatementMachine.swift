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
    /// Facts of a page.
    public init(hasNext: Bool, runs: Bool, writes: Bool, failed: Bool) {
        self.hasNext = hasNext
        self.runs = runs
        self.writes = writes
        self.failed = failed
    }
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
        /// The POST is on its way.
        case submitting
        /// A coordinator has it.
        case open
        /// Left by an owner that is gone, or abandoned while it ran: the next poll adopts it.
        case presumed
        /// Its last page was relayed; what carries its tag is relayed, and nothing is judged.
        case relayed
        /// The gateway ended it with a page of its own.
        case ended(OwnError)
        /// Nobody polled it before it started: its tags are answered 404.
        case abandoned
    }

    /// Where it stands.
    public internal(set) var phase: Phase
    /// The current attempt, from 1.
    public internal(set) var attempt: UInt16
    /// Whether it only reads, as far as text and pages told.
    public internal(set) var reads: Bool
    /// Whether its pool runs statements in the POST.
    public internal(set) var startsOnPost: Bool
    /// Whether the current attempt has started (design 4.2).
    public var hasStarted: Bool { startedBefore || writtenPolls > 0 }
    /// The sequence of the newest tag handed out; nextUri's sequences begin at 1.
    public internal(set) var sequence: UInt32 = 0
    /// How it counts on its coordinator.
    public internal(set) var counted: Counted
    /// Exchanges of polls that are under way.
    public internal(set) var exchanges = 0
    /// When a client last asked.
    public internal(set) var lastSeen: Int64
    /// It started before any poll of this attempt came here.
    private var startedBefore: Bool
    /// Polls that were written to the coordinator, or are about to be.
    private var writtenPolls = 0
    private var unansweredSince: Int64?
    private var forgottenAt: Timestamp?
    var countedUntil: Int64?
    var phaseBeforeCancel: Phase?

    /// A statement whose POST is about to be sent.
    public init(reads: Bool, startsOnPost: Bool, now: Int64) {
        self.reads = reads
        self.startsOnPost = startsOnPost
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
        phase = .ended(.userCanceled)
        startedBefore = true
        counted = .nowhere
        lastSeen = now
    }

    // MARK: Submission

    /// An attempt is about to be sent: it counts from now on.
    /// - Parameter startsOnPost: whether the pool it goes to now runs statements in the POST; nil: as the one before.
    public mutating func onSubmit(attempt: UInt16, startsOnPost: Bool? = nil, now: Int64) {
        guard phase == .submitting else { return }
        self.attempt = attempt
        self.startsOnPost = startsOnPost ?? self.startsOnPost
        counted = .queued
        startedBefore = self.startsOnPost
        lastSeen = now
    }

    /// No coordinator took the attempt: it counts nowhere until it is submitted again.
    public mutating func onSubmissionFailed() {
        if phase == .submitting { counted = .nowhere }
    }

    // MARK: Polls

    /// What to do with a poll.
    public enum Poll: Equatable, Sendable {
        /// Send it on. `isAdopted`: this is the first that this gateway sees of the statement.
        case relay(isAdopted: Bool)
        /// An older attempt's tag: answer the current page, made on the spot.
        case superseded
        /// Answer the gateway's own last page.
        case own(OwnError)
        /// Answer 404.
        case notFound
    }

    /// A GET with a tag of this statement arrived.
    public mutating func onPoll(attempt: UInt16, sequence: UInt32, now: Int64) -> Poll {
        lastSeen = max(lastSeen, now)
        switch phase {
        case .ended(let error): return .own(error)
        case .abandoned: return .notFound
        case .relayed: return .relay(isAdopted: false)
        case .submitting, .open, .presumed: break
        }
        // The highest attempt seen in a valid tag is the current one: only an adopted statement can be surprised.
        if attempt < self.attempt { return .superseded }
        let isAdopted = phase == .presumed
        self.attempt = attempt
        self.sequence = max(self.sequence, sequence)
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
    }

    /// A page is about to leave.
    public mutating func onPage(attempt: UInt16, facts: PageFacts, now: Int64) -> Page {
        switch phase {
        case .ended(let error): return .own(error)
        case .relayed, .abandoned, .presumed:
            sequence &+= 1
            return .relay(sequence: sequence)
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        phase = .open
        unansweredSince = nil
        forgottenAt = nil
        lastSeen = max(lastSeen, now)
        if facts.writes { reads = false }
        if facts.runs, counted == .queued { counted = .running }
        if facts.hasNext {
            sequence &+= 1
        } else {
            phase = .relayed
            counted = .nowhere
        }
        return .relay(sequence: sequence)
    }

    /// What to do when a poll got no usable answer.
    public enum Unanswered: Equatable, Sendable {
        /// Answer a page without rows whose nextUri is the same URI with this sequence.
        case wait(sequence: UInt32)
        /// The statement ends here.
        case end(OwnError)
        /// The gateway had ended the statement before: answer its own last page.
        case own(OwnError)
        /// Answer the current page.
        case superseded
        /// The statement ends here, with what came.
        case relay
        /// It had ended before: relay what came, and record nothing.
        case passOn
    }

    /// A poll was refused, reset, cut short, not answered in time, or answered 429, 502, 503, 504 or nothing.
    /// - Parameter patience: how long this may go on, in milliseconds (`limits.gone`).
    public mutating func onUnanswered(attempt: UInt16, patience: Int64, now: Int64) -> Unanswered {
        switch phase {
        case .ended(let error): return .own(error)
        case .relayed, .abandoned, .presumed: return .passOn
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        let since = unansweredSince ?? now
        unansweredSince = since
        if startsOnPost || now - since >= patience { return end(lost) }
        return wait()
    }

    /// A poll was answered 404.
    /// - Parameters:
    ///   - incarnation: what `knowledge(of:)` the coordinator says.
    ///   - moment: when the 404 came, so that a later probe can be told from an earlier one.
    ///   - patience: how long this may go on without a probe that tells, in milliseconds (`limits.gone`).
    public mutating func onForgotten(
        attempt: UInt16, incarnation: Incarnation, at moment: Timestamp, patience: Int64, now: Int64
    ) -> Unanswered {
        switch phase {
        case .ended(let error): return .own(error)
        case .relayed, .abandoned, .presumed: return .passOn
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        switch incarnation {
        case .changed: return end(lost)
        case .same:
            phase = .relayed
            counted = .nowhere
            return .relay
        case .unknown:
            if forgottenAt == nil { forgottenAt = moment }
            let since = unansweredSince ?? now
            unansweredSince = since
            return now - since >= patience ? end(lost) : wait()
        }
    }

    /// Whether the gateway, not a last page, ended the statement: nothing of it is relayed any more.
    public var wasEndedHere: Bool {
        switch phase {
        case .ended, .abandoned: true
        case .submitting, .open, .presumed, .relayed: false
        }
    }

    /// When the first of a row of 404s came: only a later probe can tell whether the coordinator is the same.
    public var firstForgotten: Timestamp? { forgottenAt }

    /// A poll was answered with a status that is the coordinator's own answer, 500 above all, or with something that
    /// is no page. The outcome of a write is unknown then; a read's answer is relayed and ends it.
    public mutating func onBroken(attempt: UInt16) -> Unanswered {
        switch phase {
        case .ended(let error): return .own(error)
        case .relayed, .abandoned, .presumed: return .passOn
        case .submitting, .open: break
        }
        guard attempt == self.attempt else { return .superseded }
        if !reads && hasStarted { return end(.outcomeUnknown) }
        phase = .relayed
        counted = .nowhere
        return .relay
    }

    /// The error of a statement whose end cannot be read.
    private var lost: OwnError { !reads && hasStarted ? .outcomeUnknown : .coordinatorLost }

    private mutating func wait() -> Unanswered {
        sequence &+= 1
        return .wait(sequence: sequence)
    }

    private mutating func end(_ error: OwnError) -> Unanswered {
        phase = .ended(error)
        counted = .nowhere
        return .end(error)
    }

    /// The gateway ends the statement before any coordinator took it.
    public mutating func onEnd(_ error: OwnError) { _ = end(error) }
}
