/// Decides from probes what a coordinator can take, and notices when another incarnation answers (design 3, Health).
///
/// What a coordinator says of itself (starting, leaving, no workers) holds at once; silence only after `fall` probes,
/// so that one slow answer ejects nobody; after any of these it takes `rise` good answers to be ready again. The first
/// good answer of a coordinator of which nothing is known makes it ready.
public struct HealthMachine: Equatable, Sendable {
    /// Failed probes in a row that make it down.
    public var fall: Int
    /// Good probes in a row that make it ready again.
    public var rise: Int
    /// What it can take.
    public private(set) var health = CoordinatorHealth.unknown
    /// The number of its workers, where it tells.
    public private(set) var workers: Int?
    /// The version of its last answer.
    public private(set) var version: String?
    /// How many restarts were noticed.
    public private(set) var incarnation: UInt32 = 0
    /// No earlier than this did the present incarnation start, as far as its uptime tells.
    public private(set) var startedAfter: Timestamp?
    /// When the last answered probe was sent: what is known of the incarnation is as old as this.
    public private(set) var checked: Timestamp?
    /// What the query ids of this incarnation end with, once known.
    public private(set) var idSuffix: String?

    private var failed = 0
    private var good = 0
    /// The status of the last failed probe that was answered.
    private var status: Int?
    private var state: String?
    private var uptime: Uptime?
    private var coordinatorID: String?
    /// Suffixes of earlier incarnations, so that a late report of one is not taken for a restart.
    private var formerSuffixes: [String] = []

    /// A coordinator of which nothing is known but the suffixes of ids that it handed out before, newest last.
    /// - Precondition: `fall` and `rise` are at least 1.
    public init(fall: Int, rise: Int, knownSuffixes: [String] = []) {
        precondition(fall >= 1 && rise >= 1)
        self.fall = fall
        self.rise = rise
        idSuffix = knownSuffixes.last
        formerSuffixes = knownSuffixes.dropLast()
    }

    /// Takes what a probe brought.
    ///
    /// - Parameters:
    ///   - asked: when the probe was sent. Uptime is measured after that, so a start computed from it is no later
    ///     than the true one.
    public mutating func onProbe(_ result: ProbeResult, asked: Timestamp) -> HealthChange {
        let before = self
        switch result {
        case .silent:
            status = nil
            fail()
        case .unwell(let status):
            self.status = status
            fail()
        case .answered(let answer):
            failed = 0
            checked = asked
            version = answer.version ?? version
            noteIncarnation(answer, asked: asked)
            if case .told(let told) = answer.state { state = told }
            if answer.state == .untold { state = nil }
            if case .told(let told) = answer.workers { workers = told }
            if answer.workers == .untold { workers = nil }
            judge(isStarting: answer.isStarting)
        }
        return HealthChange(from: before, to: self)
    }

    /// Takes the suffix of a query id that was handed out just now.
    ///
    /// Another suffix than the last is another incarnation, unless the coordinator publishes its suffix itself: then
    /// its own word counts, and `isDoubtful` asks for a probe.
    public mutating func onSuffix(_ suffix: String) -> HealthChange {
        let before = self
        guard suffix != idSuffix, suffix.utf8.count == 5, !formerSuffixes.contains(suffix) else {
            return HealthChange(from: before, to: self)
        }
        if coordinatorID != nil {
            var change = HealthChange(from: before, to: self)
            change.isDoubtful = true
            return change
        }
        if idSuffix != nil { restart() }
        idSuffix = suffix
        return HealthChange(from: before, to: self)
    }

    /// A statement failed for want of workers. Where the coordinator tells how many it has, that is its newest word:
    /// it has none until a probe says otherwise.
    /// - Returns: whether it tells.
    public mutating func onTooFewWorkers() -> Bool {
        guard workers != nil else { return false }
        workers = 0
        good = 0
        if health == .ready { health = .noWorkers }
        return true
    }

    /// Whether it takes statements although probes fail, because they were not enough yet to say that it is down: then
    /// the next ones come sooner.
    public var isInDoubt: Bool { health == .ready && failed > 0 }

    /// Why it is not ready; nil: it is, or nothing is known.
    var reason: HealthReason? {
        switch health {
        case .unknown, .ready, .ejected: nil
        case .starting: .starts
        case .shuttingDown: .state(state ?? "")
        case .noWorkers: .noWorkers
        case .down: status.map { .unwell(status: $0) } ?? .silent
        }
    }

    private mutating func fail() {
        good = 0
        failed = min(failed + 1, fall)
        if failed == fall { health = .down }
    }

    private mutating func judge(isStarting: Bool) {
        if isStarting {
            health = .starting
        } else if isLeaving {
            health = .shuttingDown
        } else if workers == 0 {
            health = .noWorkers
        } else {
            good = min(good + 1, rise)
            if health == .unknown || good == rise { health = .ready }
            return
        }
        good = 0
    }

    /// Whether its state says that it wants no new statements. Presto goes on taking them then.
    private var isLeaving: Bool {
        guard let state else { return false }
        return ["INACTIVE", "SHUTTING_DOWN", "DRAINING", "DRAINED"].contains(state)
    }

    private mutating func noteIncarnation(_ answer: ProbeAnswer, asked: Timestamp) {
        if let known = coordinatorID, let told = answer.coordinatorID {
            if known != told { restart() }
        } else if let last = uptime, let now = answer.uptime,
            now.milliseconds + now.rounding < last.milliseconds - last.rounding
        {
            restart()
        }
        if let told = answer.coordinatorID {
            coordinatorID = told
            if told != idSuffix { retireSuffix() }
            idSuffix = told
        }
        guard let told = answer.uptime else { return }
        uptime = told
        let start = asked.adding(milliseconds: -told.milliseconds - told.rounding)
        startedAfter = startedAfter.map { max($0, start) } ?? start
    }

    /// Another process answers: what was known of the earlier one goes.
    private mutating func restart() {
        incarnation += 1
        retireSuffix()
        coordinatorID = nil
        uptime = nil
        startedAfter = nil
        state = nil
        workers = nil
    }

    private mutating func retireSuffix() {
        if let idSuffix { formerSuffixes = Array((formerSuffixes + [idSuffix]).suffix(8)) }
        idSuffix = nil
    }
}

/// What a probe or an id changed.
public struct HealthChange: Equatable, Sendable {
    /// The health before.
    public var from: CoordinatorHealth
    /// The health after.
    public var to: CoordinatorHealth
    /// Whether another incarnation answers.
    public var isRestart: Bool
    /// A suffix that was not known, to be stored with the registration.
    public var suffix: String?
    /// Whether what was seen contradicts what the coordinator said last: it is to be probed now.
    public var isDoubtful: Bool

    /// A change from its parts.
    public init(
        from: CoordinatorHealth, to: CoordinatorHealth, isRestart: Bool = false, suffix: String? = nil,
        isDoubtful: Bool = false
    ) {
        self.from = from
        self.to = to
        self.isRestart = isRestart
        self.suffix = suffix
        self.isDoubtful = isDoubtful
    }

    init(from before: HealthMachine, to after: HealthMachine) {
        self.init(
            from: before.health, to: after.health, isRestart: before.incarnation != after.incarnation,
            suffix: after.idSuffix == before.idSuffix ? nil : after.idSuffix)
    }
}
