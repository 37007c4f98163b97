import CSQLite

/// Holds the body of a function that SQL may call.
final class ScalarFunction {
    private let body: ([Value]) throws -> Value

    init(_ body: @escaping ([Value]) throws -> Value) {
        self.body = body
    }

    /// Computes the result of one call and hands it to SQLite.
    fileprivate func call(_ context: OpaquePointer?, _ arguments: UnsafeBufferPointer<OpaquePointer?>) {
        do {
            switch try body(unsafe arguments.map { unsafe Value(of: $0) }) {
            case .null: unsafe sqlite3_result_null(context)
            case .integer(let number): unsafe sqlite3_result_int64(context, number)
            case .real(let number): unsafe sqlite3_result_double(context, number)
            case .text(let text): unsafe shim_result_text(context, text, UInt64(text.utf8.count))
            case .blob(let bytes): unsafe shim_result_blob(context, bytes, UInt64(bytes.count))
            }
        } catch {
            unsafe sqlite3_result_error(context, "\(error)", -1)
        }
    }
}

/// Registers the function; SQLite owns it from here on and releases it, also when the registration fails.
func registerFunction(
    _ database: OpaquePointer, _ name: String, _ arguments: Int, _ isDeterministic: Bool, _ function: ScalarFunction
) -> Int32 {
    let flags = SQLITE_UTF8 | SQLITE_DIRECTONLY | (isDeterministic ? SQLITE_DETERMINISTIC : 0)
    return unsafe sqlite3_create_function_v2(
        database, name, Int32(clamping: arguments), flags, Unmanaged.passRetained(function).toOpaque(),
        { context, count, values in
            guard let data = unsafe sqlite3_user_data(context) else { return }
            let function = unsafe Unmanaged<ScalarFunction>.fromOpaque(data).takeUnretainedValue()
            unsafe function.call(context, UnsafeBufferPointer(start: values, count: Int(count)))
        }, nil, nil,
        { data in
            if let data = unsafe data { unsafe Unmanaged<ScalarFunction>.fromOpaque(data).release() }
        })
}

extension Value {
    /// The value of a function's argument.
    fileprivate init(of argument: OpaquePointer?) {
        switch unsafe sqlite3_value_type(argument) {
        case SQLITE_INTEGER: self = unsafe .integer(sqlite3_value_int64(argument))
        case SQLITE_FLOAT: self = unsafe .real(sqlite3_value_double(argument))
        case SQLITE_TEXT:
            let text = unsafe sqlite3_value_text(argument)
            let bytes = unsafe UnsafeBufferPointer(start: text, count: Int(sqlite3_value_bytes(argument)))
            self = unsafe .text(String(decoding: bytes, as: UTF8.self))
        case SQLITE_BLOB:
            let blob = unsafe sqlite3_value_blob(argument)
            let bytes = unsafe UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_value_bytes(argument)))
            self = unsafe .blob([UInt8](bytes))
        default: self = .null
        }
    }
}
