import Engine
import Model

/// One line of the log before it is written.
struct LogLine: Equatable {
    /// The most characters of a value that are written: what a client sent may be a megabyte long.
    static let longestValue = 1000

    let at: Timestamp
    let level: LogLevel
    let message: String
    let fields: [LogField]

    init(at: Timestamp, level: LogLevel, message: String, fields: [LogField]) {
        self.at = at
        self.level = level
        self.message = message
        guard fields.contains(where: { $0.value.utf8.count > Self.longestValue }) else {
            self.fields = fields
            return
        }
        self.fields = fields.map { field in
            guard field.value.utf8.count > Self.longestValue else { return field }
            return LogField(field.name, String(field.value.unicodeScalars.prefix(Self.longestValue)) + "...")
        }
    }

    /// The line as one JSON object: `at`, `level`, `message`, then the fields, whose values are strings.
    /// - Parameter time: its moment as text, where that is known.
    func json(time: String? = nil) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line.append(contentsOf: #"{"at":""#.utf8)
        line.append(contentsOf: (time ?? at.text).utf8)
        line.append(contentsOf: #"","level":""#.utf8)
        line.append(contentsOf: level.word.utf8)
        line.append(contentsOf: #"","message":"#.utf8)
        JSONString.append(message, to: &line)
        for field in fields {
            line.append(UInt8(ascii: ","))
            JSONString.append(field.name, to: &line)
            line.append(UInt8(ascii: ":"))
            JSONString.append(field.value, to: &line)
        }
        line.append(contentsOf: "}\n".utf8)
        return line
    }

    /// The line for people: time, level, message, `name=value`; a value that has spaces, quotes or control characters
    /// stands in quotes, so that no value can look like another line.
    /// - Parameters:
    ///   - isColoured: whether warnings and errors stand out.
    ///   - time: its moment as text, where that is known.
    func text(isColoured: Bool, time: String? = nil) -> [UInt8] {
        let word = level.word.uppercased()
        let padding = String(repeating: " ", count: max(0, 7 - word.count))
        var line = Array("\(time ?? at.text) ".utf8)
        let colour = isColoured ? level.colour : ""
        line.append(contentsOf: Array("\(colour)\(word)\(colour.isEmpty ? "" : "\u{1B}[0m")\(padding) \(message)".utf8))
        for field in fields {
            line.append(contentsOf: Array(" \(field.name)=".utf8))
            if field.value.isEmpty || field.value.unicodeScalars.contains(where: \.needsQuotes) {
                JSONString.append(field.value, to: &line)
            } else {
                line.append(contentsOf: Array(field.value.utf8))
            }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }
}

extension Unicode.Scalar {
    /// Whether a value of the text form that holds it stands in quotes.
    fileprivate var needsQuotes: Bool {
        switch value {
        case 0...0x20, 0x22, 0x7F...0xA0, 0x2028, 0x2029: true
        default: false
        }
    }
}

extension LogLevel {
    /// The word in settings and lines.
    var word: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The terminal's code for it; empty for what needs no attention.
    fileprivate var colour: String {
        switch self {
        case .debug, .info: ""
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        }
    }
}

/// Strings as JSON has them.
enum JSONString {
    /// Appends the text in quotes. Besides what JSON asks for, DEL and the line separators of Unicode are escaped: what
    /// a client sent must not end a line or drive a terminal.
    static func append(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        defer { line.append(UInt8(ascii: "\"")) }
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            line.append(contentsOf: text.utf8)
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": line.append(contentsOf: [UInt8(ascii: "\\"), UInt8(scalar.value)])
            case "\n": line.append(contentsOf: Array(#"\n"#.utf8))
            case "\r": line.append(contentsOf: Array(#"\r"#.utf8))
            case "\t": line.append(contentsOf: Array(#"\t"#.utf8))
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                line.append(contentsOf: Array(#"\u"#.utf8))
                line.append(contentsOf: Array((String(repeating: "0", count: 4 - digits.count) + digits).utf8))
            default: line.append(contentsOf: Array(String(scalar).utf8))
            }
        }
    }
}
