import Engine

/// What was judged, retried and waited for since the start, for the metrics. Rules may come and go with the policy:
/// beyond `maximumSeries` they are counted together.
public struct RetryCounts: Equatable, Sendable {
    /// What verdicts are counted by.
    public struct Judged: Hashable, Sendable {
        /// The rule; nil: none judged.
        public var rule: String?
        /// Whose fault it was.
        public var failureClass: FailureClass
        /// What the rule asked for.
        public var action: RetryAction
        /// What forbade it.
        public var gate: RetryGate?
        /// What a verdict is counted by.
        public init(rule: String?, failureClass: FailureClass, action: RetryAction, gate: RetryGate?) {
            self.rule = rule
            self.failureClass = failureClass
            self.action = action
            self.gate = gate
        }
    }
    /// What retries are counted by.
    public struct Retried: Hashable, Sendable {
        /// The rule; nil: none judged.
        public var rule: String?
        /// Whether the statement finished.
        public var hasFinished: Bool
        /// What a retry is counted by.
        public init(rule: String?, hasFinished: Bool) {
            self.rule = rule
            self.hasFinished = hasFinished
        }
    }
    /// Waits for one reason.
    public struct Waits: Equatable, Sendable {
        /// How many.
        public var count: UInt64 = 0
        /// How long they took together, in milliseconds.
        public var milliseconds: Int64 = 0
        /// None.
        public init() {}
    }

    /// Series of one metric that rules may make.
    public static let maximumSeries = 2000
    /// What a rule is called that came when there were too many.
    public static let anotherRule = "another"

    /// Verdicts reached.
    public var verdicts: [Judged: UInt64] = [:]
    /// Attempts made again, of statements that have ended.
    public var retries: [Retried: UInt64] = [:]
    /// Waits of statements that have ended.
    public var waits: [WaitReason: Waits] = [:]

    /// No counts yet.
    public init() {}

    /// Counts a verdict.
    public mutating func add(_ verdict: Verdict) {
        var series = Judged(
            rule: verdict.rule, failureClass: verdict.failureClass, action: verdict.action, gate: verdict.gate)
        if verdicts.count >= Self.maximumSeries, verdicts[series] == nil { series.rule = Self.anotherRule }
        verdicts[series, default: 0] += 1
    }

    /// Counts what befell a statement that has ended.
    public mutating func add(ended record: StatementRecord) {
        for verdict in record.verdicts where verdict.isRetried && verdict.endsAttempt {
            var series = Retried(rule: verdict.rule, hasFinished: verdict.outcome == .finished)
            if retries.count >= Self.maximumSeries, retries[series] == nil { series.rule = Self.anotherRule }
            retries[series, default: 0] += UInt64(verdict.times)
        }
        for wait in record.waits {
            let end = wait.ended ?? record.ended ?? wait.began
            waits[wait.reason, default: Waits()].count += 1
            waits[wait.reason, default: Waits()].milliseconds += max(0, end.milliseconds - wait.began.milliseconds)
        }
    }
}
