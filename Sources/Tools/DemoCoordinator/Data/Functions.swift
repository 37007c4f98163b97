import Glibc
import SQLite

/// Functions of Trino's that SQLite lacks. Their errors come back as the statement's, so each begins with a word
/// that `QueryFailure.init(_:)` knows again.
enum Functions {
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static let divisionByZero = "DIVISION_BY_ZERO"
    static let invalidCast = "INVALID_CAST_ARGUMENT"
    static let failed = "GENERIC_USER_ERROR"

    static func add(to connection: borrowing Connection, _ interruption: Interruption) throws(SQLiteError) {
        try connection.addFunction("nonzero", arguments: 1) { arguments in
            if arguments[0] == .integer(0) { throw Fault(description: divisionByZero) }
            return arguments[0]
        }
        try connection.addFunction("cast_to", arguments: 2) { try cast($0[0], to: $0[1].text ?? "") }
        try connection.addFunction("try_cast_to", arguments: 2) {
            (try? cast($0[0], to: $0[1].text ?? "")) ?? .null
        }
        try connection.addFunction("fail", arguments: 1, isDeterministic: false) {
            throw Fault(description: "\(failed): \($0[0].text ?? "")")
        }
        try connection.addFunction("sleep", arguments: 1, isDeterministic: false) { arguments in
            let milliseconds = max(0, min(arguments[0].integer ?? 0, 600_000))
            var left = milliseconds
            while left > 0, !interruption.isSet {
                usleep(UInt32(min(left, 10)) * 1000)
                left -= 10
            }
            return .integer(milliseconds)
        }
        try connection.addFunction("random_double", arguments: 0, isDeterministic: false) { _ in
            .real(Double.random(in: 0..<1))
        }
        try connection.addFunction("version", arguments: 0) { _ in .text(Version.node) }
        try connection.addFunction("nan", arguments: 0) { _ in .text("NaN") }
        try connection.addFunction("infinity", arguments: 0) { _ in .real(.infinity) }
        try connection.addFunction("starts_with", arguments: 2) { arguments in
            guard let text = arguments[0].text, let prefix = arguments[1].text else { return .null }
            return Value(text.hasPrefix(prefix))
        }
        try connection.addFunction("concat", arguments: -1) { arguments in
            if arguments.contains(.null) { return .null }
            return .text(arguments.map(plain).joined())
        }
        for (offset, name) in ["year", "month", "day"].enumerated() {
            try connection.addFunction(name, arguments: 1) { arguments in
                let parts = (arguments[0].text ?? "").prefix(10).split(separator: "-")
                return parts.count == 3 ? Value(Int64(parts[offset])) : .null
            }
        }
        try connection.addFunction("repeat", arguments: 2) { arguments in
            guard let text = arguments[0].text, let count = arguments[1].integer else { return .null }
            return .text(String(repeating: text, count: Int(max(0, min(count, 10_000_000)))))
        }
    }

    /// A value as text, as CAST to varchar writes it.
    private static func plain(_ value: Value) -> String {
        switch value {
        case .null: ""
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .text(let text): text
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func cast(_ value: Value, to declared: String) throws -> Value {
        if value == .null { return .null }
        let type = ColumnType(declared: declared)
        let text = plain(value)
        let fault = Fault(description: "\(invalidCast): Cannot cast '\(text)' to \(declared.uppercased())")
        switch type.name {
        case "bigint", "integer", "smallint", "tinyint":
            if case .real(let number) = value { return Value(Int64(exactly: number.rounded())) }
            guard let number = Int64(text) else { throw fault }
            if type == .integer, Int32(exactly: number) == nil { throw fault }
            return .integer(number)
        case "double", "decimal":
            guard let number = Double(text) else { throw fault }
            return .real(number)
        case "boolean":
            switch text.lowercased() {
            case "true", "t", "1", "1.0": return .integer(1)
            case "false", "f", "0", "0.0": return .integer(0)
            default: throw fault
            }
        case "date":
            guard text.prefix(10).split(separator: "-").count == 3 else { throw fault }
            return .text(String(text.prefix(10)))
        case "varbinary": return .blob(Array(text.utf8))
        case "varchar", "char":
            let isTruth = type.arguments.isEmpty ? text : String(text.prefix(type.arguments[0]))
            return .text(isTruth)
        default: return .text(text)
        }
    }
}
