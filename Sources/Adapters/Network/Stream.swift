import CUV
import Glibc

/// One TCP connection on its loop. It is read from the beginning and stays armed; writes go to the kernel at once, and
/// only what the kernel does not take is copied.
///
/// An open handle keeps its stream and its owner alive, whoever else lets go of them; `closed` ends that.
@safe
public final class Stream: OpenHandle {
    enum Phase {
        case connecting, open
        /// `finish` was called: what is queued leaves, what comes is dropped.
        case finishing
        case closing, closed
    }

    /// The loop it lives on.
    public let loop: Loop
    /// Who is at the other end.
    public private(set) var peer: SocketAddress?
    let handle: UnsafeMutablePointer<uv_tcp_t>
    /// The socket, from where it was opened to where its closing begins; else -1.
    var descriptor: Int32 = -1
    var owner: (any StreamOwner)?
    var phase = Phase.closed
    var reason = CloseReason.local

    // Reading
    private var isPaused = false
    private var isReading = false
    private(set) var sawEnd = false

    // Writing: see Stream+Writing.swift
    var accepted = 0
    var isFlushing = false
    var waiting: WriteBlock?
    var wantsShutdown = false
    var didShutdown = false
    var writeBroke = false
    var writtenAtClose = 0

    // Ending: see Stream+Endings.swift
    var droppedBytes = 0
    var isLingering = false
    var lingersUntil: Int64 = 0

    /// TCP keep-alive probes begin after so many seconds without traffic.
    private static let keepAliveSeconds: UInt32 = 60

    /// A stream that is closed until it is opened or connected, once: an owner can hold it as a constant.
    public init(_ loop: Loop) {
        self.loop = loop
        unsafe handle = .allocate(capacity: 1)
    }

    deinit { unsafe handle.deallocate() }

    private func begin(owner: any StreamOwner, peer: SocketAddress?) {
        precondition(self.peer == nil && self.owner == nil && phase == .closed, "a stream is opened once")
        self.owner = owner
        self.peer = peer
        phase = .connecting
        unsafe uv_tcp_init(loop.system, handle)
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// False once an ending was called or the stream closed: nothing more is read or written.
    public var isOpen: Bool {
        switch phase {
        case .connecting, .open: true
        case .finishing, .closing, .closed: false
        }
    }

    /// Stops reading, so that the peer comes to wait. A stream that rests tells nothing of its peer's end or reset.
    public func pauseReading() {
        guard isOpen, !isPaused else { return }
        isPaused = true
        stopReading()
        // Reading on was to tell of the end.
        if writeBroke { beginClosing(.reset) }
    }

    /// Reads again.
    public func resumeReading() {
        guard isOpen, isPaused else { return }
        isPaused = false
        if phase == .open { startReading() }
    }

    /// True while the peer's bytes are read: neither paused nor ended.
    var isArmed: Bool { isReading }

    var system: UnsafeMutablePointer<uv_stream_t> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
    }

    /// The errno that the socket has not told yet, or 0.
    private var pendingError: Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return error
    }

    // MARK: Opening

    /// Opens an accepted connection: it is read from now on. A failure shows as `closed`.
    public func open(_ descriptor: OwnedDescriptor, owner: any StreamOwner) {
        begin(owner: owner, peer: descriptor.peer)
        guard !loop.isStopping, let number = descriptor.take() else { return beginClosing(.local) }
        let code = unsafe uv_tcp_open(handle, number)
        guard code == 0 else {
            _ = Glibc.close(number)
            return beginClosing(CloseReason(libuv: code))
        }
        self.descriptor = number
        setOptions()
        phase = .open
        startReading()
    }

    /// Connects to an address. The owner gets `connected`, or `closed`; what is written before waits for it.
    public func connect(_ address: SocketAddress, owner: any StreamOwner) {
        begin(owner: owner, peer: address)
        guard !loop.isStopping else { return beginClosing(.local) }
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let code = unsafe address.withSystemAddress { system, _ in
            unsafe uv_tcp_connect(request, handle, system) { request, status in
                guard let request = unsafe request else { return }
                let data = unsafe request.pointee.handle?.pointee.data
                unsafe request.deallocate()
                guard let data = unsafe data else { return }
                unsafe Unmanaged<Stream>.fromOpaque(data).takeUnretainedValue().didConnect(status)
            }
        }
        guard code == 0 else {
            unsafe request.deallocate()
            return beginClosing(CloseReason(libuv: code))
        }
        var number: Int32 = -1
        _ = unsafe uv_fileno(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self), &number)
        descriptor = number
        setOptions()
    }

    private func didConnect(_ status: Int32) {
        guard phase == .connecting else { return }
        guard status == 0 else { return beginClosing(CloseReason(libuv: status)) }
        phase = .open
        if !isPaused { startReading() }
        owner?.connected()
        shutdownIfDrained()
    }

    private func setOptions() {
        unsafe uv_tcp_nodelay(handle, 1)
        unsafe uv_tcp_keepalive(handle, 1, Self.keepAliveSeconds)
    }

    // MARK: Reading

    func startReading() {
        guard !isReading, !sawEnd else { return }
        let code = unsafe uv_read_start(
            system,
            // Without a buffer libuv reads nothing and only tells that there is something to read.
            { _, _, buffer in unsafe buffer?.pointee = uv_buf_t(base: nil, len: 0) },
            { handle, _, _ in
                guard let data = unsafe handle?.pointee.data else { return }
                // The handle keeps the stream until its close callback, which is never called from within this one.
                unsafe Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.read() }
            })
        isReading = code == 0
        if code != 0 { beginClosing(CloseReason(libuv: code)) }
    }

    func stopReading() {
        guard isReading else { return }
        isReading = false
        _ = unsafe uv_read_stop(system)
    }

    /// Reads what is there, once: where more is left the loop calls again, after other streams had their turn.
    ///
    /// Not by libuv: its read(2) goes through the kernel's file layer, which costs a poll a quarter of a microsecond
    /// more than recv(2).
    private func read() {
        let count = unsafe recv(descriptor, loop.buffer.baseAddress, loop.buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            guard phase == .open else { return drop(count) }
            let bytes = unsafe UnsafeBufferPointer(start: loop.buffer.baseAddress, count: count)
            // Taken meanwhile: to count one more reference costs two atomic steps.
            guard let owner = owner.take() else { return }
            unsafe owner.received(bytes.span)
            self.owner = owner
        } else if count == 0 {
            didReadEnd()
        } else {
            didNotRead(errno)
        }
    }

    private func didNotRead(_ error: Int32) {
        // The loop calls again when there is something to read.
        if error == EAGAIN || error == EINTR { return }
        // Once the answer has left, how the peer goes away makes no difference.
        let isDone = phase == .finishing && didShutdown
        beginClosing(isDone ? .local : CloseReason(libuv: -error))
    }

    private func didReadEnd() {
        sawEnd = true
        stopReading()
        // recv(2) tells of an end where a reset came with the last bytes: the socket knows better.
        let error = pendingError
        if writeBroke || error != 0, phase == .open {
            beginClosing(error == 0 ? .reset : CloseReason(libuv: -error))
        } else if phase == .open {
            owner?.ended()
        } else if phase == .finishing, didShutdown {
            beginClosing(.local)
        }
    }
}
