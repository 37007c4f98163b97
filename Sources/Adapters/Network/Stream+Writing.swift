import CUV
import Glibc

extension Stream {
    /// Bytes that were accepted and that the kernel has not taken yet. This is the backpressure: see `drained`.
    public var pendingBytes: Int {
        phase == .closing || phase == .closed || writeBroke ? 0 : queuedBytes
    }

    /// Bytes that the kernel may have taken, never fewer than it did; 0 for certain where the connection never stood.
    public var bytesWritten: Int {
        switch phase {
        case .connecting: 0
        case .open, .finishing: accepted - queuedBytes
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
        if phase == .open, !isFlushing {
            taken = tryWrite(first, second)
            if taken == total { return }
            if taken < 0 { return didBreak(Int32(truncatingIfNeeded: taken)) }
        }
        let fromFirst = min(taken, first.count)
        let fromSecond = taken - fromFirst
        var block = waiting.take() ?? WriteBlock(capacity: total - taken)
        block.append(first.extracting(droppingFirst: fromFirst))
        block.append(second.extracting(droppingFirst: fromSecond))
        if isFlushing {
            waiting = consume block
        } else {
            submit(block)
        }
    }

    /// Sends the end of this direction once all that is queued has left; reading goes on. Later writes are dropped.
    public func shutdownWrite() {
        guard isOpen, !wantsShutdown else { return }
        wantsShutdown = true
        shutdownIfDrained()
    }

    /// What lies in libuv's queue, and what waits behind that.
    private var queuedBytes: Int {
        guard isFlushing else { return 0 }
        let queued = unsafe uv_stream_get_write_queue_size(system)
        switch waiting {
        case .some(let block): return queued + block.count
        case .none: return queued
        }
    }

    /// How many bytes the kernel took, or libuv's code, which is a negative errno.
    ///
    /// Not `uv_try_write`: its write(2) goes through the kernel's file layer, which costs a poll a quarter of a
    /// microsecond more than send(2). Nothing is queued in libuv here, so that nothing is overtaken.
    private func tryWrite(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
        let number = descriptor
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        while true {
            let taken = unsafe first.withUnsafeBytes { first in
                guard !second.isEmpty else { return unsafe send(number, first.baseAddress, first.count, flags) }
                return unsafe second.withUnsafeBytes { unsafe sendBoth(number, first, $0, flags) }
            }
            guard taken < 0 else { return taken }
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS: return 0
            case let code: return -Int(code)
            }
        }
    }

    /// Hands a block to libuv, which writes it when the socket takes it.
    private func submit(_ block: consuming WriteBlock) {
        isFlushing = true
        var (request, bytes) = unsafe block.giveAway()
        let code = unsafe uv_write(request, system, &bytes, 1) { request, status in
            guard let request = unsafe request else { return }
            let data = unsafe request.pointee.handle?.pointee.data
            unsafe free(request)
            guard let data = unsafe data else { return }
            unsafe Unmanaged<Stream>.fromOpaque(data).takeUnretainedValue().didFlush(status)
        }
        guard code != 0 else { return }
        isFlushing = false
        unsafe free(request)
        didBreak(code)
    }

    private func didFlush(_ status: Int32) {
        isFlushing = false
        guard phase != .closing, phase != .closed else { return }
        guard status == 0 else { return didBreak(status) }
        if let block = waiting.take() { return submit(block) }
        if phase == .open { owner?.drained() }
        shutdownIfDrained()
    }

    /// The peer takes no more. What it had sent before may still wait in the kernel (an early answer to a body that is
    /// being sent): it is read on to its end, which then closes the stream.
    private func didBreak(_ code: Int32) {
        writeBroke = true
        waiting = nil
        let reason = CloseReason(libuv: code)
        if phase == .open, isArmed, reason == .reset || reason == .timedOut { return }
        beginClosing(reason)
    }

    func shutdownIfDrained() {
        guard wantsShutdown, !didShutdown, !isFlushing, phase == .open || phase == .finishing else { return }
        didShutdown = true
        _ = shutdown(descriptor, Int32(SHUT_WR))
        if phase == .finishing { startLingering() }
    }
}

/// Bytes that wait for the socket, behind the request that libuv needs to write them: one allocation for both.
///
/// Writes that come while one is under way are gathered in one block, so that many small ones cost no more memory than
/// their bytes.
@safe
struct WriteBlock: ~Copyable {
    private(set) var count = 0
    private var capacity: Int
    private var base: UnsafeMutableRawPointer

    private static let header = unsafe MemoryLayout<uv_write_t>.stride

    init(capacity: Int) {
        self.capacity = capacity
        unsafe base = unsafe allocated(nil, Self.header + capacity)
    }

    deinit { unsafe free(base) }

    mutating func append(_ span: Span<UInt8>) {
        guard span.count > 0 else { return }
        if capacity - count < span.count {
            capacity = max(count + span.count, capacity * 2)
            unsafe base = unsafe allocated(base, Self.header + capacity)
        }
        unsafe span.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + Self.header + count).copyMemory(from: start, byteCount: source.count)
        }
        count += span.count
    }

    /// Gives the memory away, to be freed with `free(request)`.
    consuming func giveAway() -> (request: UnsafeMutablePointer<uv_write_t>, bytes: uv_buf_t) {
        let request = unsafe base.assumingMemoryBound(to: uv_write_t.self)
        let bytes = unsafe (base + Self.header).assumingMemoryBound(to: CChar.self)
        let given = unsafe (request, uv_buf_t(base: bytes, len: count))
        discard self
        return unsafe given
    }
}

private func allocated(_ old: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer {
    // As everywhere in Swift, memory that is not there ends the process.
    guard let base = unsafe realloc(old, size) else { fatalError("out of memory: \(size) bytes to be written") }
    return unsafe base
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
