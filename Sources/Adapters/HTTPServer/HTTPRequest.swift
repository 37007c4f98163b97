/// One whole request, as a handler gets it.
public struct HTTPRequest: Sendable {
    /// As it was sent: `GET`, `HEAD`, `POST` ...
    public var method: String
    /// The path as it was sent, escapes untouched, without the query.
    public var path: String
    /// The path's segments, decoded: `/v1/groups/a%2Fb` is `v1`, `groups`, `a/b`. `/` has none.
    public var segments: [String]
    /// The query's members in their order, decoded; one without `=` has an empty value.
    public var query: [(name: String, value: String)]
    /// The header fields in their order.
    public var headers: [(name: String, value: String)]
    /// The body, its framing taken off.
    public var body: [UInt8]
    /// The address of the client, without its port.
    public var peer: String

    /// A request; the path is decoded here.
    ///
    /// Nil where an escape of the target is broken or does not stand for UTF-8.
    public init?(
        method: String, target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        peer: String = ""
    ) {
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first ?? Substring().utf8
        guard let segments = decodedSegments(path), let query = decodedQuery(parts.count == 2 ? parts[1] : nil) else {
            return nil
        }
        self.method = method
        self.path = path.isEmpty ? "/" : String(decoding: path, as: UTF8.self)
        self.segments = segments
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The value of the first field of that name, in any case; nil when there is none.
    public func header(_ name: String) -> String? {
        headers.first { isSameFieldName($0.name, name) }?.value
    }

    /// The value of the first member of the query of that name; nil when there is none.
    public func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// Field names differ in ASCII case only.
func isSameFieldName(_ first: String, _ second: String) -> Bool {
    first.utf8.elementsEqual(second.utf8) { lowercased($0) == lowercased($1) }
}

private func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

private func decodedSegments(_ path: Substring.UTF8View) -> [String]? {
    var segments: [String] = []
    for part in path.split(separator: UInt8(ascii: "/")) {
        guard let segment = decoded(part, plusIsSpace: false) else { return nil }
        segments.append(segment)
    }
    return segments
}

private func decodedQuery(_ query: Substring.UTF8View?) -> [(name: String, value: String)]? {
    guard let query else { return [] }
    var members: [(name: String, value: String)] = []
    for part in query.split(separator: UInt8(ascii: "&")) {
        let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = decoded(pair[0], plusIsSpace: true) else { return nil }
        guard let value = pair.count == 2 ? decoded(pair[1], plusIsSpace: true) : "" else { return nil }
        members.append((name, value))
    }
    return members
}

/// Percent escapes taken off; nil where one is broken or the result is no UTF-8 text.
private func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = text.makeIterator()
    while let byte = rest.next() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = hexValue(rest.next()), let low = hexValue(rest.next()) else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8?) -> UInt8? {
    switch byte {
    case .some(let digit) where (0x30...0x39).contains(digit): digit - 0x30
    case .some(let letter) where (0x41...0x46).contains(letter & 0xDF): (letter & 0xDF) - 0x37
    case .some, .none: nil
    }
}
