import Bytes
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
        self.fields = fields.map { LogField($0.name, Self.bounded($0.value)) }
    }

    /// A value as it is written.
    static func bounded(_ value: String) -> String {
        guard value.utf8.count > longestValue else { return value }
        return String(value.unicodeScalars.prefix(longestValue)) + "..."
    }
}

/// How lines look.
enum LineFormat: Equatable {
    /// For people: time, level, message, `name=value`; a value that has spaces, quotes or control characters stands in
    /// quotes, so that no value can look like another line. `isColoured`: warnings and errors stand out.
    case text(isColoured: Bool)
    /// One JSON object: `at`, `level`, `message`, then the fields, whose values are strings.
    case json

    /// - Parameter time: the line's moment, as text.
    func bytes(of line: LogLine, time: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        begin(line.level, line.message, time: time, in: &bytes)
        for field in line.fields { put(field.name, field.value, in: &bytes) }
        end(in: &bytes)
        return bytes
    }

    /// Begins a line.
    func begin(_ level: LogLevel, _ message: String, time: String, in line: inout [UInt8]) {
        switch self {
        case .json:
            line.append(contentsOf: #"{"at":""#.utf8)
            line.append(contentsOf: time.utf8)
            line.append(contentsOf: #"","level":""#.utf8)
            line.append(contentsOf: level.word.utf8)
            line.append(contentsOf: #"","message":"#.utf8)
            JSONString.append(message, to: &line)
        case .text(let isColoured):
            let word = level.word.uppercased()
            let padding = String(repeating: " ", count: max(0, 7 - word.count))
            let colour = isColoured ? level.colour : ""
            line.append(contentsOf: "\(time) \(colour)\(word)\(colour.isEmpty ? "" : "\u{1B}[0m")\(padding) ".utf8)
            line.append(contentsOf: message.utf8)
        }
    }

    /// Puts a field whose value is a word of ours, as its name is, or a number: it needs no quotes to be told from others.
    func put(_ name: String, word: String, in line: inout [UInt8]) {
        begin(name, in: &line)
        switch self {
        case .json:
            line.append(UInt8(ascii: "\""))
            line.append(contentsOf: word.utf8.span)
            line.append(UInt8(ascii: "\""))
        case .text: line.append(contentsOf: word.utf8.span)
        }
    }

    /// Puts a field.
    func put(_ name: String, _ value: String, in line: inout [UInt8]) {
        begin(name, in: &line)
        switch self {
        case .json: JSONString.append(value, to: &line)
        case .text:
            if value.isEmpty || value.unicodeScalars.contains(where: \.needsQuotes) {
                JSONString.append(value, to: &line)
            } else {
                line.append(contentsOf: value.utf8.span)
            }
        }
    }

    private func begin(_ name: String, in line: inout [UInt8]) {
        switch self {
        case .json:
            line.append(UInt8(ascii: ","))
            line.append(UInt8(ascii: "\""))
            line.append(contentsOf: name.utf8.span)
            line.append(UInt8(ascii: "\""))
            line.append(UInt8(ascii: ":"))
        case .text:
            line.append(UInt8(ascii: " "))
            line.append(contentsOf: name.utf8.span)
            line.append(UInt8(ascii: "="))
        }
    }

    /// Ends a line.
    func end(in line: inout [UInt8]) {
        switch self {
        case .json: line.append(UInt8(ascii: "}"))
        case .text: break
        }
        line.append(UInt8(ascii: "\n"))
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
        let bytes = text.utf8.span
        let odd = search(bytes, from: 0, to: bytes.count) { bytes in
            bytes | bytes.marks(below: 0x20) | bytes.marks(from: 0x7F) | bytes.marks(of: 0x22) | bytes.marks(of: 0x5C)
        }
        if odd == bytes.count { return line.append(contentsOf: bytes) }
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
