/// What names a statement to people and engines, and where it runs: it changes only while the POST is under way.
public struct Placement: Sendable {
    /// The group.
    public var group: String
    /// The pool.
    public var pool: String
    /// The coordinator's name.
    public var coordinator: String
    /// Its registration.
    public var registration: UInt32
    /// The coordinator's incarnation when it took the statement; nil where another gateway sent it.
    public var incarnation: UInt32?
    /// When the POST was taken.
    public var submitted: Timestamp
    /// When the current attempt was sent; the same until there is a second.
    public var sent: Timestamp
    /// The engine's query id, once it answered.
    public var queryID: String
    /// The open transaction it belongs to.
    public var transaction: String?
    /// The count of the coordinator.
    public var load: CoordinatorLoad?

    /// A statement that was placed nowhere yet.
    public init(group: String, submitted: Timestamp) {
        self.group = group
        self.submitted = submitted
        sent = submitted
        pool = ""
        coordinator = ""
        registration = 0
        incarnation = nil
        queryID = ""
        transaction = nil
        load = nil
    }
}
