import Synchronization

/// A number of bytes that all statements, or all connections, together may hold (design 9).
public final class ByteBudget: Sendable {
    private let used = Atomic<Int>(0)

    /// Nothing is held.
    public init() {}

    /// Takes bytes if there is room under the limit.
    public func take(_ bytes: Int, limit: Int) -> Bool {
        if used.wrappingAdd(bytes, ordering: .relaxed).newValue <= limit { return true }
        used.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    /// Takes bytes whether there is room or not.
    public func add(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }

    /// Gives bytes back.
    public func giveBack(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }

    /// Bytes in use.
    public var inUse: Int { used.load(ordering: .relaxed) }
}

/// A part of a budget; it is given back when the last reference to it goes.
public final class ByteReservation: Sendable {
    private let budget: ByteBudget
    private let bytes: Int

    /// Takes bytes of the budget; nil if there is no room under the limit.
    public init?(_ bytes: Int, of budget: ByteBudget, limit: Int) {
        guard budget.take(bytes, limit: limit) else { return nil }
        self.budget = budget
        self.bytes = bytes
    }

    deinit { budget.giveBack(bytes) }
}
