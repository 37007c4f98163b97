import Synchronization

/// How many statements a coordinator has, by what is known of them. Loops raise and lower it; selection reads it.
public final class CoordinatorLoad: Sendable {
    private let queued = Atomic<Int>(0)
    private let running = Atomic<Int>(0)
    private let presumed = Atomic<Int>(0)
    private let placed = Atomic<UInt64>(0)

    /// No statements.
    public init() {}

    /// All statements in flight.
    public var total: Int {
        queued.load(ordering: .relaxed) + running.load(ordering: .relaxed) + presumed.load(ordering: .relaxed)
    }

    /// Queued, running and presumed statements.
    public var parts: (queued: Int, running: Int, presumed: Int) {
        (queued.load(ordering: .relaxed), running.load(ordering: .relaxed), presumed.load(ordering: .relaxed))
    }

    /// Attempts that were ever placed here.
    public var submitted: UInt64 { placed.load(ordering: .relaxed) }

    /// An attempt is placed here.
    func place() { placed.wrappingAdd(1, ordering: .relaxed) }

    /// A statement begins as this; one that is queued was just placed.
    func begin(as counted: Counted) {
        add(1, to: counted)
        if case .queued = counted { place() }
    }

    /// A statement counts differently from now on.
    public func move(from old: Counted, to new: Counted) {
        guard old != new else { return }
        add(-1, to: old)
        add(1, to: new)
    }

    private func add(_ amount: Int, to counted: Counted) {
        switch counted {
        case .nowhere: break
        case .queued: queued.wrappingAdd(amount, ordering: .relaxed)
        case .running: running.wrappingAdd(amount, ordering: .relaxed)
        case .presumed: presumed.wrappingAdd(amount, ordering: .relaxed)
        }
    }
}

/// How many statements wait in the gateway.
public final class WaitingCount: Sendable {
    private let count = Atomic<Int>(0)

    /// None.
    public init() {}

    /// Statements that wait.
    public var value: Int { count.load(ordering: .relaxed) }

    func add(_ amount: Int) { count.wrappingAdd(amount, ordering: .relaxed) }
}
