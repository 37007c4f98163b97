/// The terms under which the gateway retries: what the settings say beside the policy. Milliseconds throughout.
public struct RetryTerms: Equatable, Sendable {
    /// `retries.mode`: whether retries happen; a request may ask for less.
    public var mode = RetryMode.on
    /// `retries.attempts`: runs of a statement.
    public var attempts = 5
    /// `retries.elapsed`: how long a statement's attempts may have run, waiting not counted.
    public var elapsed: Int64 = 600_000
    /// `retries.budget.share`: retries as a share of all statements in a window, 0 to 1.
    public var budgetShare = 0.2
    /// `retries.budget.floor`: retries in a window that are allowed however few the statements are.
    public var budgetFloor = 10
    /// `retries.budget.window`: the time over which both are counted.
    public var budgetWindow: Int64 = 60_000
    /// `retries.opt_in`: the rules of those that act only when named which are named.
    public var optIn: Set<String> = []
    /// `limits.wait_for_coordinator`: how long a statement waits for a coordinator that could take it.
    public var waitForCoordinator: Int64 = 300_000

    /// The defaults of the settings.
    public init() {}
}
