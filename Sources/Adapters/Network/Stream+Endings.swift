import CUV
import Glibc

// The endings. Which one a peer gets to see matters: a plain close while its bytes lie unread sends a reset, and a
// reset can eat the answer that left before it. `closed(.local)` follows each of them.
extension Stream {
    /// What a peer may still send after `finish` before it is closed.
    static let lingerBytes = 65_536
    /// How long a peer may take to close its side after `finish`.
    static let lingerMilliseconds: Int64 = 1_000

    /// Ends a connection whose answer is whole: what is queued leaves, then the end is sent, and at most 64 KiB or one
    /// second of what the peer still sends is read and dropped. While bytes are queued no clock runs: an owner that
    /// does not want to wait for a slow reader calls another ending.
    public func finish() {
        guard isOpen else { return }
        guard phase == .open, !writeBroke else { return close() }
        phase = .finishing
        wantsShutdown = true
        if didShutdown { startLingering() } else { shutdownIfDrained() }
    }

    /// Resets the connection, so that an answer that was cut looks cut. After this side's end was sent a reset is no
    /// longer possible and the stream is merely closed.
    public func abort() {
        beginClosing(.local, byReset: !didShutdown)
    }

    /// Ends the connection at once without a reset: what the peer sent is read away first, what is queued is dropped.
    public func cut() {
        guard phase != .closing, phase != .closed else { return }
        // MSG_TRUNC drops a TCP socket's bytes without copying them. Who sends faster than this gets a reset.
        var turns = 16
        while turns > 0, recv(descriptor, nil, 1 << 20, Int32(MSG_TRUNC) | Int32(MSG_DONTWAIT)) > 0 {
            turns -= 1
        }
        close()
    }

    /// Closes at once, as the kernel likes: with a reset where bytes lie unread.
    public func close() { beginClosing(.local) }

    func startLingering() {
        guard !sawEnd else { return close() }
        lingersUntil = loop.now + Self.lingerMilliseconds
        isLingering = true
        droppedBytes = 0
        loop.linger(self)
        startReading()
    }

    /// Counts bytes that came after `finish`.
    func drop(_ count: Int) {
        droppedBytes += count
        guard droppedBytes > Self.lingerBytes else { return }
        // While the answer is still leaving, a reset would eat it: then the peer has to wait.
        if isLingering { close() } else { stopReading() }
    }

    func beginClosing(_ reason: CloseReason, byReset: Bool = false) {
        guard phase != .closing, phase != .closed else { return }
        writtenAtClose = bytesWritten
        phase = .closing
        descriptor = -1
        isLingering = false
        self.reason = reason
        waiting = nil
        let didClose: uv_close_cb = { handle in
            guard let data = unsafe handle?.pointee.data else { return }
            unsafe Unmanaged<Stream>.fromOpaque(data).takeRetainedValue().didClose()
        }
        if byReset, unsafe uv_tcp_close_reset(handle, didClose) == 0 { return }
        unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self), didClose)
    }

    private func didClose() {
        phase = .closed
        owner?.closed(reason)
        owner = nil
    }
}
