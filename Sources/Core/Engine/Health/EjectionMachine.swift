/// Failures of statements that count against a coordinator.
public struct FailureCount: Equatable, Sendable {
    /// Of class `unavailable`.
    public var unavailable: Int
    /// Of class `internal`, before any row.
    public var internalErrors: Int

    /// So many of each.
    public init(unavailable: Int = 0, internalErrors: Int = 0) {
        self.unavailable = unavailable
        self.internalErrors = internalErrors
    }

    /// All of them.
    public var total: Int { unavailable + internalErrors }

    /// Counts one more, if failures of its class count.
    public mutating func add(_ failureClass: FailureClass) {
        switch failureClass {
        case .unavailable: unavailable += 1
        case .internal: internalErrors += 1
        case .user, .resource, .external: break
        }
    }
}

/// Decides from the failures of statements that a coordinator takes none for a while (design 3, passive ejection):
/// the one that fails fastest has the fewest in flight, and would draw the most.
///
/// It spares the last one of a pool: a coordinator that fails much is better than none. Times are milliseconds on the
/// monotonic clock.
public struct EjectionMachine: Equatable, Sendable {
    /// For how long failures are counted together, from the first of them, in milliseconds.
    public static let window: Int64 = 30_000
    /// So many failures at least eject, if they are half of what the coordinator had.
    public static let fewest = 5
    /// So many submissions in a row that all met class `unavailable` eject, however few others there were.
    public static let inARow = 3
    /// How long the first ejection lasts, in milliseconds; each that follows lasts twice as long as the one before.
    public static let firstTerm: Int64 = 30_000
    /// No ejection lasts longer, in milliseconds.
    public static let longestTerm: Int64 = 300_000
    /// So long after it came back it counts as never ejected, in milliseconds.
    public static let forgiveness: Int64 = 600_000

    /// Until when it is ejected.
    public private(set) var until: Int64?
    /// The failures that led to the last ejection.
    public private(set) var evidence = 0

    /// Failures since the first of a window, and what there was that could fail.
    private struct Window: Equatable, Sendable {
        var began: Int64
        var submitted: UInt64
        var inFlight: Int
        var failures = 0
    }
    /// Submissions in a row that failed.
    private struct Row: Equatable, Sendable {
        var began: Int64
        var submitted: UInt64
        var failures: UInt64
    }
    private var window: Window?
    private var row: Row?
    private var terms = 0
    private var freed: Int64?

    /// A coordinator that failed nothing.
    public init() {}

    /// Statements failed there.
    ///
    /// - Parameters:
    ///   - submitted: attempts that were ever placed there, those that failed included.
    ///   - inFlight: what it has now.
    ///   - isLast: whether no other of its pool takes statements.
    public mutating func onFailures(
        _ failures: FailureCount, submitted: UInt64, inFlight: Int, isLast: Bool, now: Int64
    ) {
        guard until == nil, failures.total > 0 else { return }
        let isHalf = count(failures.total, submitted: submitted, inFlight: inFlight, now: now)
        let isRow = line(up: failures, submitted: submitted, now: now)
        guard isHalf || isRow, !isLast else { return }
        if let freed, now - freed >= Self.forgiveness { terms = 0 }
        evidence = window?.failures ?? failures.total
        until = now + min(Self.longestTerm, Self.firstTerm << min(terms, 8))
        terms += 1
        forget()
    }

    /// Looks at the clock.
    public mutating func onTick(now: Int64) {
        if let until, now >= until { free(now: now) }
    }

    /// It may come back before its time: another process answers there, or no other is left in its pool.
    public mutating func free(now: Int64) {
        forget()
        guard until != nil else { return }
        until = nil
        freed = now
    }

    /// What was counted so far says nothing any more.
    public mutating func forget() {
        window = nil
        row = nil
    }

    private mutating func count(_ failures: Int, submitted: UInt64, inFlight: Int, now: Int64) -> Bool {
        var current = Window(began: now, submitted: submitted, inFlight: inFlight)
        if let window, now - window.began < Self.window { current = window }
        current.failures += failures
        window = current
        let had = current.inFlight + Int(clamping: submitted &- current.submitted)
        return current.failures >= Self.fewest && current.failures * 2 >= had
    }

    /// Whether everything that was submitted since some failure has failed as unavailable too. A statement whose polls
    /// fail again and again counts as one.
    private mutating func line(up failures: FailureCount, submitted: UInt64, now: Int64) -> Bool {
        guard failures.internalErrors == 0 else {
            row = nil
            return false
        }
        let new = UInt64(failures.unavailable)
        guard var current = row, now - current.began < Self.window,
            submitted &- current.submitted < current.failures + new
        else {
            row = Row(began: now, submitted: submitted, failures: 1)
            return false
        }
        let since = submitted &- current.submitted
        current.failures = min(current.failures + new, since + 1)
        row = current
        return current.failures >= Self.inARow
    }
}
