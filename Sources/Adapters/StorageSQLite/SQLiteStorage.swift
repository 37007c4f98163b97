import Engine
import Files
import Model
import SQLite
import Threads
import Wire

/// The port to all state, over one SQLite file in WAL mode that one gateway at a time has open.
///
/// Operational writes are synced before they return; history is synced with the next of them, so that a killed process
/// loses none of it and a power cut at most the newest. A file that cannot be written is still read, so that routing
/// goes on; each write and each look at the condition tries again to open it for writing.
public actor SQLiteStorage: Storage, ThreadActor {
    /// How long pins that nobody uses and tombstones are kept, in milliseconds (design 4).
    static let memory: Int64 = 15 * 60_000
    /// How long a tag key is the newest, in milliseconds.
    static let keyLife: Int64 = 24 * 3_600_000

    /// The thread that has the file open; every call runs on it.
    public nonisolated let executor = ThreadExecutor(name: "store")
    private let directory: String
    nonisolated let reader: HistoryReader
    private var folder: StateFolder?
    private var database: Database?
    /// What keeps the file from being written, since the newest write that failed.
    private var problem: StorageProblem?
    /// How the run before this one ended; nil until that has been read.
    private var endedUncleanly: Bool?
    /// Whether history of this run was dropped because it could not be written.
    private var hasLostHistory = false

    /// Makes and locks the state directory; the file itself is opened by the first call.
    public init(directory: String) throws(StateFolderProblem) {
        folder = try StateFolder(directory)
        self.directory = directory
        reader = HistoryReader(directory)
    }

    // MARK: The file

    /// Runs the body in one transaction, durable when this returns. Without `syncing` the next durable one takes it
    /// along.
    func write<Result>(
        syncing: Bool = true, _ body: (borrowing Connection) throws(SQLiteError) -> Result
    ) throws(StorageProblem) -> Result {
        do throws(StorageProblem) {
            let database = try writable()
            let result = try database.run { connection throws(SQLiteError) in
                try database.sync(syncing)
                return try connection.transaction { () throws(SQLiteError) in try body(connection) }
            }
            problem = nil
            return result
        } catch {
            problem = error
            throw error
        }
    }

    /// Writes history: not synced, and remembered if it is lost.
    func writeBehind<Result>(
        _ body: (borrowing Connection) throws(SQLiteError) -> Result
    ) throws(StorageProblem) -> Result {
        do throws(StorageProblem) {
            return try write(syncing: false, body)
        } catch {
            hasLostHistory = true
            throw error
        }
    }

    /// Runs the body over the file as it is, writable or not.
    func read<Result>(
        _ body: (borrowing Connection) throws(SQLiteError) -> Result
    ) throws(StorageProblem) -> Result {
        try readable().run(body)
    }

    private func writable() throws(StorageProblem) -> Database {
        if let database, database.isWritable, !database.isSuspect { return database }
        guard folder != nil else { throw .away("the store is closed") }
        // The one that could not write goes first: connections of one process share what they know of the file.
        database = nil
        let opened = try Database.forWriting(directory)
        database = opened
        return opened
    }

    private func readable() throws(StorageProblem) -> Database {
        if let database, !database.isSuspect { return database }
        do throws(StorageProblem) {
            return try writable()
        } catch {
            guard case .away = error, folder != nil else { throw error }
            problem = error
            let opened = try Database.forReading(directory)
            database = opened
            return opened
        }
    }

    // MARK: Start and end

    /// Commits a new owner number, or gives 64 random bits with counter 0 where that cannot be committed.
    public func claimOwner() async -> Owner {
        var generator = SystemRandomNumberGenerator()
        do throws(StorageProblem) {
            _ = try lastEnd()
            let counter = try write { connection throws(SQLiteError) in
                try connection.rows("UPDATE store SET owner = owner + 1, is_closed = 0 RETURNING owner").first?.first
            }
            guard let number = counter?.integer, let counter = UInt32(exactly: number) else {
                throw .damaged("the store has no owner number")
            }
            return Owner(counter: counter, random: UInt64(generator.next() as UInt32))
        } catch {
            return Owner(counter: 0, random: generator.next())
        }
    }

    /// The keys in force. Where a new one is due but cannot be committed, the old ones stay.
    public func tagKeys(now: Timestamp) async throws(StorageProblem) -> TagKeys {
        let stored = try read { connection throws(SQLiteError) in
            try connection.rows("SELECT id, secret, made FROM tag_key ORDER BY made DESC LIMIT 2")
        }
        var keys: [TagKey] = []
        for row in stored {
            guard let key = TagKey(row: row) else { throw .damaged("a tag key in the store makes no sense") }
            keys.append(key)
        }
        let made = stored.first?[2].integer ?? .min
        guard let newest = keys.first else { return TagKeys(newest: try add(TagKey(id: 1), now), previous: nil) }
        let kept = TagKeys(newest: newest, previous: keys.dropFirst().first)
        guard now.milliseconds - made >= SQLiteStorage.keyLife else { return kept }
        do throws(StorageProblem) {
            return TagKeys(newest: try add(TagKey(id: newest.id &+ 1), now), previous: newest)
        } catch {
            // A key may live longer; a tag that no key verifies would lose its statement.
            return kept
        }
    }

    private func add(_ key: TagKey, _ now: Timestamp) throws(StorageProblem) -> TagKey {
        try write { connection throws(SQLiteError) in
            try connection.run("INSERT INTO tag_key VALUES (?, ?, ?)", now.value, Value(key.id), .blob(key.secret))
            try connection.run(
                "DELETE FROM tag_key WHERE made NOT IN (SELECT made FROM tag_key ORDER BY made DESC LIMIT 2)")
        }
        return key
    }

    /// Whether the run before this one ended uncleanly, as the file said before this run wrote to it.
    func lastEnd() throws(StorageProblem) -> Bool {
        if let endedUncleanly { return endedUncleanly }
        let found = try read { connection throws(SQLiteError) in
            try connection.rows("SELECT is_closed FROM store").first?.first == .integer(0)
        }
        endedUncleanly = found
        return found
    }

    /// How the store is: tries a durable write, and opens the file anew if it has to.
    public func condition() async -> StorageCondition {
        do throws(StorageProblem) {
            try write { connection throws(SQLiteError) in try connection.run("UPDATE store SET probes = probes + 1") }
        } catch {
            // The write has noted why it failed.
        }
        let path = Database.path(in: directory)
        let bytes = (fileBytes(path) ?? 0) + (fileBytes(path + "-wal") ?? 0)
        return StorageCondition(
            kind: "sqlite", isWritable: problem == nil, problem: problem?.text, location: path, bytes: bytes)
    }

    /// Notes a clean end, unless history was lost, closes the file and unlocks the directory.
    public func close() async {
        await reader.close()
        if folder != nil, !hasLostHistory {
            do throws(StorageProblem) {
                try write { connection throws(SQLiteError) in try connection.run("UPDATE store SET is_closed = 1") }
            } catch {
                // Then the next start takes the end for an unclean one, which only makes it more careful.
            }
        }
        database = nil
        folder = nil
    }
}
