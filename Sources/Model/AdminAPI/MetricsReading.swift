import Engine

/// What a scrape reads: one moment's counts, which Telemetry writes as text.
public struct MetricsReading: Equatable, Sendable {
    /// The gateway's version.
    public var version: String
    /// When it started.
    public var started: Timestamp
    /// Whether it serves clients.
    public var isReady: Bool
    /// The data plane's counters.
    public var counters: RelayCounters
    /// The groups, with health and counts of each coordinator.
    public var groups: [GroupBody]
    /// Statements that ended since the start, by state.
    public var ended: [StatementState: UInt64]
    /// What was judged, retried and waited for since the start.
    public var retries: RetryCounts
    /// What retrying has at hand.
    public var retryState: RetryState
    /// Flips committed since the start, by group.
    public var flips: [String: UInt64]
    /// Flips refused since the start, by guard.
    public var refusedFlips: [FlipGuard: UInt64]
    /// History records dropped since the start because the store did not keep up.
    public var droppedRecords: UInt64
    /// How the store is.
    public var store: StorageCondition

    /// A reading without counts yet.
    public init(version: String, started: Timestamp, isReady: Bool, groups: [GroupBody], store: StorageCondition) {
        self.version = version
        self.started = started
        self.isReady = isReady
        self.groups = groups
        self.store = store
        counters = RelayCounters()
        ended = [:]
        retries = RetryCounts()
        retryState = RetryState()
        flips = [:]
        refusedFlips = [:]
        droppedRecords = 0
    }
}
