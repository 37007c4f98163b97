import Engine
import SQL

extension FlipGuard: Codable {
    /// The guard in words.
    public var title: String {
        switch self {
        case .notHealthy: "The pool is not healthy"
        case .epochMismatch: "The epoch is another one"
        case .inProgress: "A flip is in progress"
        case .alreadyActive: "The pool is active already"
        case .nothingToRollBack: "There is nothing to roll back"
        case .storeAway: "The store cannot be written"
        case .needsRestart: "A restart is needed"
        }
    }
}

/// How a flip moves the traffic.
public enum FlipMode: String, Sendable, AdminWord {
    /// All of it at once.
    case now
}

extension DrainState: Codable {}
extension StatementState: Codable {}
extension StatementKind: Codable {}
extension CoordinatorHealth: Codable {}
extension PoolStart: Codable {}
