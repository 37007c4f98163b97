import Network

/// Writes the body of a streamed answer.
public struct HTTPBodyWriter: Sendable {
    let connection: UInt64
    let thread: LoopThread<ServerLoop>

    /// The client has left, or the server stops: nothing more can be written.
    public struct Closed: Error, Equatable {}

    /// Writes a piece and returns once the kernel has all of it, so that at most one piece waits for a slow client.
    public func write(_ bytes: [UInt8]) async throws(Closed) {
        guard !Task.isCancelled else { throw Closed() }
        let hasLeft = await withCheckedContinuation { continuation in
            let isTaken = thread.post { $0.write(bytes, to: connection) { continuation.resume(returning: $0) } }
            if !isTaken { continuation.resume(returning: false) }
        }
        guard hasLeft else { throw Closed() }
    }
}
