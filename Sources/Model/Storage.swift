import Engine
import SQL
import Wire

/// Why the store could not do its work. Callers switch on it; the text is for the log and the status.
public enum StorageProblem: Error, Equatable, Sendable {
    /// The store cannot be written: full or read-only disk, missing folder, lost server.
    case away(String)
    /// A flip was asked for with an epoch that the group no longer has.
    case epochMismatch(actual: UInt64)
    /// A name is taken already.
    case duplicate(String)
    /// Nothing of that name or number is there.
    case unknown(String)
    /// What was read makes no sense: a damaged file or a newer version's.
    case damaged(String)
}

/// What is known of a group beyond its settings.
public struct StoredGroup: Equatable, Sendable {
    /// The group's name.
    public var name: String
    /// The active pool.
    public var active: String
    /// Raised by each flip.
    public var epoch: UInt64
    /// The pool that a rollback left, if the newest flip was a rollback.
    public var rolledBack: String?
    /// A group's stored state.
    public init(name: String, active: String, epoch: UInt64, rolledBack: String? = nil) {
        self.name = name
        self.active = active
        self.epoch = epoch
        self.rolledBack = rolledBack
    }
}

/// A coordinator as the store knows it.
public struct StoredRegistration: Equatable, Sendable {
    /// Where a registration comes from.
    public enum Origin: String, Sendable {
        /// The settings file named it.
        case settings
        /// It was added by API.
        case api
    }
    /// Never reused.
    public var number: UInt32
    /// The coordinator's name.
    public var name: String
    /// Its group.
    public var group: String
    /// Its pool.
    public var pool: String
    /// Its base URL.
    public var url: String
    /// Where it comes from.
    public var origin: Origin
    /// Drained by an operator.
    public var isDrained: Bool
    /// When it was replaced or removed; nil while it takes statements.
    public var retired: Timestamp?
    /// Suffixes of query ids that its incarnations handed out, newest last, at most 8.
    public var idSuffixes: [String]
    /// A registration from its parts.
    public init(
        number: UInt32, name: String, group: String, pool: String, url: String, origin: Origin,
        isDrained: Bool = false, retired: Timestamp? = nil, idSuffixes: [String] = []
    ) {
        self.number = number
        self.name = name
        self.group = group
        self.pool = pool
        self.url = url
        self.origin = origin
        self.isDrained = isDrained
        self.retired = retired
        self.idSuffixes = idSuffixes
    }
}

/// A pool that was seen to run statements in the POST, although its settings say otherwise (design 4.2).
public struct StoredPoolStart: Equatable, Sendable {
    /// The pool's group.
    public var group: String
    /// The pool.
    public var pool: String
    /// A pool's stored start.
    public init(group: String, pool: String) {
        self.group = group
        self.pool = pool
    }
}

/// One line of the flip log.
public struct FlipRecord: Equatable, Sendable {
    /// The flip's number; 0 until it is committed.
    public var number: Int64
    /// The group.
    public var group: String
    /// The pool that was active before.
    public var from: String
    /// The pool that is active after it.
    public var to: String
    /// The group's epoch after it.
    public var epoch: UInt64
    /// How the traffic moved: `now`.
    public var mode: String
    /// What the operator gave as a reason.
    public var reason: String?
    /// Who asked: the name of a credential, never the credential.
    public var by: String
    /// When it was committed.
    public var at: Timestamp
    /// Whether guards were overruled.
    public var forced: Bool
    /// The flip that this one undoes, if it is a rollback.
    public var undoes: Int64?
    /// A line of the flip log.
    public init(
        number: Int64 = 0, group: String, from: String, to: String, epoch: UInt64, mode: String = "now",
        reason: String?, by: String, at: Timestamp, forced: Bool, undoes: Int64? = nil
    ) {
        self.number = number
        self.group = group
        self.from = from
        self.to = to
        self.epoch = epoch
        self.mode = mode
        self.reason = reason
        self.by = by
        self.at = at
        self.forced = forced
        self.undoes = undoes
    }
}

/// An open transaction and the coordinator it is pinned to.
public struct TransactionPin: Equatable, Sendable {
    /// The engine's transaction id.
    public var id: String
    /// The coordinator's registration.
    public var registration: UInt32
    /// When a statement last used it.
    public var used: Timestamp
    /// A pin from its parts.
    public init(id: String, registration: UInt32, used: Timestamp) {
        self.id = id
        self.registration = registration
        self.used = used
    }
}

/// What must not be forgotten of a statement, whatever becomes of this process: what its old tags may not do any more.
public struct Tombstone: Equatable, Sendable {
    /// What is remembered.
    public enum Kind: String, Sendable, CaseIterable {
        /// It was canceled: its tags are not relayed any more.
        case canceled
        /// Attempts of it, up to `attempt`, were superseded: their tags are not relayed any more.
        case superseded
        /// It waited, may write, and was about to be POSTed to a pool that runs statements in the POST: it may have
        /// taken effect.
        case submitted
    }

    /// The statement.
    public var key: StatementKey
    /// What is remembered; each kind once.
    public var kind: Kind
    /// The highest attempt that was superseded; 0 for other kinds.
    public var attempt: UInt16
    /// The id that its own page shows: the engine's; empty where none does.
    public var queryID: String
    /// When it was written; it is kept for 15 minutes.
    public var at: Timestamp
    /// A tombstone from its parts.
    public init(
        key: StatementKey, kind: Kind = .canceled, attempt: UInt16 = 0, queryID: String = "", at: Timestamp
    ) {
        self.key = key
        self.kind = kind
        self.attempt = attempt
        self.queryID = queryID
        self.at = at
    }
}

/// What a start finds in the store.
public struct OperationalState: Equatable, Sendable {
    /// The groups.
    public var groups: [StoredGroup] = []
    /// The registrations, retired ones too.
    public var registrations: [StoredRegistration] = []
    /// Pools that count as `starts: post`.
    public var poolStarts: [StoredPoolStart] = []
    /// Open transactions.
    public var pins: [TransactionPin] = []
    /// Tombstones that still hold.
    public var tombstones: [Tombstone] = []
    /// Unfinished statements of owners that are gone.
    public var unfinished: [StatementRecord] = []
    /// Whether the last run ended without closing its history, so that some of it may be missing.
    public var endedUncleanly = false
    /// Nothing stored.
    public init() {}
}

/// The port to all state (design 7). Operational calls return when what they wrote is durable.
public protocol Storage: Sendable {
    /// Commits a new owner number. When the store cannot be written it answers with counter 0 and 64 random bits.
    func claimOwner() async -> Owner
    /// The keys that verify tags; makes the first at the very first start, then at most one in 24 h.
    func tagKeys(now: Timestamp) async throws(StorageProblem) -> TagKeys
    /// Everything operational.
    func load(now: Timestamp) async throws(StorageProblem) -> OperationalState
    /// Writes groups that the settings newly name.
    func declare(_ groups: [StoredGroup]) async throws(StorageProblem)
    /// Registers a coordinator and gives it a number that was never used.
    func register(_ registration: StoredRegistration) async throws(StorageProblem) -> StoredRegistration
    /// Writes a registration's drain mark, retirement, suffixes.
    func update(_ registration: StoredRegistration) async throws(StorageProblem)
    /// Forgets a retired registration.
    func forget(registration: UInt32) async throws(StorageProblem)
    /// Notes that a pool runs statements in the POST.
    func note(_ start: StoredPoolStart) async throws(StorageProblem)
    /// Forgets what was noted of a pool's start: its settings changed.
    func forget(_ start: StoredPoolStart) async throws(StorageProblem)
    /// Commits a flip: one transaction that sets the active pool, raises the epoch, writes the log line.
    /// Throws `epochMismatch` if the group's epoch is no longer `record.epoch - 1`.
    func commit(_ record: FlipRecord) async throws(StorageProblem) -> FlipRecord
    /// The flip log of a group, or of all, newest first.
    func flips(group: String?, before: Int64?, limit: Int) async throws(StorageProblem) -> [FlipRecord]
    /// One flip.
    func flip(_ number: Int64) async throws(StorageProblem) -> FlipRecord?
    /// Writes pins that are new or were used, and removes those that ended.
    func save(pins: [TransactionPin], ended: [String]) async throws(StorageProblem)
    /// Writes tombstones; those older than 15 minutes go.
    func save(_ tombstones: [Tombstone]) async throws(StorageProblem)

    /// Writes a batch of history: records by their ids, replacing what is there but for user and time of submission,
    /// which never change.
    func record(_ drafts: [RecordDraft]) async throws(StorageProblem)
    /// The statements that match, newest first.
    func statements(_ filter: StatementFilter) async throws(StorageProblem) -> [StatementRecord]
    /// One statement, by the gateway's id or any engine query id.
    func statement(_ id: String) async throws(StorageProblem) -> StatementRecord?
    /// The statements of these ids of the gateway's, those that there are, in any order.
    func statements(ids: [String]) async throws(StorageProblem) -> [StatementRecord]
    /// The lines of the retry log that match, newest first.
    func retries(_ filter: RetryFilter) async throws(StorageProblem) -> [RetryRecord]
    /// Removes history that is older than `before` or beyond so many bytes, oldest first; answers how many statements.
    func prune(before: Timestamp, maximumBytes: Int) async throws(StorageProblem) -> Int
    /// How the store is.
    func condition() async -> StorageCondition
    /// Notes a clean end and closes.
    func close() async
}

/// How the store is, for the status.
public struct StorageCondition: Equatable, Sendable {
    /// `sqlite` or `postgresql`.
    public var kind: String
    /// Whether it can be written; it is tried again at each call.
    public var isWritable: Bool
    /// What keeps it from being written.
    public var problem: String?
    /// The file, for people.
    public var location: String
    /// Bytes it takes on disk.
    public var bytes: Int
    /// A condition from its parts.
    public init(kind: String, isWritable: Bool, problem: String?, location: String, bytes: Int) {
        self.kind = kind
        self.isWritable = isWritable
        self.problem = problem
        self.location = location
        self.bytes = bytes
    }
}
