import Bytes
import Glibc

extension Stream {
    /// Bytes that were accepted and that the kernel has not taken yet. This is the backpressure: see `drained`.
    public var pendingBytes: Int { backlog.count }

    /// Bytes that the kernel may have taken, never fewer than it did; 0 for certain where the connection never stood.
    public var bytesWritten: Int {
        switch phase {
        case .connecting: 0
        case .open, .finishing: accepted - backlog.count
        case .closing, .closed: writtenAtClose
        }
    }

    /// Writes bytes: to the kernel at once, where nothing waits before them; what it does not take is copied and
    /// follows by itself. After an ending, or once the peer is gone, they are dropped.
    public func write(_ bytes: Span<UInt8>) {
        write(bytes, Span())
    }

    /// Writes two slices in one system call, as if they were one.
    public func write(_ first: Span<UInt8>, _ second: Span<UInt8>) {
        let total = first.count + second.count
        guard isOpen, !wantsShutdown, !writeBroke, total > 0 else { return }
        accepted += total
        var taken = 0
        if phase == .open, backlog.isEmpty {
            taken = tryWrite(first, second)
            if taken == total { return }
            if taken < 0 { return didBreak(Int32(truncatingIfNeeded: -taken)) }
        }
        let fromFirst = min(taken, first.count)
        backlog.reserve(total - taken)
        backlog.append(first.extracting(droppingFirst: fromFirst))
        backlog.append(second.extracting(droppingFirst: taken - fromFirst))
    }

    /// Sends the end of this direction once all that is queued has left; reading goes on. Later writes are dropped.
    public func shutdownWrite() {
        guard isOpen, !wantsShutdown else { return }
        wantsShutdown = true
        shutdownIfDrained()
    }

    /// How many bytes the kernel took, or a negative errno.
    private func tryWrite(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
        let number = descriptor
        let flags = Int32(MSG_NOSIGNAL)
        while true {
            let taken = unsafe first.withUnsafeBytes { first in
                guard !second.isEmpty else { return unsafe send(number, first.baseAddress, first.count, flags) }
                return unsafe second.withUnsafeBytes { unsafe sendBoth(number, first, $0, flags) }
            }
            guard taken < 0 else { return taken }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            case let code: return -Int(code)
            }
        }
    }

    /// The socket takes bytes again: sends what waits, until it takes no more.
    func flush() {
        guard !backlog.isEmpty, phase == .open || phase == .finishing else { return }
        while !backlog.isEmpty {
            let bytes = backlog.bytes
            let taken = tryWrite(bytes.span.extracting(droppingFirst: backlog.sent), Span())
            if taken == 0 { return }
            if taken < 0 { return didBreak(Int32(truncatingIfNeeded: -taken)) }
            backlog.drop(taken)
        }
        if phase == .open { owner?.drained() }
        shutdownIfDrained()
    }

    /// The peer takes no more. What it had sent before may still wait in the kernel (an early answer to a body that is
    /// being sent): it is read on to its end, which then closes the stream.
    private func didBreak(_ code: Int32) {
        writeBroke = true
        backlog = Backlog()
        let reason = CloseReason(code)
        if phase == .open, isReading, reason == .reset || reason == .timedOut { return readToEnd() }
        beginClosing(reason)
    }

    func shutdownIfDrained() {
        guard wantsShutdown, !didShutdown, backlog.isEmpty, phase == .open || phase == .finishing else { return }
        didShutdown = true
        _ = shutdown(descriptor, Int32(SHUT_WR))
        if phase == .finishing { startLingering() }
    }
}

/// Bytes that wait for the socket.
struct Backlog {
    private(set) var bytes: [UInt8] = []
    /// How many of them have left.
    private(set) var sent = 0

    var isEmpty: Bool { bytes.isEmpty }
    /// How many wait.
    var count: Int { bytes.count - sent }

    /// Makes room for so many more.
    mutating func reserve(_ more: Int) {
        // What has left makes room before more is taken; moved only where that is most of it, so each byte once.
        if sent > count {
            bytes.removeFirst(sent)
            sent = 0
        }
        if bytes.isEmpty { bytes.reserveCapacity(more) }
    }

    mutating func append(_ more: Span<UInt8>) { bytes.append(contentsOf: more) }

    /// The first ones have left. The memory is given back when all have.
    mutating func drop(_ count: Int) {
        sent += count
        if sent == bytes.count { self = Backlog() }
    }
}

private func sendBoth(
    _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ flags: Int32
) -> Int {
    var slices = unsafe (slice(first), slice(second))
    return unsafe withUnsafeMutablePointer(to: &slices) { slices in
        unsafe slices.withMemoryRebound(to: iovec.self, capacity: 2) { slices in
            var message = unsafe msghdr()
            unsafe message.msg_iov = slices
            unsafe message.msg_iovlen = 2
            return unsafe sendmsg(descriptor, &message, flags)
        }
    }
}

private func slice(_ bytes: UnsafeRawBufferPointer) -> iovec {
    unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
}
