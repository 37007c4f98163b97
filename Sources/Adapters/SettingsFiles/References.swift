import FoundationEssentials

/// What `${ENV:NAME}` and `${FILE:path}` in a text stand for.
struct References {
    /// From where relative paths count.
    let folder: String
    let environment: [String: String]

    /// Bytes of a file that a value may come from.
    static let maximumBytes = 64 << 10

    /// What is wrong with a reference, and what to do about it.
    struct Problem: Error {
        var message: String
        var suggestion: String
    }

    /// The text with every reference replaced. What is put in is not looked at again.
    func expand(_ text: String) throws(Problem) -> String {
        guard text.contains("${") else { return text }
        var expanded = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: "${") {
            expanded += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw Problem(message: "a `${` is not closed", suggestion: "write `${ENV:NAME}` or `${FILE:path}`")
            }
            expanded += try value(of: rest[start.upperBound..<end])
            rest = rest[rest.index(after: end)...]
        }
        return expanded + rest
    }

    private func value(of reference: Substring) throws(Problem) -> String {
        if reference.hasPrefix("ENV:") {
            let name = reference.dropFirst(4)
            guard let value = environment[String(name)] else {
                throw Problem(
                    message: "the environment has no variable `\(name)`",
                    suggestion: "set it where the gateway is started")
            }
            return value
        }
        if reference.hasPrefix("FILE:") {
            let path = reference.dropFirst(5)
            let whole = path.hasPrefix("/") ? String(path) : "\(folder)/\(path)"
            do throws(UnreadableFile) {
                let bytes = try readFile(whole, maximumBytes: Self.maximumBytes)
                guard var text = String(validating: bytes, as: UTF8.self) else { throw UnreadableFile.notText }
                while let last = text.last, last.isNewline { text.removeLast() }
                return text
            } catch {
                throw Problem(
                    message: "the file `\(whole)` \(error.reason)",
                    suggestion: "name a file that exists and may be read")
            }
        }
        throw Problem(
            message: "`${\(reference)}` names neither a variable nor a file",
            suggestion: "write `${ENV:NAME}` or `${FILE:path}`")
    }
}

/// Why a file could not be read.
enum UnreadableFile: Error {
    case absent
    case notRegular
    case tooLarge(maximumBytes: Int)
    case forbidden
    case notText

    /// To be read after the file's name.
    var reason: String {
        switch self {
        case .absent: "does not exist"
        case .notRegular: "is not a regular file"
        case .tooLarge(let maximum): "has more than \(maximum) bytes"
        case .forbidden: "cannot be read"
        case .notText: "is not UTF-8 text"
        }
    }
}

/// The bytes of a regular file. Devices and pipes are not read: they need not have an end.
func readFile(_ path: String, maximumBytes: Int) throws(UnreadableFile) -> [UInt8] {
    let files = FileManager.default
    let target = URL(filePath: path).resolvingSymlinksInPath().path
    // Each failure of these two calls means the same to whoever reads the message, so their errors are not looked at.
    guard let attributes = try? files.attributesOfItem(atPath: target) else {
        throw files.fileExists(atPath: target) ? .forbidden : .absent
    }
    guard attributes[.type] as? FileAttributeType == .typeRegular else { throw .notRegular }
    // Of which type the number is depends on whether Foundation is linked beside FoundationEssentials (a test bundle
    // has it, and then only a concrete type is bridged).
    let number = attributes[.size]
    guard let size = number as? UInt64 ?? (number as? any BinaryInteger).map({ UInt64($0) }), size <= maximumBytes
    else { throw .tooLarge(maximumBytes: maximumBytes) }
    guard let contents = files.contents(atPath: target) else { throw .forbidden }
    return [UInt8](contents)
}

/// The folder that a file lies in.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
