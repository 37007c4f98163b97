import CSQLite

/// What SQLite answered instead of doing its work.
public struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The extended result code (sqlite.org/rescode.html); its low byte is the primary one.
    public let extendedCode: Int32
    /// SQLite's own English text. It may quote the statement's text, never a bound value.
    public let message: String
    /// Where in the statement's text the error lies, in UTF-8 bytes, when SQLite could tell.
    public let offset: Int?

    /// An error with a code and text of the caller's choice.
    public init(extendedCode: Int32, message: String, offset: Int? = nil) {
        self.extendedCode = extendedCode
        self.message = message
        self.offset = offset
    }

    /// The error that the database handle remembers for its last call.
    init(of database: OpaquePointer?, code: Int32) {
        var offset: Int?
        var message = unsafe String(cString: sqlite3_errstr(code))
        if let database = unsafe database {
            unsafe message = String(cString: sqlite3_errmsg(database))
            let found = unsafe sqlite3_error_offset(database)
            offset = found < 0 ? nil : Int(found)
        }
        self.init(extendedCode: code, message: message, offset: offset)
    }

    /// The primary result code.
    public var code: Int32 { extendedCode & 0xff }
    /// No room is left: the disk is full, or the bound on the file's pages is reached. Where there is none for the
    /// shared memory file of WAL, SQLite calls it an I/O error.
    public var isFull: Bool { code == SQLITE_FULL || extendedCode == SQLITE_IOERR | (19 << 8) }
    /// The file or its folder cannot be written.
    public var isReadOnly: Bool { code == SQLITE_READONLY }
    /// Another connection holds a lock for longer than the busy time-out.
    public var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }
    /// The file is damaged or is no database.
    public var isCorrupt: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }
    /// The operating system failed to read or write.
    public var isInputOutput: Bool { code == SQLITE_IOERR && !isFull }
    /// The file could not be opened or created.
    public var isCannotOpen: Bool { code == SQLITE_CANTOPEN }
    /// An interrupt or the progress check ended the statement.
    public var isInterrupted: Bool { code == SQLITE_INTERRUPT }
    /// A uniqueness, foreign key, NOT NULL or CHECK constraint refused the row.
    public var isConstraint: Bool { code == SQLITE_CONSTRAINT }

    /// Text and code together.
    public var description: String { "\(message) (SQLite \(extendedCode))" }
}
