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
    /// So many failures at least eject, if they are half of what the coordinator had. One that fails fastest draws the
    /// most, so it gets there within seconds; a handful of failures is retried elsewhere, and nobody must do without a
    /// coordinator for them.
    public static let fewest = 20
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
    private var window: Window?
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
        var current = Window(began: now, submitted: submitted, inFlight: inFlight)
        if let window, now - window.began < Self.window { current = window }
        current.failures += failures.total
        window = current
        let had = current.inFlight + Int(clamping: submitted &- current.submitted)
        guard current.failures >= Self.fewest, current.failures * 2 >= had, !isLast else { return }
        if let freed, now - freed >= Self.forgiveness { terms = 0 }
        evidence = current.failures
        until = now + min(Self.longestTerm, Self.firstTerm << min(terms, 8))
        terms += 1
        window = nil
    }

    /// Looks at the clock.
    public mutating func onTick(now: Int64) {
        if let until, now >= until { free(now: now) }
    }

    /// It may come back before its time: another process answers there, or no other is left in its pool. What was
    /// counted so far says nothing any more.
    public mutating func free(now: Int64) {
        window = nil
        guard until != nil else { return }
        until = nil
        freed = now
    }
}
