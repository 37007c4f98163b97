import CSQLite

/// An open database, closed when it goes. It belongs to one thread at a time (SQLite's own mutexes are off); only its
/// `interruptHandle` may be used from elsewhere.
@safe public struct Connection: ~Copyable {
    /// How a file is opened.
    public enum Access: Equatable, Sendable {
        /// Read and write; the file is made if there is none.
        case create
        /// Read and write a file that exists.
        case write
        /// Read only. A file in WAL mode needs its `-wal` and `-shm` beside it, or a folder where they can be made.
        case read
        /// Read only, and nobody else writes: no lock and no `-wal` is looked at. For files in a read-only folder.
        case immutable
    }

    /// The most prepared statements that `run` and `rows` keep for the next time.
    public static let preparedStatements = 64

    /// SQLite would count its memory, for nobody here, under a lock at each allocation: a tenth of what a row costs.
    private static let countsNoMemory: Void = { shim_count_no_memory() }()

    private let database: OpaquePointer
    private let prepared = PreparedStatements(limit: Connection.preparedStatements)
    private let progress = ProgressCheck()
    /// Ends the running statement from any thread.
    public let interruptHandle: InterruptHandle

    /// Opens a file.
    /// - Parameter path: a path of the file system; ":memory:" is a database in memory that goes with the connection.
    public init(path: String, access: Access = .create) throws(SQLiteError) {
        unsafe self.init(opened: try Connection.open(path, access))
    }

    /// Takes over a handle that was opened. What may throw stands before it: an initializer of a value with a deinit
    /// that throws between its assignments is refused by some compilers.
    private init(opened database: OpaquePointer) {
        unsafe self.database = unsafe database
        interruptHandle = unsafe InterruptHandle(database)
    }

    /// Opens a database in memory, which goes with the connection.
    public static func inMemory() throws(SQLiteError) -> Connection {
        try Connection(path: ":memory:")
    }

    deinit {
        interruptHandle.close()
        prepared.removeAll()
        // A statement that outlives the connection keeps the handle alive, but must not call into what goes now.
        unsafe sqlite3_progress_handler(database, 0, nil, nil)
        unsafe sqlite3_close_v2(database)
    }

    // MARK: Statements

    /// Prepares exactly one statement.
    public func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        var sql = sql
        let (code, handle, rest) = sql.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                unsafe Connection.prepare(text, database)
            }
        }
        guard code == SQLITE_OK else { throw unsafe SQLiteError(of: database, code: code) }
        guard let handle = unsafe handle else {
            throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "there is no statement in the text")
        }
        let statement = unsafe Statement(handle)
        if rest { throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "there is more than one statement") }
        return statement
    }

    /// Runs one statement to its end; rows that it gives are dropped. Its prepared form is kept for the next time.
    public func run(_ sql: String, _ values: Value...) throws(SQLiteError) {
        let statement = try reused(sql)
        try statement.bind(values)
        while try statement.step() {}
        prepared.keep(statement, sql)
    }

    /// Runs one statement and gives all its rows. Its prepared form is kept for the next time.
    public func rows(_ sql: String, _ values: Value...) throws(SQLiteError) -> [[Value]] {
        let statement = try reused(sql)
        try statement.bind(values)
        var rows: [[Value]] = []
        while try statement.step() { rows.append(statement.row()) }
        prepared.keep(statement, sql)
        return rows
    }

    /// Lends one statement to the body, for what is run many times in a row. Its prepared form is kept for the next
    /// time.
    public func withStatement(
        _ sql: String, _ body: (inout Statement) throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        var statement = try reused(sql)
        try body(&statement)
        prepared.keep(statement, sql)
    }

    /// Runs every statement of a script, one after the other; stops at the first that fails.
    public func execute(_ script: String) throws(SQLiteError) {
        let code = unsafe sqlite3_exec(database, script, nil, nil, nil)
        if code != SQLITE_OK { throw unsafe SQLiteError(of: database, code: code) }
    }

    /// Runs the body in one transaction that may write from its first statement on: committed when the body returns,
    /// rolled back when it throws. The body is synchronous on purpose: nothing else comes between its statements.
    public func transaction<Result>(
        _ body: () throws(SQLiteError) -> Result
    ) throws(SQLiteError) -> Result {
        try run("BEGIN IMMEDIATE")
        do throws(SQLiteError) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // Some errors have rolled the transaction back already; the first error is the one that counts.
            if isInTransaction { try? execute("ROLLBACK") }
            throw error
        }
    }

    // MARK: State

    /// Whether a transaction is open.
    public var isInTransaction: Bool { unsafe sqlite3_get_autocommit(database) == 0 }

    /// Whether the main database cannot be written.
    public var isReadOnly: Bool { unsafe sqlite3_db_readonly(database, "main") == 1 }

    /// The row identifier of the newest insert of this connection.
    public var lastInsertRowID: Int64 { unsafe sqlite3_last_insert_rowid(database) }

    /// How many rows the newest INSERT, UPDATE or DELETE changed.
    public var changes: Int { unsafe Int(sqlite3_changes64(database)) }

    /// How long a statement waits for the lock of another connection before it fails as busy.
    public func setBusyTimeout(milliseconds: Int) {
        unsafe sqlite3_busy_timeout(database, Int32(clamping: milliseconds))
    }

    /// Asks, every so many instructions of SQLite's machine (some ten thousand are a millisecond), whether the running
    /// statement may go on; false ends it as interrupted. Nil asks no more.
    public func setProgressCheck(everyInstructions count: Int, _ goesOn: (() -> Bool)?) {
        progress.goesOn = goesOn
        guard goesOn != nil else {
            unsafe sqlite3_progress_handler(database, 0, nil, nil)
            return
        }
        // The connection holds the check for as long as the handler is set.
        unsafe sqlite3_progress_handler(
            database, Int32(clamping: count),
            { context in
                guard let context = unsafe context else { return 0 }
                let check = unsafe Unmanaged<ProgressCheck>.fromOpaque(context).takeUnretainedValue()
                return check.goesOn?() ?? true ? 0 : 1
            }, Unmanaged.passUnretained(progress).toOpaque())
    }

    /// Makes the connection fit for statements of strangers: no further file can be attached, no schema trick reaches
    /// functions with side effects, the file cannot be damaged on purpose.
    public func defend() {
        unsafe sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0)
        unsafe shim_configure(database, SQLITE_DBCONFIG_DEFENSIVE, 1)
        unsafe shim_configure(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    }

    /// Adds a scalar function to the connection's SQL.
    /// - Parameters:
    ///   - arguments: how many it takes; -1 takes any number.
    ///   - isDeterministic: whether equal arguments always give the same result.
    ///   - body: what it computes; an error's description becomes the statement's error.
    public func addFunction(
        _ name: String, arguments: Int, isDeterministic: Bool = true, _ body: @escaping ([Value]) throws -> Value
    ) throws(SQLiteError) {
        let code = unsafe registerFunction(database, name, arguments, isDeterministic, ScalarFunction(body))
        if code != SQLITE_OK { throw unsafe SQLiteError(of: database, code: code) }
    }

    // MARK: Private parts

    private func reused(_ sql: String) throws(SQLiteError) -> Statement {
        if let statement = prepared.take(sql) { return statement }
        return try prepare(sql)
    }

    private static func open(_ path: String, _ access: Access) throws(SQLiteError) -> OpaquePointer {
        countsNoMemory
        var name = path
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        switch access {
        case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        case .write: flags |= SQLITE_OPEN_READWRITE
        case .read: flags |= SQLITE_OPEN_READONLY
        case .immutable:
            flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            name = "file:" + percentEncoded(path) + "?immutable=1"
        }
        var database: OpaquePointer?
        let code = unsafe sqlite3_open_v2(name, &database, flags, nil)
        guard code == SQLITE_OK, let opened = unsafe database else {
            let error = unsafe SQLiteError(of: database, code: code)
            unsafe sqlite3_close_v2(database)
            throw error
        }
        return unsafe opened
    }

    /// A path as a URI has it: only what is safe in both stands as it is.
    private static func percentEncoded(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                encoded.append(byte)
            default:
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Prepares the first statement of the text and says whether a second one follows.
    private static func prepare(
        _ text: UnsafeBufferPointer<CChar>, _ database: OpaquePointer
    ) -> (code: Int32, handle: OpaquePointer?, rest: Bool) {
        var handle: OpaquePointer?
        var tail: UnsafePointer<CChar>?
        let code = unsafe sqlite3_prepare_v2(database, text.baseAddress, Int32(clamping: text.count), &handle, &tail)
        guard code == SQLITE_OK, let start = text.baseAddress, let next = unsafe tail else {
            return unsafe (code, handle, false)
        }
        // Blanks and comments prepare to nothing. A rest that is no statement at all is a rest too.
        var second: OpaquePointer?
        let left = unsafe Int32(clamping: text.count - (next - start))
        let restCode = unsafe sqlite3_prepare_v2(database, next, left, &second, nil)
        unsafe sqlite3_finalize(second)
        return unsafe (code, handle, second != nil || restCode != SQLITE_OK)
    }
}

/// Holds the closure that SQLite asks while a statement runs.
private final class ProgressCheck {
    var goesOn: (() -> Bool)?
}
