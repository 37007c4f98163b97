/// The shape of a JSON value, as OpenAPI 3.1 (JSON Schema) writes it.
indirect enum Schema: Equatable, Encodable {
    case object([Member])
    case array(Schema)
    case string
    case words([String])
    case moment
    case integer
    case number
    case boolean
    case null
    /// One of several.
    case choice([Schema])
    case orNull(Schema)
    /// An object that stands among the document's components.
    case reference(String)

    /// A member of an object.
    struct Member: Equatable {
        let name: String
        let schema: Schema
        /// Whether a client that sends it may leave it out.
        let isOptional: Bool
    }

    private enum Key: String, CodingKey {
        case type, properties, required, items, format
        case words = "enum"
        case reference = "$ref"
        case choice = "anyOf"
    }

    /// Writes the schema.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try encode(to: &container, canBeNull: false)
    }

    private func encode(to container: inout KeyedEncodingContainer<Key>, canBeNull: Bool) throws {
        func put(type: String) throws {
            if canBeNull {
                try container.encode([type, "null"], forKey: .type)
            } else {
                try container.encode(type, forKey: .type)
            }
        }
        switch self {
        case .reference(let name):
            if canBeNull {
                try container.encode([Schema.reference(name), .null], forKey: .choice)
            } else {
                try container.encode("#/components/schemas/\(name)", forKey: .reference)
            }
        case .choice(let schemas):
            try container.encode(schemas + (canBeNull ? [.null] : []), forKey: .choice)
        case .null:
            try container.encode("null", forKey: .type)
        case .orNull(let schema):
            try schema.encode(to: &container, canBeNull: true)
        case .object(let members):
            try put(type: "object")
            let schemas = Dictionary(members.map { ($0.name, $0.schema) }, uniquingKeysWith: { first, _ in first })
            try container.encode(schemas, forKey: .properties)
            try container.encode(members.filter { !$0.isOptional }.map(\.name), forKey: .required)
        case .array(let schema):
            try put(type: "array")
            try container.encode(schema, forKey: .items)
        case .string:
            try put(type: "string")
        case .words(let words):
            try put(type: "string")
            try container.encode(words.map(Optional.some) + (canBeNull ? [nil] : []), forKey: .words)
        case .moment:
            try put(type: "string")
            try container.encode("date-time", forKey: .format)
        case .integer:
            try put(type: "integer")
        case .number:
            try put(type: "number")
        case .boolean:
            try put(type: "boolean")
        }
    }
}
