/// How many retries are allowed: a share of all statements of a window, with a floor, so that retries cannot become the
/// load that keeps a cluster down.
///
/// Time is monotonic milliseconds. The window is kept in slices, so that it costs the same however much happens.
public struct RetryBudget: Equatable, Sendable {
    private struct Slice: Equatable {
        var number: Int64 = -1
        var statements = 0
        var retries = 0
    }

    private var slices = [Slice](repeating: Slice(), count: RetryBudget.sliceCount)
    private var lastRelease: Int64 = .min

    /// The window's slices.
    static let sliceCount = 60
    /// What is unavailable is released at this pace while the budget is spent, in milliseconds: ten a second.
    public static let pace: Int64 = 100

    /// Nothing has happened yet.
    public init() {}

    /// A statement was submitted by a client.
    public mutating func onStatement(window: Int64, now: Int64) {
        slices[slot(window: window, now: now)].statements += 1
    }

    /// Takes one retry out of the budget; false when it is spent.
    public mutating func take(_ terms: RetryTerms, now: Int64) -> Bool {
        guard left(terms, now: now) > 0 else { return false }
        slices[slot(window: terms.budgetWindow, now: now)].retries += 1
        return true
    }

    /// Releases one that waited for the budget: when there is some again, else at the pace.
    public mutating func release(_ terms: RetryTerms, now: Int64) -> Bool {
        if take(terms, now: now) { return true }
        guard lastRelease == .min || now - lastRelease >= Self.pace else { return false }
        lastRelease = now
        return true
    }

    /// Retries that the window allows.
    public func limit(_ terms: RetryTerms, now: Int64) -> Int {
        let share = Double(current(terms, now: now).statements) * terms.budgetShare
        return max(terms.budgetFloor, Int(share.rounded(.down)))
    }

    /// Retries that are left.
    public func left(_ terms: RetryTerms, now: Int64) -> Int {
        max(0, limit(terms, now: now) - current(terms, now: now).retries)
    }

    private func current(_ terms: RetryTerms, now: Int64) -> (statements: Int, retries: Int) {
        let newest = number(window: terms.budgetWindow, now: now)
        var sum = (statements: 0, retries: 0)
        for slice in slices where slice.number > newest - Int64(Self.sliceCount) && slice.number <= newest {
            sum.statements += slice.statements
            sum.retries += slice.retries
        }
        return sum
    }

    private func number(window: Int64, now: Int64) -> Int64 { now / max(1, window / Int64(Self.sliceCount)) }

    private mutating func slot(window: Int64, now: Int64) -> Int {
        let number = number(window: window, now: now)
        let index = Int(number % Int64(Self.sliceCount))
        if slices[index].number != number { slices[index] = Slice(number: number) }
        return index
    }
}

/// Stops the retries of rules whose retries do not help. It counts how retries ended, not how often a rule was met:
/// it opens when fewer than 30 % of the last 50 succeeded, and lets one through from time to time to see.
public struct RetryBreaker: Equatable, Sendable {
    private struct Results: Equatable {
        /// The newest last.
        var succeeded: [Bool] = []
        var newest: Int64 = 0
        var lastTrial: Int64 = .min
    }

    private var rules: [String: Results] = [:]

    /// Retries that it looks at.
    public static let sample = 50
    /// The least of them that must have succeeded.
    public static let successes = 15
    /// One retry in so many milliseconds passes an open breaker.
    public static let trial: Int64 = 10_000
    /// Without a result for so many milliseconds it forgets what it knew of a rule.
    public static let memory: Int64 = 600_000

    /// All closed.
    public init() {}

    /// A retry that the rule had asked for has ended.
    public mutating func onResult(_ rule: String, succeeded: Bool, now: Int64) {
        var results = rules[rule] ?? Results()
        if now - results.newest >= Self.memory { results = Results() }
        results.succeeded.append(succeeded)
        if results.succeeded.count > Self.sample { results.succeeded.removeFirst() }
        results.newest = now
        rules[rule] = results
    }

    /// Whether the rule's retries are stopped.
    public func isOpen(_ rule: String, now: Int64) -> Bool {
        guard let results = rules[rule], now - results.newest < Self.memory else { return false }
        return results.succeeded.count >= Self.sample
            && results.succeeded.count(where: { $0 }) < Self.successes
    }

    /// Whether a retry of the rule may go on; an open breaker lets a trial through.
    public mutating func allows(_ rule: String, now: Int64) -> Bool {
        guard isOpen(rule, now: now), var results = rules[rule] else { return true }
        guard results.lastTrial == .min || now - results.lastTrial >= Self.trial else { return false }
        results.lastTrial = now
        rules[rule] = results
        return true
    }

    /// The rules whose retries are stopped, in order.
    public func open(now: Int64) -> [String] { rules.keys.filter { isOpen($0, now: now) }.sorted() }
}
