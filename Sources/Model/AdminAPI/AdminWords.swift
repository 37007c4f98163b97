import Engine
import SQL

/// Why a flip was refused (interface 5), and why a reload was.
public enum FlipGuard: String, Sendable, CaseIterable, Codable {
    /// The pool it would go to cannot take statements.
    case notHealthy = "not-healthy"
    /// The group's epoch is not the one that the operator saw.
    case epochMismatch = "epoch-mismatch"
    /// Another flip of the group is under way.
    case inProgress = "in-progress"
    /// The pool is active already.
    case alreadyActive = "already-active"
    /// There is no flip, or the newest one was a rollback.
    case nothingToRollBack = "nothing-to-roll-back"
    /// The store cannot be written, so that the flip would not be durable.
    case storeAway = "store-away"
    /// Settings changed that only a start applies; of a reload, not of a flip.
    case needsRestart = "needs-restart"

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

/// How far a pool or a coordinator is with finishing what it has.
public enum DrainState: String, Sendable, CaseIterable, Codable {
    /// It is not meant to drain.
    case none
    /// Something is still in flight or a transaction open.
    case draining
    /// Nothing is left.
    case done
    /// A crash may have lost history of what runs there.
    case unknown
}

/// How a flip moves the traffic.
public enum FlipMode: String, Sendable, CaseIterable, Codable {
    /// All of it at once.
    case now
}

extension StatementState: Codable {}
extension StatementKind: Codable {}
extension CoordinatorHealth: Codable {}
extension PoolStart: Codable {}
