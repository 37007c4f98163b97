/// Where a server is: scheme, host and port of an `http://` or `https://` URL that has no path.
public struct ServerURL: Hashable, Sendable, CustomStringConvertible {
    /// The scheme of a URL.
    public enum Scheme: String, Sendable {
        /// Plain.
        case http
        /// TLS.
        case https
    }

    /// How it is spoken to.
    public let scheme: Scheme
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    public let host: String
    /// The port, also where the text left it to the scheme.
    public let port: UInt16
    /// Host and port as the text has them (an IPv6 address in brackets, no port where none was written): what a Host
    /// header says.
    public let authority: String

    /// Reads `scheme://host[:port][/]`.
    /// - Returns: nil for anything else: another scheme, user information, a path, query or fragment, port 0.
    public init?(_ text: String) {
        guard let colon = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<colon.lowerBound].lowercased())
        else { return nil }
        var rest = text[colon.upperBound...]
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let (host, port) = Self.split(rest) else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port ?? (scheme == .http ? 80 : 443)
        self.authority = String(rest)
    }

    /// What stands where no URL has been read yet; it leads nowhere.
    static let blank = ServerURL(scheme: .http, host: "", port: 0, authority: "")

    private init(scheme: Scheme, host: String, port: UInt16, authority: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.authority = authority
    }

    /// The URL, without a slash at its end.
    public var description: String { "\(scheme.rawValue)://\(authority)" }

    /// Whether the host is an address that needs no resolving. Like the resolver, it takes four numbers for IPv4.
    public var isLiteral: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host.contains(":") || parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Takes `host[:port]` apart; nil when it is not one.
    private static func split(_ authority: Substring) -> (host: String, port: UInt16?)? {
        let host: Substring
        let tail: Substring
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<bracket]
            tail = authority[authority.index(after: bracket)...]
            guard host.contains(":"),
                host.utf8.allSatisfy({ $0.isHexDigit || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority[host.endIndex...]
            guard host.utf8.count <= 253, host.first != "-", host.first != ".", host.utf8.allSatisfy(\.isHostCharacter)
            else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if tail.isEmpty { return (String(host), nil) }
        let digits = tail.dropFirst()
        guard tail.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
            port > 0
        else { return nil }
        return (String(host), port)
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    fileprivate var isHostCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true  // letters, digits, - . _
        default: false
        }
    }
}
