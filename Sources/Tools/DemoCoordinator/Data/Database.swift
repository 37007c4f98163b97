import FoundationEssentials
import Glibc
import SQLite

/// The tables of a coordinator: one file of SQLite, in a temporary folder of its own unless it is named. Several
/// coordinators may share a named one.
final class Database: Sendable {
    let path: String
    private let folder: String?

    /// Opens or makes the file with its sample data.
    init(path: String?, name: String) throws(SQLiteError) {
        if let path {
            self.path = path
            folder = nil
        } else {
            let folder = Self.temporaryFolder(name)
            self.folder = folder
            self.path = folder + "/tables.sqlite"
        }
        try SampleData.make(in: open(Interruption()).connection)
    }

    /// Removes what the process made for itself.
    func remove() {
        guard let folder else { return }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A folder of this process's own: `penstock-coordinator-PID-NAME-NUMBER`. It is in memory where the system keeps
    /// such a place.
    private static func temporaryFolder(_ name: String) -> String {
        let manager = FileManager.default
        let parent = manager.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : manager.temporaryDirectory.path
        removeAbandoned(in: parent)
        let letters = name.filter { $0.isLetter || $0.isNumber || $0 == "-" }
        let folder = "\(parent)/\(prefix)\(getpid())-\(letters)-\(UInt32.random(in: 0...UInt32.max))"
        try? manager.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return folder
    }

    private static let prefix = "penstock-coordinator-"

    /// Removes the folders of processes that are gone: one that was killed could not.
    private static func removeAbandoned(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where name.hasPrefix(prefix) {
            let number = name.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let process = pid_t(number), process > 0, kill(process, 0) == -1, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    /// A connection with Trino's functions. The data can be made again at any time, so nothing waits for the disk.
    func open(_ interruption: Interruption) throws(SQLiteError) -> OpenDatabase {
        let connection = try Connection(path: path)
        connection.setBusyTimeout(milliseconds: 30_000)
        try connection.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA case_sensitive_like = ON")
        connection.setProgressCheck(everyInstructions: 10_000) { !interruption.isSet }
        try Functions.add(to: connection, interruption)
        return OpenDatabase(connection)
    }

    /// The schemas and tables that are there now.
    static func catalogs(of connection: borrowing Connection) throws(SQLiteError) -> Catalogs {
        var catalogs = Catalogs()
        for row in try connection.rows("SELECT name FROM `$schemas`") {
            if let name = row[0].text { catalogs.schemas.insert(name) }
        }
        for row in try connection.rows("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')") {
            let parts = (row[0].text ?? "").split(separator: ".", maxSplits: 2).map(String.init)
            guard parts.count == 3 else { continue }
            let name = TableName(catalog: parts[0], schema: parts[1], table: parts[2])
            if row[1].text == "view" { catalogs.views.insert(name) } else { catalogs.tables.insert(name) }
        }
        return catalogs
    }
}

/// A connection that can be held by several: what it is in cannot be copied, and a session may have none yet.
final class OpenDatabase {
    let connection: Connection

    init(_ connection: consuming Connection) {
        self.connection = connection
    }
}
