import Glibc

/// An open descriptor that text goes to: a terminal, a pipe, a file. It is not closed with the value.
public struct OutputDescriptor: Sendable {
    /// What the process's parent gave it for results.
    public static let standardOutput = OutputDescriptor(1)
    /// What the process's parent gave it for everything else.
    public static let standardError = OutputDescriptor(2)

    private let number: Int32

    /// The descriptor of that number.
    public init(_ number: Int32) {
        self.number = number
    }

    /// Whether a person looks at it.
    public var isTerminal: Bool { isatty(number) == 1 }

    /// How many characters a line of the terminal has; nil if it is none or does not say.
    public var columns: Int? {
        var size = winsize()
        let result = unsafe ioctl(number, UInt(TIOCGWINSZ), &size)
        return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }

    /// Writes all bytes, however long that takes.
    /// - Returns: false if whoever read it is gone.
    @discardableResult public func write(_ bytes: [UInt8]) -> Bool {
        put(bytes, waitingMilliseconds: -1) == bytes.count
    }

    /// Writes bytes as long as the reader takes them.
    /// - Parameter waitingMilliseconds: how long to wait for a reader that takes nothing; below zero: for ever.
    /// - Returns: how many bytes were taken.
    public func put(_ bytes: [UInt8], waitingMilliseconds: Int32) -> Int {
        var taken = 0
        while taken < bytes.count {
            var state = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
            let ready = unsafe poll(&state, 1, waitingMilliseconds)
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else { break }
            // A pipe that is ready takes PIPE_BUF (4096) bytes without blocking; more might wait for its reader.
            let piece = bytes[taken..<min(taken + 4096, bytes.count)]
            let count = unsafe piece.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count > 0 else { break }
            taken += count
        }
        return taken
    }
}
