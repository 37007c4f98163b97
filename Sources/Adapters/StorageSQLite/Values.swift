import Engine
import Model
import SQLite
import Wire

extension Timestamp {
    /// Times are stored as milliseconds since 1970.
    var value: Value { .integer(milliseconds) }

    init?(_ value: Value) {
        guard let milliseconds = value.integer else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

extension Value {
    init(_ timestamp: Timestamp?) {
        self = timestamp?.value ?? .null
    }

    /// Unsigned 64 bits, as the signed number of the same bits.
    init(bits: UInt64) {
        self = .integer(Int64(bitPattern: bits))
    }

    var bits: UInt64? { integer.map(UInt64.init(bitPattern:)) }

    var isTrue: Bool { integer == 1 }
}

extension TagKey {
    /// A new secret. The system's generator is fit for secrets (getrandom).
    init(id: UInt8) {
        var generator = SystemRandomNumberGenerator()
        self.init(id: id, k0: generator.next(), k1: generator.next())
    }

    /// The columns id and secret.
    init?(row: [Value]) {
        guard let id = row[0].integer.flatMap(UInt8.init(exactly:)), let secret = row[1].blob, secret.count == 16 else {
            return nil
        }
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(id: id, k0: word(secret[..<8]), k1: word(secret[8...]))
    }

    /// Both words, the low byte first.
    var secret: [UInt8] {
        [k0, k1].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }
}

extension StatementKey {
    init?(_ counter: Value, _ random: Value, _ number: Value) {
        guard let counter = counter.integer.flatMap(UInt32.init(exactly:)), let random = random.bits,
            let number = number.bits
        else { return nil }
        self.init(owner: Owner(counter: counter, random: random), number: number)
    }
}

extension StorageProblem {
    /// The text for the log and the status.
    var text: String {
        switch self {
        case .away(let text), .damaged(let text): text
        case .duplicate(let name): "the name \(name) is taken"
        case .unknown(let name): "\(name) is not in the store"
        case .epochMismatch(let actual): "the group's epoch is \(actual)"
        }
    }
}
