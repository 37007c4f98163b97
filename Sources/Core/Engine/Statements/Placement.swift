import SQL

/// What a POST tells of its statement, beside its text: who sent it, and where the selectors led it. It never changes
/// and is shared by all who speak of the statement, and by statements of which the same is told.
public final class Submission: Equatable, Sendable {
    /// The user header.
    public let user: String
    /// The source header.
    public let source: String
    /// The group that the selectors chose; empty if there is none.
    public let group: String
    /// What the text does.
    public let kind: StatementKind
    /// The pool that the client named: the statement stays in it.
    public let fixedPool: String?
    /// The open transaction that it belongs to.
    public let transaction: String?

    /// A submission from its parts.
    public init(
        user: String, source: String, group: String, kind: StatementKind, fixedPool: String? = nil,
        transaction: String? = nil
    ) {
        self.user = user
        self.source = source
        self.group = group
        self.kind = kind
        self.fixedPool = fixedPool
        self.transaction = transaction
    }

    /// Two are equal if every member is.
    public static func == (left: Submission, right: Submission) -> Bool {
        left.user == right.user && left.source == right.source && left.group == right.group && left.kind == right.kind
            && left.fixedPool == right.fixedPool && left.transaction == right.transaction
    }
}

/// Where a statement runs: what is the same for all statements of a registration, and shared by them.
public final class Place: Equatable, Sendable {
    /// The group.
    public let group: String
    /// The pool; empty where it was placed nowhere yet.
    public let pool: String
    /// The coordinator's name.
    public let coordinator: String
    /// Its registration; 0 where there is none.
    public let registration: UInt32
    /// The count of the coordinator.
    public let load: CoordinatorLoad?

    /// A place from its parts.
    public init(
        group: String, pool: String = "", coordinator: String = "", registration: UInt32 = 0,
        load: CoordinatorLoad? = nil
    ) {
        self.group = group
        self.pool = pool
        self.coordinator = coordinator
        self.registration = registration
        self.load = load
    }

    /// Two are equal if their names are.
    public static func == (left: Place, right: Place) -> Bool {
        left.group == right.group && left.pool == right.pool && left.coordinator == right.coordinator
            && left.registration == right.registration
    }
}

/// What names a statement to people and engines, and where it runs: it changes only while the POST is under way.
public struct Placement: Sendable {
    /// Where it runs.
    public var place: Place
    /// When the POST was taken.
    public var submitted: Timestamp
    /// When the current attempt was sent; the same until there is a second.
    public var sent: Timestamp
    /// The engine's query id, once it answered.
    public var queryID: String
    /// The coordinator's incarnation when it took the statement; nil where another gateway sent it.
    public var incarnation: UInt32?

    /// A statement at a place that no engine has named yet.
    public init(_ place: Place, submitted: Timestamp) {
        self.place = place
        self.submitted = submitted
        sent = submitted
        incarnation = nil
        queryID = ""
    }

    /// The group.
    public var group: String { place.group }
    /// The pool.
    public var pool: String { place.pool }
    /// The coordinator's name.
    public var coordinator: String { place.coordinator }
    /// Its registration.
    public var registration: UInt32 { place.registration }
}
