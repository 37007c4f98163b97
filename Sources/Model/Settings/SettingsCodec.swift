/// What values a key takes, and how they are written.
struct SettingsCodec<Value: Sendable>: Sendable {
    let parse: @Sendable (SettingsValue) throws(SettingsRefusal) -> Value
    let print: @Sendable (Value) -> SettingsValue

    init(
        parse: @escaping @Sendable (SettingsValue) throws(SettingsRefusal) -> Value,
        print: @escaping @Sendable (Value) -> SettingsValue
    ) {
        self.parse = parse
        self.print = print
    }

    /// A codec of single texts.
    /// - Parameters:
    ///   - expected: what is expected, with its article, `a port (0 to 65535)`.
    ///   - example: a text that would be taken.
    ///   - nearest: a text that was probably meant.
    ///   - read: nil for what is not taken.
    init(
        _ expected: String, example: String, nearest: @escaping @Sendable (String) -> String? = { _ in nil },
        read: @escaping @Sendable (String) -> Value?, write: @escaping @Sendable (Value) -> String
    ) {
        parse = { (value) throws(SettingsRefusal) in
            guard case .text(let text) = value, let parsed = read(text) else {
                var suggestion = "write \(expected), like `\(example)`"
                // A guess is shown only if it would be taken.
                if case .text(let text) = value, let guess = nearest(text), read(guess) != nil {
                    suggestion = "did you mean `\(guess)`?"
                }
                throw SettingsRefusal("is not \(expected)", suggestion: suggestion)
            }
            return parsed
        }
        print = { .text(write($0)) }
    }

    /// The same, but for values that a further check refuses.
    func checked(_ check: @escaping @Sendable (Value) -> SettingsRefusal?) -> SettingsCodec {
        let parse = parse
        return SettingsCodec(
            parse: { (value) throws(SettingsRefusal) in
                let parsed = try parse(value)
                if let refusal = check(parsed) { throw refusal }
                return parsed
            }, print: print)
    }

    /// The same, and a word for nil: `null` or, where the key has a better one, `auto`.
    func or(_ word: SettingsValue) -> SettingsCodec<Value?> {
        let parse = parse
        let print = print
        return SettingsCodec<Value?>(
            parse: { (value) throws(SettingsRefusal) in
                if value == word { return nil }
                do throws(SettingsRefusal) {
                    return try parse(value)
                } catch {
                    throw SettingsRefusal("\(error.message), nor `\(word)`", suggestion: error.suggestion)
                }
            },
            print: { $0.map(print) ?? word })
    }
}

extension SettingsCodec where Value == String {
    /// A text of which every byte is printable, not empty.
    static func text(_ expected: String, example: String, _ check: @escaping @Sendable (String) -> Bool = { _ in true })
        -> Self
    {
        Self(
            expected, example: example, read: { $0.isPlain && check($0) ? $0 : nil }, write: { $0 })
    }

    /// What a group, pool or coordinator is called; it stands in URLs, commands and metrics.
    static let name = text("a name (letters, digits, `-`, `_`, `.`; at most 64)", example: "blue-1") { text in
        text.utf8.count <= 64 && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// A pattern that a header's value is held against.
    static let pattern = text("a text, `*` stands for any run of characters", example: "etl_*")

    /// Where a listener listens: an address or a name of this host.
    static let address = text("an IP address or the name of this host", example: "127.0.0.1") { text in
        ServerURL("http://\(text.contains(":") ? "[\(text)]" : text)").map { $0.host == text } ?? false
    }

    /// The path of a file or folder.
    static let path = text("a path", example: "/var/lib/penstock")

    /// The path of a URL.
    static let urlPath = text("a path that begins with `/`", example: "/v1/info") {
        $0.hasPrefix("/") && !$0.contains("#")
    }

    /// The URL of a web page, without the slash at its end.
    static let webURL = Self(
        "an http:// or https:// URL without query", example: "https://trino.example.com",
        read: { text in
            guard text.isPlain, let scheme = text.firstRange(of: "://"), !text.contains("?"), !text.contains("#") else {
                return nil
            }
            let end = text[scheme.upperBound...].firstIndex(of: "/") ?? text.endIndex
            guard ServerURL(String(text[..<end])) != nil else { return nil }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        },
        write: { $0 })

    /// `state.store`.
    static let store = text("`sqlite` or a postgresql:// URL", example: "sqlite") {
        $0 == "sqlite" || $0.hasPrefix("postgresql://") || $0.hasPrefix("postgres://")
    }.checked { store in
        store == "sqlite" ? nil : .comesLater("a store in PostgreSQL", standard: .text("sqlite"))
    }
}

extension SettingsCodec where Value == [String] {
    /// A list of texts, each of which is taken by a codec.
    static func list(of element: SettingsCodec<String>) -> Self {
        Self(
            parse: { (value) throws(SettingsRefusal) in
                guard case .list(let texts) = value else {
                    throw SettingsRefusal("is not a list", suggestion: "write a list, like `[a, b]`; `[]` is empty")
                }
                for text in texts {
                    do throws(SettingsRefusal) {
                        _ = try element.parse(.text(text))
                    } catch {
                        throw SettingsRefusal("has an entry that \(error.message)", suggestion: error.suggestion)
                    }
                }
                return texts
            },
            print: { .list($0) })
    }
}

extension SettingsCodec where Value == Bool {
    /// `true` or `false`.
    static let flag = Self(
        "`true` or `false`", example: "false",
        nearest: {
            ["yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"][$0.lowercased()]
        },
        read: { ["true": true, "false": false][$0] }, write: { "\($0)" })
}

extension SettingsCodec where Value == Int {
    /// A whole number.
    static func number(_ bounds: ClosedRange<Int>) -> Self {
        Self(
            "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)", example: "\(bounds.lowerBound)",
            nearest: { Int($0).map { "\(min(max($0, bounds.lowerBound), bounds.upperBound))" } },
            read: { text in Int(text).flatMap { bounds.contains($0) ? $0 : nil } }, write: { "\($0)" })
    }

    /// A number of bytes.
    static func size(_ bounds: ClosedRange<Int>) -> Self {
        let lowest = SettingsUnits.text(size: bounds.lowerBound)
        let highest = SettingsUnits.text(size: bounds.upperBound)
        return Self(
            "a size from \(lowest) to \(highest)", example: bounds.contains(1 << 20) ? "1MiB" : lowest,
            nearest: { text in
                guard let size = SettingsUnits.size(text) else { return SettingsUnits.nearestSize(text) }
                return size < bounds.lowerBound ? lowest : highest
            },
            read: { text in SettingsUnits.size(text).flatMap { bounds.contains($0) ? $0 : nil } },
            write: { SettingsUnits.text(size: $0) })
    }
}

extension SettingsCodec where Value == UInt16 {
    /// A port to listen on.
    static let port = Self(
        "a port (0 to 65535, 0 picks a free one)", example: "8080", read: { UInt16($0) }, write: { "\($0)" })
}

extension SettingsCodec where Value == Double {
    /// A share of a whole.
    static let share = Self(
        "a share from 0 to 1", example: "0.2",
        nearest: { text in text.hasSuffix("%") ? Double(text.dropLast()).map { "\($0 / 100)" } : nil },
        read: { text in Double(text).flatMap { (0...1).contains($0) ? $0 : nil } }, write: { "\($0)" })
}

extension SettingsCodec where Value == Duration {
    /// A time, in whole milliseconds.
    static func duration(_ bounds: ClosedRange<Duration>) -> Self {
        let lowest = SettingsUnits.text(bounds.lowerBound)
        let highest = SettingsUnits.text(bounds.upperBound)
        return Self(
            "a duration from \(lowest) to \(highest)", example: bounds.contains(.seconds(30)) ? "30s" : lowest,
            nearest: { text in
                guard let duration = SettingsUnits.duration(text) else { return SettingsUnits.nearestDuration(text) }
                return duration < bounds.lowerBound ? lowest : highest
            },
            read: { text in SettingsUnits.duration(text).flatMap { bounds.contains($0) ? $0 : nil } },
            write: { SettingsUnits.text($0) })
    }
}

extension SettingsCodec where Value == ServerURL {
    /// Scheme, host and port.
    static let serverURL = Self(
        "a URL of scheme, host and port, without path", example: "http://127.0.0.1:8080",
        nearest: { ServerURL("http://\($0)")?.description }, read: { ServerURL($0) }, write: { $0.description })

    /// Where a coordinator is.
    static let coordinatorURL = serverURL.checked { url in
        guard url.scheme == .https else { return nil }
        return SettingsRefusal(
            "needs TLS to coordinators, which comes later", suggestion: "until then use the coordinator's http:// port")
    }
}

extension String {
    /// Neither empty nor with control characters, nor with space around it.
    fileprivate var isPlain: Bool {
        !isEmpty && first != " " && last != " " && utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
