import Engine
import Patterns

/// An error of a modelled coordinator: one for each way in which the shipped policy treats errors.
enum ModelError: String, CaseIterable {
    case queueFull = "QUERY_QUEUE_FULL"
    case startingUp = "SERVER_STARTING_UP"
    case noWorkers = "GENERIC_INSUFFICIENT_RESOURCES"
    case workerLost = "REMOTE_TASK_MISMATCH"
    case outOfMemory = "CLUSTER_OUT_OF_MEMORY"
    case tooSmall = "EXCEEDED_LOCAL_MEMORY_LIMIT"
    case throttled = "HIVE_FILESYSTEM_ERROR"
    case conflict = "ICEBERG_COMMIT_ERROR"
    case unknownCommit = "HIVE_METASTORE_ERROR"
    case shuttingDown = "SERVER_SHUTTING_DOWN"
    case noSuchTable = "TABLE_NOT_FOUND"
    case syntax = "SYNTAX_ERROR"
    case canceled = "USER_CANCELED"

    var type: ErrorType {
        switch self {
        case .queueFull, .noWorkers, .outOfMemory, .tooSmall: .insufficientResources
        case .startingUp, .workerLost, .shuttingDown: .internalError
        case .throttled, .conflict, .unknownCommit: .external
        case .noSuchTable, .syntax, .canceled: .userError
        }
    }

    var message: String {
        switch self {
        case .noWorkers: "Insufficient active worker nodes. Waited 5.00m for at least 1 workers, but only 0 are active"
        case .throttled: "Please reduce your request rate"
        case .conflict: "Failed to commit"
        case .unknownCommit: "Cannot determine whether the commit was successful"
        case .queueFull, .startingUp, .workerLost, .outOfMemory, .tooSmall, .shuttingDown, .noSuchTable, .syntax,
            .canceled:
            "It went wrong"
        }
    }

    /// The engines raise it before they dispatch a statement: nothing of it has run.
    var isBeforeDispatch: Bool {
        switch self {
        case .queueFull, .startingUp, .noWorkers: true
        case .workerLost, .outOfMemory, .tooSmall, .throttled, .conflict, .unknownCommit, .shuttingDown, .noSuchTable,
            .syntax, .canceled:
            false
        }
    }

    /// Mostly one that is worth a retry.
    static func any(using random: inout SeededGenerator) -> ModelError {
        let all =
            Bool.random(using: &random) ? allCases : [.queueFull, .noWorkers, .workerLost, .outOfMemory, .throttled]
        return all.randomElement(using: &random) ?? .workerLost
    }

    func failure(_ step: FailureStep) -> Failure {
        Failure(step: step, errorName: rawValue, errorType: type.rawValue, message: message)
    }
}

/// Rules of the shipped policy, by the same ids: each action, each bound, each wait, and all that are about the way.
enum ModelPolicy {
    static let shipped = Policy(errors + way)

    private static let errors = [
        error("G00", nil, .external, .none, match: "Cannot determine whether the commit was successful"),
        error("U02", .noSuchTable, .user, .none),
        error("U06", .canceled, .user, .none),
        error("U99", .syntax, .user, .none),
        error("R01", .outOfMemory, .resource, .other, .limited(2), .long),
        error("R02", .tooSmall, .resource, .bigger, .limited(1), .now),
        error("R04", .queueFull, .unavailable, .other, .limited(4), .medium),
        error("R05", .noWorkers, .unavailable, .other, .limited(3), .now),
        error("X02", .throttled, .external, .same, .limited(3), .long),
        error("X12", .conflict, .external, .same, .limited(3), .short, isOptIn: true),
        error("I05", .workerLost, .internal, .other, .limited(2), .medium),
        error("I09", .shuttingDown, .unavailable, .other, .limited(3), .now),
        error("I10", .startingUp, .unavailable, .other, .unbounded, .medium),
    ]

    private static let way = [
        event("H01", .submit, [.event(.refused)], .unavailable, .other, .unbounded, .now),
        event(
            "H02", .submit, [.event(.reset), .event(.cut), .event(.noAnswer), .event(.empty)], .unavailable, .other,
            .unbounded, .now),
        event(
            "H03", .submit, [.status(429), .status(502), .status(503), .status(504)], .unavailable, .other, .unbounded,
            .retryAfterElseShort),
        event("H04", .submit, [.event(.notProtocol)], .internal, .other, .limited(1), .now),
        event("H05", .poll, [.status(429)], .unavailable, .repeat, .unbounded, .retryAfter),
        event(
            "H06", .poll,
            [
                .event(.refused), .event(.reset), .event(.cut), .event(.noAnswer), .event(.empty), .status(502),
                .status(503), .status(504),
            ], .unavailable, .repeat, .unbounded, .repoll),
        event("H07", .poll, [.event(.forgotten)], .unavailable, .other, .limited(2), .now),
        event("H08", .poll, [.event(.gone)], .unavailable, .other, .limited(2), .now),
        event("H09", .submit, [.status(401), .status(403)], .user, .none, .limited(0), nil),
        event(
            "H10", nil, [.status(400), .status(404), .status(405), .status(410)], .user, .none, .limited(0), nil),
        event("H11", nil, [.status(500), .anyStatus], .internal, .other, .limited(1), .medium),
        event("H12", .poll, [.event(.notProtocol)], .internal, .other, .limited(1), .now),
    ]

    private static func error(
        _ id: String, _ error: ModelError?, _ failureClass: FailureClass, _ action: RetryAction,
        _ retries: RetryCount = .limited(0), _ wait: WaitProfile? = nil, match: String? = nil, isOptIn: Bool = false
    ) -> Rule {
        var rule = Rule(id: id, failureClass: failureClass, action: action)
        rule.names = error.map { [$0.rawValue] } ?? []
        rule.match = match.flatMap { try? Pattern($0) }
        rule.retries = retries
        rule.wait = wait
        rule.optIn = isOptIn
        return rule
    }

    private static func event(
        _ id: String, _ step: FailureStep?, _ occurrences: [Rule.Occurrence], _ failureClass: FailureClass,
        _ action: RetryAction, _ retries: RetryCount, _ wait: WaitProfile?
    ) -> Rule {
        var rule = Rule(id: id, failureClass: failureClass, action: action)
        rule.step = step
        rule.occurrences = occurrences
        rule.retries = retries
        rule.wait = wait
        return rule
    }
}
