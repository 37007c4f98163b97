/// Decides how long a coordinator takes nothing after it failed a statement for want of workers, where no endpoint
/// tells how many it has (design 3, Health): some time, then one statement at a time until one leaves the queue.
///
/// Times are milliseconds on the monotonic clock.
public struct CondemnationMachine: Equatable, Sendable {
    /// How long the first condemnation lasts, in milliseconds; each that follows a failed trial lasts twice as long.
    public static let firstTerm: Int64 = 30_000
    /// No condemnation lasts longer, in milliseconds.
    public static let longestTerm: Int64 = 300_000

    /// What is known of its workers.
    public enum State: Equatable, Sendable {
        /// Nothing is said against it.
        case free
        /// It takes nothing.
        case condemned(until: Int64)
        /// It takes one statement at a time.
        case onTrial
    }
    /// What is known of its workers.
    public private(set) var state = State.free
    private var terms = 0

    /// A coordinator of which nothing is said.
    public init() {}

    /// A statement failed there for want of workers. Statements that waited together fail together: what comes while
    /// it takes nothing is no news.
    public mutating func onTooFewWorkers(now: Int64) {
        switch state {
        case .free: terms = 1
        case .condemned: break
        case .onTrial: terms += 1
        }
        let term = min(Self.longestTerm, Self.firstTerm << min(terms - 1, 8))
        state = .condemned(until: now + term)
    }

    /// A statement left its queue: it has workers.
    public mutating func onLeftQueue() { free() }

    /// Looks at the clock.
    public mutating func onTick(now: Int64) {
        if case .condemned(let until) = state, now >= until { state = .onTrial }
    }

    /// Nothing is said against it any more: another process answers there, or it tells how many workers it has.
    public mutating func free() {
        state = .free
        terms = 0
    }
}
