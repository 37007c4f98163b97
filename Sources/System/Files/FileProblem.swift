import Glibc

/// Why the operating system refused something with a file.
public struct FileProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried: "create", "open" ...
    public let verb: String
    /// The file or folder.
    public let path: String
    /// The system's error number (errno).
    public let code: Int32

    init(_ verb: String, _ path: String) {
        self.verb = verb
        self.path = path
        code = errno
    }

    /// "cannot create /var/x: Permission denied".
    public var description: String { "cannot \(verb) \(path): \(unsafe String(cString: strerror(code)))" }
}
