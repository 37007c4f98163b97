import Curl
import Glibc
import Synchronization
import Testing
import Threads

@Suite("A transfer loop")
struct TransferLoopTests {
    private let loop = TransferLoop(name: "transfers")

    @Test func sendsMethodHeadersAndBodyAndReadsTheAnswer() async throws {
        let server = try Server(
            answer:
                "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 418 T\r\nA: b \r\na:c\r\nContent-Length: 4\r\n\r\nfull")
        let response = try await loop.perform(
            Request(
                method: "PUT", url: server.url + "/p?q=1", headers: [("X-One", "a b"), ("X-Empty", "")],
                body: Array("hello".utf8)))
        #expect(response.status == 418)
        #expect(response.headers.map { "\($0.name)=\($0.value)" } == ["A=b", "a=c", "Content-Length=4"])
        #expect(response.body == Array("full".utf8))
        let sent = server.received()
        #expect(sent.hasPrefix("PUT /p?q=1 HTTP/1.1\r\n"))
        #expect(sent.contains("\r\nX-One: a b\r\n"))
        #expect(sent.contains("\r\nX-Empty:\r\n"))
        #expect(!sent.contains("Content-Type") && !sent.contains("Expect"))
        #expect(sent.hasSuffix("\r\n\r\nhello"))
    }

    @Test func connectsToTheGivenAddressAndKeepsTheHost() async throws {
        let server = try Server(answer: "HTTP/1.1 204 N\r\n\r\n")
        let request = Request(url: "http://no-such-host.invalid:\(server.port)/", address: "127.0.0.1")
        #expect(try await loop.perform(request).status == 204)
        #expect(server.received().contains("Host: no-such-host.invalid:\(server.port)\r\n"))
    }

    @Test func boundsTheBody() async throws {
        let server = try Server(answer: "HTTP/1.1 200 O\r\nContent-Length: 11\r\n\r\n12345678901")
        await #expect(throws: CurlError.tooLarge(maximum: 10)) {
            try await loop.perform(Request(url: server.url, maximumBodyBytes: 10))
        }
    }

    @Test func tellsRefusedTimedOutCutAndMalformedApart() async throws {
        let silent = try Server(answer: nil)
        let cut = try Server(answer: "HTTP/1.1 200 O\r\nContent-Length: 11\r\n\r\n123")
        let empty = try Server(answer: "")
        let gone = try Server(answer: nil, isListening: false)
        func failure(_ request: Request) async -> String {
            do throws(CurlError) {
                return "\(try await loop.perform(request).status)"
            } catch {
                switch error {
                case .malformed: return "malformed"
                case .unresolved: return "unresolved"
                case .refused: return "refused"
                case .timedOut: return "timedOut"
                case .cut: return "cut"
                case .tooLarge: return "tooLarge"
                case .cancelled: return "cancelled"
                case .failed(let code, _): return "failed \(code)"
                }
            }
        }
        #expect(await failure(Request(url: gone.url)) == "refused")
        #expect(await failure(Request(url: silent.url, timeoutMilliseconds: 50)) == "timedOut")
        #expect(await failure(Request(url: cut.url)) == "cut")
        #expect(await failure(Request(url: empty.url)) == "cut")
        #expect(await failure(Request(url: "file:///etc/passwd")) == "malformed")
        #expect(await failure(Request(url: "http://[")) == "malformed")
        #expect(await failure(Request(url: gone.url, headers: [("A", "b\r\nC: d")])) == "malformed")
    }

    @Test func endsTheTransferOfACancelledTask() async throws {
        let silent = try Server(answer: nil)
        let task = Task { [loop] () async -> CurlError? in
            do throws(CurlError) {
                _ = try await loop.perform(Request(url: silent.url))
                return nil
            } catch { return error }
        }
        _ = await silent.waitUntilAsked()
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func runsManyTransfersAtATime() async throws {
        let server = try Server(answer: "HTTP/1.1 200 O\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 { group.addTask { [loop] in try await loop.perform(Request(url: server.url)).status } }
            for try await status in group { #expect(status == 200) }
        }
    }
}

/// A server that reads one request of each connection and gives always the same answer; nil: none, and no close.
private final class Server: Sendable {
    let port: UInt16
    var url: String { "http://127.0.0.1:\(port)" }
    private let text = Mutex("")
    private let asked = AsyncStream<Void>.makeStream()

    init(answer: String?, isListening: Bool = true) throws {
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

    func received() -> String { text.withLock { $0 } }

    func waitUntilAsked() async -> Bool {
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
