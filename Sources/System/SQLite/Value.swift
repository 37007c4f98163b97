/// A value of SQLite's five storage classes.
public enum Value: Hashable, Sendable {
    /// SQL's NULL.
    case null
    /// A signed integer of 64 bits.
    case integer(Int64)
    /// A float of 64 bits; SQLite stores NaN as NULL.
    case real(Double)
    /// UTF-8 text; what is not UTF-8 in the file is repaired while it is read.
    case text(String)
    /// Bytes.
    case blob([UInt8])

    /// Text, or NULL where there is none.
    public init(_ text: String?) {
        self = text.map(Value.text) ?? .null
    }

    /// An integer.
    public init(_ number: Int) { self = .integer(Int64(number)) }

    /// An integer.
    public init(_ number: UInt32) { self = .integer(Int64(number)) }

    /// An integer, or NULL where there is none.
    /// - Precondition: the number fits into a signed integer of 64 bits.
    public init(_ number: (some BinaryInteger)?) {
        self = number.map { .integer(Int64($0)) } ?? .null
    }

    /// One for true, zero for false, as SQL conditions give it.
    public init(_ flag: Bool) {
        self = .integer(flag ? 1 : 0)
    }

    /// The integer, if this is one.
    public var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The float, if this is one or an integer.
    public var real: Double? {
        switch self {
        case .real(let number): number
        case .integer(let number): Double(number)
        case .null, .text, .blob: nil
        }
    }

    /// The text, if this is one.
    public var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The bytes, if this is a blob.
    public var blob: [UInt8]? {
        if case .blob(let bytes) = self { bytes } else { nil }
    }
}
