/// Any JSON value, to be written with indentation and sorted members.
indirect enum JSONText: Decodable {
    case object([String: JSONText])
    case list([JSONText])
    case string(String)
    case number(Int)
    case boolean(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONText].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONText].self))
        }
    }

    func text(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .object(let members) where !members.isEmpty:
            let lines = members.sorted { $0.key < $1.key }.map { name, value in
                "\(inner)\"\(name)\": \(value.text(indent: inner))"
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        case .list(let values) where !values.isEmpty:
            return "[" + values.map { $0.text(indent: inner) }.joined(separator: ", ") + "]"
        case .object: return "{}"
        case .list: return "[]"
        case .string(let text):
            return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .number(let number): return String(number)
        case .boolean(let value): return String(value)
        case .null: return "null"
        }
    }
}
