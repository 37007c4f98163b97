/// What refused a flip, by the words of the API (interface 5), or a reload.
public enum FlipGuard: String, Sendable, CaseIterable {
    /// No coordinator of the target pool takes statements.
    case notHealthy = "not-healthy"
    /// The group's epoch is not the one that the caller expected.
    case epochMismatch = "epoch-mismatch"
    /// Another flip of the group is being done.
    case inProgress = "in-progress"
    /// The pool is active already.
    case alreadyActive = "already-active"
    /// The newest flip was a rollback, or there is none.
    case nothingToRollBack = "nothing-to-roll-back"
    /// The store cannot be written.
    case storeAway = "store-away"
    /// Settings changed that only a start applies: of a reload, not of a flip.
    case needsRestart = "needs-restart"
}

/// What an operator asks of a flip.
public struct FlipOrder: Equatable, Sendable {
    /// Where the traffic shall go.
    public enum Target: Equatable, Sendable {
        /// To the pool of that name.
        case pool(String)
        /// Back to where it was before the newest flip.
        case back
    }
    /// Where to.
    public var target: Target
    /// The epoch that the group must still have; nil: any.
    public var expectedEpoch: UInt64?
    /// Whether a pool that is not healthy is good enough. No other guard can be overruled.
    public var isForced: Bool

    /// An order from its parts.
    public init(target: Target, expectedEpoch: UInt64? = nil, isForced: Bool = false) {
        self.target = target
        self.expectedEpoch = expectedEpoch
        self.isForced = isForced
    }
}

/// One line of the flip log, as far as the next flip depends on it.
public struct PastFlip: Equatable, Sendable {
    /// Its number.
    public var number: Int64
    /// The pool that it took the traffic from.
    public var from: String
    /// Whether it was a rollback.
    public var isRollback: Bool
    /// A past flip from its parts.
    public init(number: Int64, from: String, isRollback: Bool) {
        self.number = number
        self.from = from
        self.isRollback = isRollback
    }
}

/// What is known when a flip is asked for.
public struct FlipSituation: Equatable, Sendable {
    /// The routing table.
    public var table: RoutingTable
    /// The group's name.
    public var group: String
    /// The group's newest flip.
    public var newest: PastFlip?
    /// Whether another flip of the group is being done.
    public var isInProgress: Bool
    /// Whether the store can be written, as far as is known.
    public var isStoreWritable: Bool
    /// A situation from its parts.
    public init(
        table: RoutingTable, group: String, newest: PastFlip?, isInProgress: Bool = false, isStoreWritable: Bool = true
    ) {
        self.table = table
        self.group = group
        self.newest = newest
        self.isInProgress = isInProgress
        self.isStoreWritable = isStoreWritable
    }
}

/// What is to be done about a flip that was asked for.
public enum FlipDecision: Equatable, Sendable {
    /// Commit it: the group's epoch becomes `epoch`.
    case commit(from: String, to: String, epoch: UInt64, undoes: Int64?)
    /// The guard holds; the sentence says what is the case and what to do.
    case refuse(FlipGuard, String)
    /// There is no such group.
    case unknownGroup
    /// The group has no such pool.
    case unknownPool(String)

    /// Weighs an order. The first guard that holds decides: what cannot be overruled comes before health.
    public init(_ order: FlipOrder, in situation: FlipSituation) {
        guard let group = situation.table.group(situation.group) else {
            self = .unknownGroup
            return
        }
        if case .pool(let name) = order.target, group.pool(name) == nil {
            self = .unknownPool(name)
            return
        }
        if situation.isInProgress {
            self = .refuse(.inProgress, "Another flip of group \(group.name) is being done; ask again when it is.")
            return
        }
        if let expected = order.expectedEpoch, expected != group.epoch {
            let sentence = "Group \(group.name) has epoch \(group.epoch), not \(expected): it was flipped since."
            self = .refuse(.epochMismatch, sentence)
            return
        }
        let to: String
        let undoes: Int64?
        switch order.target {
        case .pool(let name):
            guard name != group.active else {
                self = .refuse(.alreadyActive, "Pool \(name) is the active pool of group \(group.name) already.")
                return
            }
            (to, undoes) = (name, nil)
        case .back:
            guard let newest = situation.newest, !newest.isRollback, newest.from != group.active else {
                let sentence =
                    situation.newest == nil
                    ? "Group \(group.name) was never flipped." : "The newest flip of group \(group.name) is a rollback."
                self = .refuse(.nothingToRollBack, sentence)
                return
            }
            guard group.pool(newest.from) != nil else {
                self = .unknownPool(newest.from)
                return
            }
            (to, undoes) = (newest.from, newest.number)
        }
        if !order.isForced, let ailment = Self.ailment(of: to, in: group, situation.table) {
            self = .refuse(.notHealthy, ailment)
            return
        }
        guard situation.isStoreWritable else {
            self = .refuse(.storeAway, "The store cannot be written, so a flip would not outlive a restart.")
            return
        }
        self = .commit(from: group.active, to: to, epoch: group.epoch + 1, undoes: undoes)
    }

    /// Why a pool could not take the traffic; nil if at least one of its coordinators takes statements.
    private static func ailment(of pool: String, in group: Group, _ table: RoutingTable) -> String? {
        let all = table.coordinators.filter { $0.group == group.name && $0.pool == pool && !$0.isRetired }
        if all.contains(where: \.isReady) { return nil }
        guard !all.isEmpty else { return "Pool \(pool) has no coordinator." }
        return "No coordinator of pool \(pool) takes statements: \(all.map(\.summary).joined(separator: ", "))."
    }
}
