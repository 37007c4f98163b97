import Glibc
import Synchronization
import Testing
import Threads

/// A server that reads one request of each connection and gives always the same answer; nil: none, and no close.
public final class CannedServer: Sendable {
    /// The port it listens on.
    public let port: UInt16
    /// What clients are given.
    public var url: String { "http://127.0.0.1:\(port)" }
    private let text = Mutex("")
    private let asked = AsyncStream<Void>.makeStream()

    /// Starts it on a free port of the loopback; one that does not listen only finds a port that refuses.
    public init(answer: String?, isListening: Bool = true) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, length) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else {
            close(listener)
            return
        }
        listen(listener, 128)
        startThread(name: "server") { [weak self] in
            while true {
                let peer = accept(listener, nil, nil)
                guard peer >= 0, let self else { break }
                self.serve(peer, answer)
            }
        }
    }

    /// The newest request, whole.
    public func received() -> String { text.withLock { $0 } }

    /// Returns when a request has come.
    public func waitUntilAsked() async -> Bool {
        for await _ in asked.stream { return true }
        return false
    }

    private func serve(_ peer: Int32, _ answer: String?) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var request = ""
        // A body of these tests is five bytes.
        while !request.hasSuffix("\r\n\r\n") && !request.hasSuffix("hello") {
            let count = unsafe read(peer, &buffer, buffer.count)
            guard count > 0 else { break }
            request += String(decoding: buffer[..<count], as: UTF8.self)
            if request.contains("Content-Length: 5") && !request.hasSuffix("hello") { continue }
            if request.contains("\r\n\r\n") { break }
        }
        text.withLock { $0 = request }
        asked.continuation.yield()
        guard let answer else { return }
        let bytes = Array(answer.utf8)
        _ = unsafe write(peer, bytes, bytes.count)
        close(peer)
    }
}
