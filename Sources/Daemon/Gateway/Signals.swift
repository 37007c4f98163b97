import Glibc
import Network

/// What the process was told by a signal.
public enum SignalRequest: Sendable {
    /// TERM or INT: end.
    case stop
    /// HUP: read the settings again.
    case reload
}

/// Signals as a stream: they arrive through a loop of their own (design 8).
public final class Signals: Sendable {
    /// What came, in order; at most 16 wait.
    public let requests: AsyncStream<SignalRequest>
    private let thread: LoopThread<Watches>

    private final class Watches {
        let kept: [SignalWatch]
        init(_ kept: [SignalWatch]) { self.kept = kept }
    }

    /// Handles the signals from now on.
    public init() throws(NetworkError) {
        let (requests, continuation) = AsyncStream.makeStream(
            of: SignalRequest.self, bufferingPolicy: .bufferingOldest(16))
        self.requests = requests
        thread = try LoopThread(name: "signals", bufferBytes: 4096) { loop in
            Watches([
                loop.onSignal(SIGTERM) { continuation.yield(.stop) },
                loop.onSignal(SIGINT) { continuation.yield(.stop) },
                loop.onSignal(SIGHUP) { continuation.yield(.reload) },
            ])
        }
    }

    /// Handles them no more.
    public func stop() { thread.stop() }
}
