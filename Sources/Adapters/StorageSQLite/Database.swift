import Files
import Model
import SQLite

/// The open file: a connection and whether it can write. It belongs to the actor that opened it.
final class Database {
    /// How long a statement waits while another process (a backup, somebody's shell) holds the file, in milliseconds.
    private static let busyTimeout = 5000

    let connection: Connection
    let isWritable: Bool
    /// Whether the connection met something worse than a full disk: it is to be opened anew.
    private(set) var isSuspect = false
    /// What was said last of that; nil: nothing.
    private var isSyncing: Bool?

    private init(_ connection: consuming Connection, _ access: Connection.Access) {
        self.connection = connection
        isWritable = access == .write
    }

    /// The file of a state directory.
    static func path(in folder: String) -> String { folder + "/penstock.db" }

    /// Opens the file for writing, makes it if there is none, and brings its schema to the newest version.
    static func forWriting(_ folder: String) throws(StorageProblem) -> Database {
        let path = path(in: folder)
        do throws(FileProblem) {
            try makePrivateFile(path)
            try checkWritable(folder)
            try checkWritable(path)
        } catch {
            throw .away("\(error)")
        }
        let database = try connect(path, .write)
        do throws(SQLiteError) {
            // Before the first table is made, or it has no effect: pruning gives pages back to the disk.
            try database.connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            let mode = try database.connection.rows("PRAGMA journal_mode = WAL").first?.first
            guard mode == .text("wal") else { throw SQLiteError(extendedCode: 14, message: "the file takes no WAL") }
            try database.connection.execute(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216")
            // A longer log, because the last page of each index is written with each batch, and moved only once.
            try database.connection.execute("PRAGMA wal_autocheckpoint = 4000")
            // What a statement that writes many rows would take back if it failed is no file's business.
            try database.connection.execute("PRAGMA temp_store = MEMORY")
        } catch {
            throw StorageProblem(error)
        }
        try migrate(database.connection)
        return database
    }

    /// Opens the file for reading only.
    ///
    /// A file in WAL mode is read together with its `-wal`, for which SQLite wants a `-shm` beside it. Where the folder
    /// is read-only and a clean end has removed both, there is nothing but the file, and it is read as it stands. With
    /// a `-wal` left by a crash it never is: that would bring back what was before its newest commits.
    static func forReading(_ folder: String) throws(StorageProblem) -> Database {
        let path = path(in: folder)
        let problem: StorageProblem
        do throws(StorageProblem) {
            return try checked(connect(path, .read))
        } catch {
            problem = error
        }
        guard case .away = problem, fileBytes(path) != nil, (fileBytes(path + "-wal") ?? 0) == 0 else { throw problem }
        return try checked(connect(path, .immutable))
    }

    /// Says whether transactions are durable when they are committed, or with the next durable one.
    func sync(_ syncs: Bool) throws(SQLiteError) {
        guard syncs != isSyncing else { return }
        try connection.execute("PRAGMA synchronous = \(syncs ? "FULL" : "NORMAL")")
        isSyncing = syncs
    }

    /// Runs the body, with SQLite's errors as the port's.
    func run<Result>(
        _ body: (borrowing Connection) throws(SQLiteError) -> Result
    ) throws(StorageProblem) -> Result {
        do throws(SQLiteError) {
            return try body(connection)
        } catch {
            isSuspect = isSuspect || error.isInputOutput || error.isReadOnly || error.isCannotOpen || error.isCorrupt
            throw StorageProblem(error)
        }
    }

    private static func connect(_ path: String, _ access: Connection.Access) throws(StorageProblem) -> Database {
        do throws(SQLiteError) {
            let connection = try Connection(path: path, access: access)
            connection.setBusyTimeout(milliseconds: busyTimeout)
            return Database(connection, access)
        } catch {
            throw StorageProblem(error)
        }
    }

    /// A first look into the file: opening alone reads nothing.
    private static func checked(_ database: Database) throws(StorageProblem) -> Database {
        let version = try schemaVersion(database.connection)
        guard version == migrations.count else {
            throw .away(
                "the file has schema version \(version) and cannot be written to bring it to \(migrations.count)")
        }
        return database
    }
}

extension StorageProblem {
    /// What an error of SQLite means for the port.
    init(_ error: SQLiteError) {
        self = error.isCorrupt ? .damaged("\(error)") : .away(error.isFull ? "no room: \(error)" : "\(error)")
    }
}
