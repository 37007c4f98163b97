import FoundationEssentials

/// What an embedded coordinator is to do wrong, and how it behaves otherwise: the content of `--faults FILE` and of
/// `PUT /-/faults`. JSON; every key may be left out.
///
///     { "page_rows": 100, "faults": [ { "step": "executing", "page": 2, "do": "cut", "bytes": 500, "times": 1 } ] }
public struct FaultScript: Codable, Equatable, Sendable {
    /// Which of the two engines it behaves as.
    public enum Engine: String, Codable, Sendable {
        /// Trino 476.
        case trino
        /// Presto 0.296: results begin under the queued URI, the last page may carry rows, and rows beside an error.
        case presto
    }

    /// Which engine's pages, URIs and probes it has; what was submitted before keeps its own. trino.
    public var dialect: Engine?
    /// Rows of a page, at most. 100,000.
    public var pageRows: Int?
    /// Bytes of a page's rows, roughly. 1 MB, as Trino's.
    public var pageBytes: Int?
    /// Pages of state FINISHED with a nextUri that follow the rows. 1.
    public var finishedPages: Int?
    /// Whether every body is chunked, as Trino 483 does, or none; else those beyond 8 KiB, as 476 does.
    public var chunked: Bool?
    /// Workers of the cluster. 1. Without one every statement stays queued.
    public var workers: Int?
    /// After how long without workers a statement fails. 300,000 (5 min).
    public var workerWaitMs: Int64?
    /// For how long the coordinator says that it is starting, from its start or from this script on. 0.
    public var startingMs: Int64?
    /// What /v1/info/state says. ACTIVE.
    public var state: String?
    /// Statements that run at once; more stay queued. 100.
    public var running: Int?
    /// After how long without a poll a statement is abandoned. 300,000 (5 min).
    public var abandonMs: Int64?
    /// What goes wrong, in order: the first that fits a request acts.
    public var faults: [Fault]?

    /// A script that changes nothing.
    public init() {}

    /// Reads a script. Throws `DecodingError` where a value has the wrong type or a word is unknown.
    public init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(FaultScript.self, from: Data(json))
    }

    enum CodingKeys: String, CodingKey {
        case dialect
        case pageRows = "page_rows"
        case pageBytes = "page_bytes"
        case finishedPages = "finished_pages"
        case chunked, workers
        case workerWaitMs = "worker_wait_ms"
        case startingMs = "starting_ms"
        case state, running
        case abandonMs = "abandon_ms"
        case faults
    }
}

/// One fault: which requests it fits, and what it does to them.
public struct Fault: Codable, Equatable, Sendable {
    /// The request that it fits.
    public enum Step: String, Codable, Sendable {
        /// POST /v1/statement.
        case post
        /// GET or HEAD of a queued URI.
        case queued
        /// GET or HEAD of an executing URI.
        case executing
        /// DELETE of a statement.
        case delete
        /// Anything else that probes ask: /v1/info, /v1/status, /v1/cluster ...
        case info
        /// Any of them.
        case any
    }

    /// What it does.
    public enum Deed: String, Codable, Sendable {
        /// Every connection is reset and nothing listens any more, as after SIGKILL; with `for_ms` only so long.
        case die
        /// This request is never answered.
        case hang
        /// Connections are accepted and nothing is answered; with `for_ms` only so long.
        case freeze
        /// The connection closes after `bytes` of the body, or after `head_bytes` of the head; with `reset` it is reset.
        case cut
        /// The connection is reset instead of an answer.
        case reset
        /// The answer is `status`, with `headers` and `body`.
        case status
        /// The answer comes, `delay_ms` late.
        case slow
        /// The cluster has no workers from now on.
        case loseWorkers = "lose_workers"
        /// A new incarnation: statements and transactions are forgotten, ids have another suffix. With `for_ms`
        /// nothing listens so long; with `starting_ms` it says for so long that it is starting.
        case restart
        /// The statement fails with `error`: on `post` in the answer to its POST, on `queued` before it begins, on
        /// `executing` once it has given `rows` rows. `effect`, `columns`, `with_rows` and `headers` say how.
        case fail
    }

    /// The error of a statement that is to fail.
    public struct ScriptedError: Codable, Equatable, Sendable {
        /// `errorName`.
        public var name: String
        /// `errorType`: USER_ERROR, INTERNAL_ERROR, INSUFFICIENT_RESOURCES or EXTERNAL.
        public var type: String
        /// `errorCode`.
        public var code: Int
        /// `message`.
        public var message: String
        /// The messages of its causes, outermost first. None.
        public var causes: [String]?

        /// An error of these parts.
        public init(name: String, type: String, code: Int, message: String, causes: [String]? = nil) {
            self.name = name
            self.type = type
            self.code = code
            self.message = message
            self.causes = causes
        }
    }

    /// Which requests it fits.
    public var step: Step
    /// Only this token of the queued or executing URIs.
    public var page: Int?
    /// Only statements whose text contains this.
    public var sql: String?
    /// Fitting requests that pass first. 0.
    public var skip: Int?
    /// How often it acts; every time if absent.
    public var times: Int?
    /// What it does.
    public var deed: Deed
    /// Milliseconds before it acts.
    public var delayMs: Int64?
    /// For how long, in milliseconds: die, freeze, restart.
    public var forMs: Int64?
    /// For how long a restarted coordinator is starting, in milliseconds.
    public var startingMs: Int64?
    /// Bytes of the body that leave before it is cut; below 0: all but so many. 0.
    public var bytes: Int?
    /// Bytes of the head that leave before it is cut; then nothing of the body does.
    public var headBytes: Int?
    /// Whether what is cut ends with a reset, not with a close. false.
    public var reset: Bool?
    /// Whether `hang`, `reset` and `status` act on the answer only: the request itself takes its effect. false.
    public var handled: Bool?
    /// The status of `status`. 503.
    public var status: Int?
    /// Header fields of `status`; of `fail` those that the statement's executing pages carry, from the first on.
    public var headers: [String: String]?
    /// The body of `status`.
    public var body: String?
    /// Rows before `fail`. 0.
    public var rows: Int?
    /// Whether a statement that changes something has done so when it fails. false.
    public var effect: Bool?
    /// Whether a page with the columns alone comes before the failure. Where rows come, it does in any case.
    public var columns: Bool?
    /// Whether the error stands on the page of the last rows before it, as Presto can have it. false.
    public var withRows: Bool?
    /// The error of `fail`. GENERIC_INTERNAL_ERROR.
    public var error: ScriptedError?

    /// A fault that fits every request of a step.
    public init(step: Step, deed: Deed) {
        self.step = step
        self.deed = deed
    }

    enum CodingKeys: String, CodingKey {
        case step, page, sql, skip, times
        case deed = "do"
        case delayMs = "delay_ms"
        case forMs = "for_ms"
        case startingMs = "starting_ms"
        case bytes
        case headBytes = "head_bytes"
        case reset, handled, status, headers, body, rows, effect, columns
        case withRows = "with_rows"
        case error
    }

    var failure: QueryFailure {
        guard let error else {
            return QueryFailure("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", 65_536, "A scripted failure")
        }
        return QueryFailure(
            error.name, error.type, error.code, error.message,
            causes: (error.causes ?? []).map {
                QueryFailure.Cause(exception: "java.lang.RuntimeException", message: $0)
            })
    }
}
