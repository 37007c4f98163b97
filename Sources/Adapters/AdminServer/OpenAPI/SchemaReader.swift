import Engine
import Model

/// The schemas of bodies. A body's type is asked to read itself, and what it asks for is written down: so the document
/// cannot say anything else than the bodies do.
struct SchemaTable {
    /// The objects that were met, by the names of their types.
    private(set) var components: [String: Schema] = [:]

    /// The schema of a type.
    /// - Parameter isSent: whether clients send it. What may be null in an answer may be left out of a request.
    mutating func schema(of type: any Decodable.Type, isSent: Bool) throws -> Schema {
        try sample(type, isSent: isSent).schema
    }

    /// A value made of nothing, and the schema that making it showed.
    fileprivate mutating func sample<Value: Decodable>(
        _ type: Value.Type, isSent: Bool
    ) throws -> (schema: Schema, value: Value) {
        if let (schema, value) = Self.simple(type), let value = value as? Value { return (schema, value) }
        if let list = type as? any List.Type, let empty = list.empty as? Value {
            return (.array(try schema(of: list.element, isSent: isSent)), empty)
        }
        let reader = SchemaReader(table: self, isSent: isSent)
        let value = try Value(from: reader)
        components.merge(reader.table.components) { known, _ in known }
        let name = String(describing: type)
        guard !name.contains("<") else { return (.object(reader.members), value) }
        components[name] = .object(reader.members)
        return (.reference(name), value)
    }

    /// Types that are no object and no list.
    private static func simple<Value: Decodable>(_ type: Value.Type) -> (Schema, Any)? {
        if type == String.self { return (.string, "") }
        if type == Bool.self { return (.boolean, false) }
        if type == Double.self { return (.number, 0.0) }
        if type == Timestamp.self { return (.moment, Timestamp(milliseconds: 0)) }
        if type == RetryCount.self {
            return (.choice([.integer, .words([RetryCount.unbounded.description])]), RetryCount.unbounded)
        }
        if type == RuleStatus.self {
            return (.choice([.integer, .words([RuleStatus.other.description])]), RuleStatus.other)
        }
        if let integer = type as? any FixedWidthInteger.Type { return (.integer, integer.init(clamping: 0)) }
        if let word = type as? any CaseIterable.Type { return words(of: word) }
        return nil
    }

    private static func words<Word: CaseIterable>(of type: Word.Type) -> (Schema, Any)? {
        let words = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        return type.allCases.first.map { (.words(words), $0) }
    }
}

/// What tells an array's element from outside.
private protocol List {
    static var element: any Decodable.Type { get }
    static var empty: Any { get }
}

extension Array: List where Element: Decodable {
    fileprivate static var element: any Decodable.Type { Element.self }
    fileprivate static var empty: Any { Self() }
}

/// Notes the members that a type asks for.
private final class SchemaReader: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private(set) var table: SchemaTable
    private let isSent: Bool
    private(set) var members: [Schema.Member] = []
    private var mayBeAbsent: Set<String> = []

    init(table: SchemaTable, isSent: Bool) {
        self.table = table
        self.isSent = isSent
    }

    func noteThatMayBeAbsent(_ name: String) {
        mayBeAbsent.insert(name)
    }

    func sample<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let sample = try table.sample(type, isSent: isSent)
        let isAbsent = mayBeAbsent.contains(name)
        members.append(
            Schema.Member(
                name: name, schema: isAbsent && !isSent ? .orNull(sample.schema) : sample.schema,
                isOptional: isAbsent && isSent))
        return sample.value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Members(reader: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw NotAnObject() }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw NotAnObject() }
}

/// A body holds a type of which the reader does not know what it looks like in JSON.
private struct NotAnObject: Error {}

private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reader: SchemaReader
    let codingPath: [any CodingKey] = []
    let allKeys: [Key] = []

    func contains(_ key: Key) -> Bool { true }

    /// Whoever asks this would take null, or nothing at all.
    func decodeNil(forKey key: Key) -> Bool {
        reader.noteThatMayBeAbsent(key.stringValue)
        return false
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try reader.sample(type, key.stringValue)
    }

    // The protocol asks for each of these by itself.
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try reader.sample(type, key.stringValue) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try reader.sample(type, key.stringValue) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try reader.sample(type, key.stringValue) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try reader.sample(type, key.stringValue) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try reader.sample(type, key.stringValue) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try reader.sample(type, key.stringValue) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try reader.sample(type, key.stringValue) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try reader.sample(type, key.stringValue) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try reader.sample(type, key.stringValue) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try reader.sample(type, key.stringValue) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try reader.sample(type, key.stringValue) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try reader.sample(type, key.stringValue) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try reader.sample(type, key.stringValue) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try reader.sample(type, key.stringValue) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> { throw NotAnObject() }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw NotAnObject() }
    func superDecoder() throws -> any Decoder { throw NotAnObject() }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw NotAnObject() }
}
