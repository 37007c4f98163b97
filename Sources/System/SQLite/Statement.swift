import CSQLite

/// A column of a statement's result.
public struct Column: Equatable, Sendable {
    /// The name, or the alias that the statement gives it.
    public let name: String
    /// The type that the table's definition declares; nil where the column is an expression.
    public let declaredType: String?
}

/// A prepared statement, finalised when it goes. Like its connection it belongs to one thread at a time.
@safe public struct Statement: ~Copyable {
    private let handle: OpaquePointer
    /// The columns of the result; empty for a statement that gives none.
    public let columns: [Column]
    /// What `rebind` bound; empty before its first call.
    private var bound: [Value] = []

    init(_ handle: OpaquePointer) {
        unsafe self.handle = handle
        columns = unsafe (0..<sqlite3_column_count(handle)).map { index in
            unsafe Column(
                name: sqlite3_column_name(handle, index).map { unsafe String(cString: $0) } ?? "",
                declaredType: sqlite3_column_decltype(handle, index).map { unsafe String(cString: $0) })
        }
    }

    deinit {
        unsafe sqlite3_finalize(handle)
    }

    /// How many parameters the text has.
    public var parameterCount: Int { unsafe Int(sqlite3_bind_parameter_count(handle)) }

    /// Whether the statement leaves the database's content as it is.
    public var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }

    /// Binds the parameters from the first on; those beyond the list are NULL.
    public func bind(_ values: [Value]) throws(SQLiteError) {
        if values.count < parameterCount { unsafe sqlite3_clear_bindings(handle) }
        for (offset, value) in values.enumerated() { try check(bind(value, at: Int32(offset + 1))) }
    }

    /// Binds one parameter, unless it is bound so already by this call: for rows that have much in common. What is
    /// bound by lists has no part in it.
    /// - Parameter index: from 0.
    public mutating func rebind(_ value: consuming Value, at index: Int) throws(SQLiteError) {
        if bound.isEmpty {
            // What was never bound is NULL.
            unsafe sqlite3_clear_bindings(handle)
            bound = Array(repeating: .null, count: parameterCount)
        }
        guard bound[index] != value else { return }
        try check(bind(value, at: Int32(index + 1)))
        bound[index] = value
    }

    /// Goes to the next row; false after the last one, when the statement has been reset.
    public func step() throws(SQLiteError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            reset()
            return false
        case let code:
            let error = error(code)
            reset()
            throw error
        }
    }

    /// The value of a column of the present row; NULL where there is no such column or row.
    public func value(_ column: Int) -> Value {
        let index = Int32(clamping: column)
        switch unsafe sqlite3_column_type(handle, index) {
        case SQLITE_INTEGER: return unsafe .integer(sqlite3_column_int64(handle, index))
        case SQLITE_FLOAT: return unsafe .real(sqlite3_column_double(handle, index))
        case SQLITE_TEXT:
            // The text is asked for first: that call may convert it, and the count is of the converted form.
            let text = unsafe sqlite3_column_text(handle, index)
            let bytes = unsafe UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, index)))
            return unsafe .text(String(decoding: bytes, as: UTF8.self))
        case SQLITE_BLOB:
            let blob = unsafe sqlite3_column_blob(handle, index)
            let bytes = unsafe UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(handle, index)))
            return unsafe .blob([UInt8](bytes))
        default: return .null
        }
    }

    /// The values of the present row, in the order of `columns`.
    public func row() -> [Value] {
        columns.indices.map { value($0) }
    }

    /// Gives up the rows that are left, so that the statement can be bound and run again.
    public func reset() {
        unsafe sqlite3_reset(handle)
    }

    private func bind(_ value: Value, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
        case .real(let number): return unsafe sqlite3_bind_double(handle, index, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                    // An empty buffer may have no address, and no address would bind NULL.
                    guard let start = characters.baseAddress else {
                        return unsafe shim_bind_text(handle, index, "", 0)
                    }
                    return unsafe shim_bind_text(handle, index, start, UInt64(characters.count))
                }
            }
        case .blob(let bytes):
            if bytes.isEmpty { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
            return unsafe shim_bind_blob(handle, index, bytes, UInt64(bytes.count))
        }
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        if code != SQLITE_OK { throw error(code) }
    }

    private func error(_ code: Int32) -> SQLiteError {
        unsafe SQLiteError(of: sqlite3_db_handle(handle), code: code)
    }
}
