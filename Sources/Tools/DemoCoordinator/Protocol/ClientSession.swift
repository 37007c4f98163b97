import Wire

/// What a client's headers say of its session. Engines keep none: the client sends all of it with each statement.
struct ClientSession: Equatable, Sendable {
    var user = ""
    var source: String?
    var catalog: String?
    var schema: String?
    var properties: [String: String] = [:]
    var prepared: [String: String] = [:]
    /// The transaction that the client is in; `NONE` if it knows transactions and is in none; nil if it knows none.
    var transaction: String?
    var capabilities: Set<String> = []
    var clientTags: String?
    /// The prefix that the client used, which answers use too.
    var dialect = Dialect.trino
    /// `X-Penstock-Attempt`, where a gateway sent it.
    var attempt: String?

    /// Whether the client knows types such as timestamp(6).
    var hasParametricTimes: Bool { capabilities.contains("PARAMETRIC_DATETIME") }

    /// The id of the transaction that the client is in.
    var transactionID: String? { transaction.flatMap { $0.uppercased() == "NONE" ? nil : $0.lowercased() } }
}

/// Why a request's headers cannot be taken: the text of a 400, or 401.
enum SessionFault: Error, Equatable {
    /// No user: 401 with a challenge.
    case noUser
    /// 400 with this text.
    case invalid(String)
}

extension ClientSession {
    /// Reads the headers of a request. Of both prefixes at once, Trino's count.
    init(headers: [(name: String, value: String)]) throws(SessionFault) {
        self.init()
        let hasTrino = headers.contains { $0.name.hasPrefix("x-trino-") }
        dialect = hasTrino ? .trino : .presto
        let prefix = hasTrino ? "x-trino-" : "x-presto-"
        let spoken = hasTrino ? "X-Trino-" : "X-Presto-"
        for (name, value) in headers {
            if name == "x-penstock-attempt" { attempt = value }
            guard name.hasPrefix(prefix), !value.isEmpty else { continue }
            switch name.dropFirst(prefix.count) {
            case "user": user = value
            case "source": source = value
            case "catalog": catalog = value.lowercased()
            case "schema": schema = value.lowercased()
            case "transaction-id": transaction = value
            case "client-tags": clientTags = value
            case "client-capabilities": capabilities = Set(parts(value))
            case "session": try add(value, to: \.properties, "\(spoken)Session")
            case "prepared-statement": try add(value, to: \.prepared, "\(spoken)Prepared-Statement")
            default: continue
            }
        }
        if user.isEmpty { throw .noUser }
        if let id = transactionID, !isUUID(id) { throw .invalid("Invalid UUID string: \(id)") }
        if schema != nil, catalog == nil { throw .invalid("Schema is set but catalog is not") }
    }

    private mutating func add(
        _ value: String, to list: WritableKeyPath<ClientSession, [String: String]>, _ header: String
    ) throws(SessionFault) {
        for part in parts(value) {
            guard let equals = part.firstIndex(of: "="), let name = urlDecoded(String(part[..<equals])),
                let text = urlDecoded(String(part[part.index(after: equals)...]))
            else { throw .invalid("Invalid \(header) header") }
            self[keyPath: list][name] = text
        }
    }
}

private func parts(_ value: String) -> [String] {
    value.split(separator: ",").map { part in
        let start = part.drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }.filter { !$0.isEmpty }
}

private func isUUID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
}

/// A form-encoded value; nil where a `%` is not followed by two digits.
func urlDecoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var iterator = text.utf8.makeIterator()
    while let byte = iterator.next() {
        switch byte {
        case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
        case UInt8(ascii: "%"):
            guard let high = iterator.next(), let low = iterator.next(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        default: bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// A value form-encoded, as session headers are.
func urlEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "*"):
            bytes.append(byte)
        case UInt8(ascii: " "): bytes.append(UInt8(ascii: "+"))
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
