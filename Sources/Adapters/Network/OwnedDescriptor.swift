import Glibc
import Synchronization

/// An accepted connection that no loop has opened yet. It can be posted to any loop, which opens it with `Loop.open`;
/// if none does, it is closed when the last reference goes.
public final class OwnedDescriptor: Sendable {
    /// Who connected.
    public let peer: SocketAddress?
    private let number: Atomic<Int32>

    init(_ number: Int32, peer: SocketAddress?) {
        self.number = Atomic(number)
        self.peer = peer
    }

    /// Hands the descriptor over: the caller closes it. Nil when it has been handed over before.
    func take() -> Int32? {
        let taken = number.exchange(-1, ordering: .relaxed)
        return taken < 0 ? nil : taken
    }

    deinit {
        if let number = take() { _ = close(number) }
    }
}
