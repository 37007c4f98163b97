/// All that is known of what a coordinator can take, put together: what it says of itself to probes, how statements
/// fared there, and since when it is back.
///
/// What probes say holds where it is worse: an ejected coordinator that turns out to be down is down. Times are
/// milliseconds on the monotonic clock.
public struct Standing: Equatable, Sendable {
    /// How long a coordinator that came back gets less than its peers, in milliseconds: its caches are cold, and as it
    /// has the fewest in flight it would get everything.
    public static let slowStart: Int64 = 30_000
    /// The share that it begins with, in percent.
    public static let firstShare: Int64 = 20

    /// What probes say.
    public private(set) var probes: HealthMachine
    /// How statements fared there.
    public private(set) var ejection = EjectionMachine()
    /// Whether they wanted for workers.
    public private(set) var condemnation = CondemnationMachine()
    /// What it can take.
    public private(set) var health = CoordinatorHealth.unknown
    /// Raised each time that its health leaves `ready`.
    public private(set) var episode: UInt32 = 0
    /// How much it gets of what would come to it, in percent: less than 100 for a while after it came back.
    public private(set) var share = 100
    private var wasReady = false
    private var returned: Int64?

    /// A coordinator of which nothing is known but what the machine knows.
    public init(_ probes: HealthMachine) { self.probes = probes }

    /// How many statements may wait in its queue; nil: any number. While it is set, a statement that leaves the queue
    /// is news.
    public var capacity: Int? {
        switch condemnation.state {
        case .free: nil
        case .condemned: 0
        case .onTrial: 1
        }
    }

    /// Other settings of probes hold from now on.
    public mutating func adopt(fall: Int, rise: Int) {
        probes.fall = fall
        probes.rise = rise
    }

    /// Takes what a probe brought.
    /// - Parameter asked: when the probe was sent.
    public mutating func onProbe(_ result: ProbeResult, asked: Timestamp, now: Int64) -> HealthChange {
        let change = probes.onProbe(result, asked: asked)
        if change.isRestart { startAnew(now: now) }
        if case .answered(let answer) = result, case .told = answer.workers { condemnation.free() }
        settle(now: now)
        return change
    }

    /// Takes the suffix of a query id that was handed out just now.
    public mutating func onSuffix(_ suffix: String, now: Int64) -> HealthChange {
        let change = probes.onSuffix(suffix)
        if change.isRestart { startAnew(now: now) }
        settle(now: now)
        return change
    }

    /// Statements failed there. While it is away that is no news.
    ///
    /// - Parameters:
    ///   - submitted: attempts that were ever placed there.
    ///   - inFlight: what it has now.
    ///   - isLast: whether no other of its pool takes statements.
    public mutating func onFailures(
        _ failures: FailureCount, submitted: UInt64, inFlight: Int, isLast: Bool, now: Int64
    ) {
        settle(now: now)
        guard health == .ready else { return }
        ejection.onFailures(failures, submitted: submitted, inFlight: inFlight, isLast: isLast, now: now)
        settle(now: now)
    }

    /// A statement failed there for want of workers.
    public mutating func onTooFewWorkers(now: Int64) {
        if !probes.onTooFewWorkers() { condemnation.onTooFewWorkers(now: now) }
        settle(now: now)
    }

    /// A statement left its queue.
    public mutating func onLeftQueue(now: Int64) {
        guard condemnation.state != .free else { return }
        condemnation.onLeftQueue()
        if health == .ready { returned = now }
        settle(now: now)
    }

    /// No other coordinator of its pool takes statements: an ejection ends.
    public mutating func pardon(now: Int64) {
        ejection.free(now: now)
        settle(now: now)
    }

    /// Looks at the clock.
    public mutating func onTick(now: Int64) { settle(now: now) }

    /// Another process answers there: what statements met was the earlier one's.
    private mutating func startAnew(now: Int64) {
        ejection.free(now: now)
        condemnation.free()
    }

    private mutating func settle(now: Int64) {
        // What it says of itself explains what failed there: once it is well again, it begins with a clean slate.
        if probes.health != .ready { ejection.free(now: now) }
        ejection.onTick(now: now)
        condemnation.onTick(now: now)
        let next = judged
        if next != health {
            if health == .ready {
                episode &+= 1
                returned = nil
            } else if next == .ready {
                if wasReady { returned = now }
                wasReady = true
            }
            health = next
        }
        share = returned.map { Self.share(after: now - $0) } ?? 100
        if share == 100 { returned = nil }
    }

    private var judged: CoordinatorHealth {
        if probes.health != .ready { return probes.health }
        if case .condemned = condemnation.state { return .noWorkers }
        return ejection.until == nil ? .ready : .ejected
    }

    /// In steps of ten, so that it is not news at every moment.
    private static func share(after milliseconds: Int64) -> Int {
        let grown = firstShare + (100 - firstShare) * max(0, milliseconds) / slowStart
        return Int(min(100, grown / 10 * 10))
    }

    // MARK: Reasons

    /// Why it is not ready, or takes less than it could; nil: it takes everything, or nothing is known of it.
    public var reason: HealthReason? {
        switch health {
        case .unknown: nil
        case .ejected: .failures(ejection.evidence)
        case .noWorkers: probes.health == .noWorkers ? probes.reason : .tooFewWorkers
        case .starting, .shuttingDown, .down: probes.reason
        case .ready: capacity == nil ? (share < 100 ? .isBack(share) : nil) : .onTrial
        }
    }

    /// Until when that lasts, where the clock decides.
    public var until: Int64? {
        switch health {
        case .ejected: return ejection.until
        case .noWorkers:
            if case .condemned(let until) = condemnation.state, probes.health == .ready { return until }
            return nil
        case .ready: return capacity == nil ? returned.map { $0 + Self.slowStart } : nil
        case .unknown, .starting, .shuttingDown, .down: return nil
        }
    }
}

/// Why a coordinator takes nothing, or less than it could, for people.
public enum HealthReason: Equatable, Sendable {
    /// Nobody answers its probes.
    case silent
    /// Its probes are answered with this status, or with what is no answer to them.
    case unwell(status: Int)
    /// It says that it is starting.
    case starts
    /// It says that this is its state.
    case state(String)
    /// It says that it has no workers.
    case noWorkers
    /// A statement failed there for want of workers.
    case tooFewWorkers
    /// So many statements failed there.
    case failures(Int)
    /// After a failure for want of workers it takes one statement at a time, until one leaves its queue.
    case onTrial
    /// It came back a short while ago and gets this much of what would come to it, in percent.
    case isBack(Int)

    /// The reason as a half sentence.
    public var text: String {
        switch self {
        case .silent: "nobody answers its probes"
        case .unwell(let status): "its probes are answered with \(status)"
        case .starts: "it says that it is starting"
        case .state(let state): "it says that its state is \(state)"
        case .noWorkers: "it says that it has no workers"
        case .tooFewWorkers: "a statement failed there for want of workers"
        case .failures(let count): "\(count) statements failed there within \(EjectionMachine.window / 1000) s"
        case .onTrial:
            "after a failure for want of workers one statement at a time is let through, until one leaves its queue"
        case .isBack(let share): "it came back a short while ago and gets \(share) % of what would come to it"
        }
    }
}
