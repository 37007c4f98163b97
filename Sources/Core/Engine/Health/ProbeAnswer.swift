/// What one probe of a coordinator brought.
public enum ProbeResult: Equatable, Sendable {
    /// It answered 200.
    case answered(ProbeAnswer)
    /// It answered with another status.
    case unwell(status: Int)
    /// It gave no answer in time, or nobody listens there.
    case silent
}

/// What a coordinator says of itself, taken from /v1/info, /v1/info/state and the endpoint that counts workers.
///
/// A server of another make may say less: what it leaves out does not count against it.
public struct ProbeAnswer: Equatable, Sendable {
    /// `starting` of /v1/info; while it is true, statements are taken and fail (measured on both engines).
    public var isStarting: Bool
    /// Its node state: `ACTIVE`, `INACTIVE`, `SHUTTING_DOWN`, ...
    public var state: Told<String>
    /// The number of its active workers.
    public var workers: Told<Int>
    /// How long it has run, with what its text leaves open.
    public var uptime: Uptime?
    /// What every query id of this incarnation ends with (Trino from 477 on).
    public var coordinatorID: String?
    /// `nodeVersion.version`.
    public var version: String?

    /// An answer from its parts; of a server that only answers 200, none.
    public init(
        isStarting: Bool = false, state: Told<String> = .untold, workers: Told<Int> = .untold, uptime: Uptime? = nil,
        coordinatorID: String? = nil, version: String? = nil
    ) {
        self.isStarting = isStarting
        self.state = state
        self.workers = workers
        self.uptime = uptime
        self.coordinatorID = coordinatorID
        self.version = version
    }
}

/// One fact of a `ProbeAnswer`.
public enum Told<Value: Equatable & Sendable>: Equatable, Sendable {
    /// The coordinator says so.
    case told(Value)
    /// It has no endpoint that tells, or does not let the gateway ask.
    case untold
    /// The endpoint gave no answer this time: what it said last still holds.
    case unanswered
}

/// How long a server has run, as /v1/info writes it: `33.06s`, `7.80m`. The text has two decimals of its unit, so the
/// truth lies within `rounding` of `milliseconds`.
public struct Uptime: Equatable, Sendable {
    /// The value as written.
    public var milliseconds: Int64
    /// A hundredth of the unit, at least 1 ms.
    public var rounding: Int64

    /// An uptime from its parts.
    public init(milliseconds: Int64, rounding: Int64) {
        self.milliseconds = milliseconds
        self.rounding = rounding
    }

    /// Reads a number and one of the units ns, us, ms, s, m, h, d; nil for anything else and beyond 10,000 years.
    public init?(_ text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let milliseconds: Double
        switch text[number.endIndex...] {
        case "ns": milliseconds = 0.000_001
        case "us": milliseconds = 0.001
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        default: return nil
        }
        guard let value = Double(number), value * milliseconds < 3.2e14 else { return nil }
        self.milliseconds = Int64((value * milliseconds).rounded())
        rounding = max(1, Int64(milliseconds / 100))
    }
}
