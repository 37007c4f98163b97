/// A type of Trino's, as a table declares it: `bigint`, `varchar(25)`, `decimal(12, 2)`, `timestamp(6)`.
struct ColumnType: Equatable, Sendable {
    /// The name without its arguments, in small letters.
    let name: String
    let arguments: [Int]

    init(_ name: String, _ arguments: [Int] = []) {
        self.name = name
        self.arguments = arguments
    }

    static let bigint = ColumnType("bigint")
    static let integer = ColumnType("integer")
    static let double = ColumnType("double")
    static let boolean = ColumnType("boolean")
    static let date = ColumnType("date")
    static let varchar = ColumnType("varchar")
    static let varbinary = ColumnType("varbinary")
    static let unknown = ColumnType("unknown")

    static func varchar(_ length: Int) -> ColumnType { ColumnType("varchar", [length]) }

    /// Reads a declaration. What is no type here is taken by its name.
    init(declared text: String) {
        let parts = text.split(separator: "(", maxSplits: 1)
        let name = (parts.first ?? "").lowercased().split(separator: " ").joined(separator: " ")
        let numbers = parts.count > 1 ? parts[1].prefix { $0 != ")" }.split(separator: ",") : []
        let arguments = numbers.compactMap { Int($0.split(separator: " ").joined()) }
        switch name {
        case "int": self = .integer
        case "double precision", "real": self = .double
        case "text", "string": self = .varchar
        case "numeric", "decimal", "dec":
            self = ColumnType("decimal", [arguments.first ?? 38, arguments.dropFirst().first ?? 0])
        case "timestamp": self = ColumnType("timestamp", [arguments.first ?? 3])
        case "time": self = ColumnType("time", [arguments.first ?? 3])
        default: self.init(name, arguments)
        }
    }

    /// The types that a column may be declared with.
    var isKnown: Bool {
        [
            "bigint", "integer", "smallint", "tinyint", "double", "decimal", "boolean", "date", "timestamp", "time",
            "varchar", "char", "varbinary", "json", "uuid", "unknown",
        ].contains(name)
    }

    var isWhole: Bool { ["bigint", "integer", "smallint", "tinyint"].contains(name) }

    /// As a page or DESCRIBE writes it. A client that does not know parametric times gets them without.
    func text(hasParametricTimes: Bool = true) -> String {
        if arguments.isEmpty || (isTime && !hasParametricTimes) { return name }
        return "\(name)(\(arguments.map(String.init).joined(separator: ", ")))"
    }

    var isTime: Bool { name == "timestamp" || name == "time" }

    /// Appends its `typeSignature`.
    func writeSignature(to bytes: inout [UInt8], hasParametricTimes: Bool) {
        var numbers = isTime && !hasParametricTimes ? [] : arguments
        if name == "varchar", numbers.isEmpty { numbers = [2_147_483_647] }
        bytes.append(ascii: "{")
        bytes.append(member: "rawType", name)
        bytes.append(member: "arguments")
        bytes.append(ascii: "[")
        for (offset, number) in numbers.enumerated() {
            if offset > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(ascii: "{")
            bytes.append(member: "kind", "LONG")
            bytes.append(member: "value", number)
            bytes.append(ascii: "}")
        }
        bytes.append(ascii: "]}")
    }
}

/// A column of a result.
struct ResultColumn: Equatable, Sendable {
    var name: String
    var type: ColumnType

    func write(to bytes: inout [UInt8], hasParametricTimes: Bool) {
        bytes.append(ascii: "{")
        bytes.append(member: "name", name)
        bytes.append(member: "type", type.text(hasParametricTimes: hasParametricTimes))
        bytes.append(member: "typeSignature")
        type.writeSignature(to: &bytes, hasParametricTimes: hasParametricTimes)
        bytes.append(ascii: "}")
    }
}
