import Engine
import Model

/// The words of the failure policy, for people.
extension Shown {
    /// Whose fault a failure is.
    static func fault(_ failureClass: FailureClass) -> String {
        switch failureClass {
        case .user: "the statement is at fault, or its client wanted it so"
        case .resource: "it wanted more than it was given"
        case .internal: "the engine is at fault"
        case .external: "what the engine reads from or writes to is at fault"
        case .unavailable: "the coordinator cannot take it now"
        }
    }

    /// What happened on the way.
    static func event(_ event: FailureEvent) -> String {
        switch event {
        case .refused: "nobody listens there"
        case .reset: "the connection was reset"
        case .cut: "the answer broke off"
        case .noAnswer: "no answer came in time"
        case .empty: "the answer was empty"
        case .notProtocol: "the answer is no page of the protocol"
        case .forgotten: "the coordinator has restarted and does not know it"
        case .gone: "the coordinator was away for too long"
        }
    }

    /// Why a gate was closed.
    static func gate(_ gate: RetryGate) -> String {
        switch gate {
        case .rowsLeft: "rows had left for the client"
        case .columnsDiffer: "the new attempt has other columns"
        case .started: "it may write, and it had started"
        case .transaction: "it belongs to an open transaction"
        case .sessionHeader: "a session header had left for the client"
        case .chained: "it is a retry of another gateway or engine"
        case .notDead: "it may write, and the attempt may still run"
        case .attempts: "it was tried as often as it may be"
        case .elapsed: "it has run as long as it may"
        case .budget: "the retry budget is spent"
        case .breaker: "too few of the rule's retries succeeded"
        case .noTarget: "nobody could take it"
        case .noCapsule: "its text is not kept here"
        case .tombstonesFull: "the tombstones are full"
        case .optIn: "retries.opt_in does not name the rule"
        case .modeOff: "retrying is switched off"
        case .shadow: "retrying is only watched"
        }
    }

    /// The rule of a line of the retry log.
    static func rule(_ line: RetryLine) -> String? { line.isMove ? "(moved)" : line.rule }

    /// What is done about it.
    static func action(_ action: RetryAction) -> String {
        switch action {
        case .none: "the client gets the failure as it came"
        case .same: "submitted again, to any healthy coordinator of the same pool"
        case .other: "submitted again, to another coordinator"
        case .bigger: "submitted again, to a pool that is tagged bigger; without one the client gets the failure"
        case .repeat: "the same URI is asked for again"
        }
    }

    /// How often.
    static func retries(_ retries: RetryCount) -> String {
        switch retries {
        case .limited(let number): "\(number) at most"
        case .unbounded: "as often as its time allows"
        }
    }

    /// After how long.
    static func wait(_ wait: WaitProfile) -> String {
        switch wait {
        case .now: "up to 250 ms"
        case .short: "up to 1 s, doubled each time up to 30 s"
        case .medium: "up to 10 s, doubled each time up to 60 s"
        case .long: "up to 30 s, doubled each time up to 5 min"
        case .repoll: "up to 100 ms, 100 ms more each time up to 5 s"
        case .retryAfter: "what Retry-After says, else as repoll"
        case .retryAfterElseShort: "what Retry-After says, else as S"
        }
    }
}
