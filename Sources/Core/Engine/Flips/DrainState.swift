/// How far a pool or coordinator that lost the traffic is with what it has (interface 5).
public enum DrainState: String, Sendable, CaseIterable {
    /// It has the traffic, or never had it.
    case none
    /// Something is still in flight on it, or a transaction is open.
    case draining
    /// Nothing is left.
    case done
    /// Nothing is known to be left, but a crash may have lost the record of what still runs.
    case unknown

    /// Judges from what is left.
    ///
    /// - Parameters:
    ///   - hasTraffic: whether new statements go there.
    ///   - hadTraffic: whether they once did.
    ///   - left: statements in flight and open transactions.
    ///   - isCertain: whether `left` is all that there can be.
    public init(hasTraffic: Bool, hadTraffic: Bool, left: Int, isCertain: Bool) {
        if hasTraffic || !hadTraffic {
            self = .none
        } else if left > 0 {
            self = .draining
        } else {
            self = isCertain ? .done : .unknown
        }
    }
}
