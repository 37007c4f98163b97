import Wire

/// What names a statement within all gateways that ever shared a store: the owner that took its POST, and a number
/// that this owner counted up (48 bits).
public struct StatementKey: Hashable, Sendable {
    /// The gateway process that took the POST.
    public var owner: Owner
    /// The statement's number there, from 1.
    public var number: UInt64

    /// A key from its parts.
    public init(owner: Owner, number: UInt64) {
        self.owner = owner
        self.number = number
    }

    /// The number alone spreads the keys: nearly all are of one owner, and every request looks one up.
    public func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

/// The states of a statement as users see them (interface 5).
public enum StatementState: String, Sendable, CaseIterable {
    /// It waits in the gateway.
    case waiting
    /// It waits in a coordinator's queue.
    case queued
    /// A coordinator runs it.
    case running
    /// Its last page was read and carried no error.
    case finished
    /// It ended with an error.
    case failed
    /// Its client canceled it.
    case canceled
    /// Its client stopped asking.
    case abandoned
    /// It may have written, and its end was not read.
    case lost

    /// Whether the statement has ended.
    public var isTerminal: Bool {
        switch self {
        case .waiting, .queued, .running: false
        case .finished, .failed, .canceled, .abandoned, .lost: true
        }
    }
}

/// The gateway's own errors, with the numbers and types of interface 5.
public enum OwnError: String, Sendable, CaseIterable {
    /// No coordinator of the pool can take the statement.
    case noCoordinator = "PENSTOCK_NO_COORDINATOR"
    /// The gateway that held the waiting statement is gone.
    case ownerLost = "PENSTOCK_OWNER_LOST"
    /// The statement may have taken effect, and its end was not read.
    case outcomeUnknown = "PENSTOCK_OUTCOME_UNKNOWN"
    /// The coordinator that ran the statement is gone, and nothing can have been written.
    case coordinatorLost = "PENSTOCK_COORDINATOR_LOST"
    /// The pool that the client named is not for this user, or does not exist.
    case poolNotAllowed = "PENSTOCK_POOL_NOT_ALLOWED"
    /// The protocol's own name for a statement that its client canceled.
    case userCanceled = "USER_CANCELED"
    /// The protocol's own name for a full queue.
    case queueFull = "QUERY_QUEUE_FULL"
    /// The protocol's own name for a transaction that nobody knows.
    case unknownTransaction = "UNKNOWN_TRANSACTION"

    /// The number in `error.errorCode`.
    public var code: Int {
        switch self {
        case .noCoordinator: 0x5000_0000
        case .ownerLost: 0x5000_0001
        case .outcomeUnknown: 0x5000_0002
        case .coordinatorLost: 0x5000_0003
        case .poolNotAllowed: 0x5000_0004
        case .userCanceled: 3
        case .queueFull: 131_074
        case .unknownTransaction: 20
        }
    }

    /// The word in `error.errorType`, one of the engine's four.
    public var type: String {
        switch self {
        case .noCoordinator, .queueFull: "INSUFFICIENT_RESOURCES"
        case .ownerLost, .outcomeUnknown, .coordinatorLost: "INTERNAL_ERROR"
        case .poolNotAllowed, .userCanceled, .unknownTransaction: "USER_ERROR"
        }
    }
}
