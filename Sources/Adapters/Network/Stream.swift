import CUV
import Glibc

/// One TCP connection on its loop. It is read from the beginning; writes go to the kernel at once, and only what the
/// kernel does not take is copied.
///
/// The loop keeps an open stream, and that its owner, whoever else lets go of them; `closed` ends that.
public final class Stream {
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
    /// The socket, from where it was opened to where its closing begins; else -1.
    var descriptor: Int32 = -1
    /// Its place among the loop's streams.
    var place = -1
    var owner: (any StreamOwner)?
    var phase = Phase.closed
    var reason = CloseReason.local

    // Reading
    private var isPaused = false
    /// The peer's bytes are wanted: neither paused nor ended.
    private(set) var isReading = false
    /// The kernel told that there is something to read, and it was not all read. It does not tell so again.
    private var isReadable = false
    /// It told that the peer has ended, or of an error: it is read on until that comes.
    private var hasEnd = false
    /// It is among those that the loop is to read on.
    private var isUnread = false
    private(set) var sawEnd = false
    /// More of what has begun to come is on its way: before each read this thread lets others have its processor first.
    ///
    /// The sender, or who reads what is passed on, may wait for just that processor. Left to run, it has more ready:
    /// fewer reads and writes of more bytes each, and nobody is woken for every few of them. Where nobody waits, this
    /// is a system call of a fifth of a microsecond.
    public var expectsMore = false

    // Writing: see Stream+Writing.swift
    var accepted = 0
    var backlog = Backlog()
    var wantsShutdown = false
    var didShutdown = false
    var writeBroke = false
    var writtenAtClose = 0

    // Ending: see Stream+Endings.swift
    var droppedBytes = 0
    var isLingering = false
    var lingersUntil: Int64 = 0

    /// A stream that is closed until it is opened or connected, once: an owner can hold it as a constant.
    public init(_ loop: Loop) { self.loop = loop }

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
        isReading = false
        // Reading on was to tell of the end.
        if writeBroke { beginClosing(.reset) }
    }

    /// Reads again.
    public func resumeReading() {
        guard isOpen, isPaused else { return }
        isPaused = false
        if phase == .open { startReading() }
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
        self.descriptor = number
        setOptions()
        phase = .open
        startReading()
        watch()
    }

    /// Connects to an address. The owner gets `connected`, or `closed`; what is written before waits for it.
    public func connect(_ address: SocketAddress, owner: any StreamOwner) {
        begin(owner: owner, peer: address)
        guard !loop.isStopping else { return beginClosing(.local) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { return beginClosing(CloseReason(errno)) }
        setOptions()
        let number = descriptor
        let code = unsafe address.withSystemAddress { unsafe Glibc.connect(number, $0, $1) }
        guard code == 0 || errno == EINPROGRESS || errno == EINTR else { return beginClosing(CloseReason(errno)) }
        watch()
    }

    private func begin(owner: any StreamOwner, peer: SocketAddress?) {
        precondition(self.peer == nil && self.owner == nil && phase == .closed, "a stream is opened once")
        self.owner = owner
        self.peer = peer
        phase = .connecting
        loop.add(self)
    }

    /// From now on the loop calls `ready`.
    private func watch() {
        if let code = loop.watch(self) { beginClosing(CloseReason(code)) }
    }

    private func didConnect() {
        let error = pendingError
        guard error == 0 else { return beginClosing(CloseReason(error)) }
        phase = .open
        if !isPaused { startReading() }
        owner?.connected()
        shutdownIfDrained()
    }

    private func setOptions() {
        set(IPPROTO_TCP, TCP_NODELAY, 1)
        // Probes begin after a minute without traffic; ten that are not answered within ten seconds end the connection.
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(IPPROTO_TCP, TCP_KEEPIDLE, 60)
        set(IPPROTO_TCP, TCP_KEEPINTVL, 1)
        set(IPPROTO_TCP, TCP_KEEPCNT, 10)
    }

    private func set(_ level: some BinaryInteger, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, Int32(level), option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: What the kernel tells

    /// The kernel told of a change of the socket. It tells of each once.
    func ready(_ change: SocketChange) {
        if phase == .connecting { didConnect() }
        if change.mayRead {
            isReadable = true
            if change.hasEnd { hasEnd = true }
            read()
        }
        if change.mayWrite { flush() }
    }

    // MARK: Reading

    func startReading() {
        guard !isReading, !sawEnd else { return }
        isReading = true
        if isReadable { readOn() }
    }

    func stopReading() { isReading = false }

    /// Has the loop read what is left after other streams had their turn.
    private func readOn() {
        guard !isUnread else { return }
        isUnread = true
        loop.readOn(self)
    }

    /// Reads what was left.
    func readRest() {
        isUnread = false
        read()
    }

    /// Reads once what is there.
    private func read() {
        guard isReading, isReadable else { return }
        if expectsMore { sched_yield() }
        let room = unsafe loop.buffer.count
        let count = unsafe recv(descriptor, loop.buffer.baseAddress, room, 0)
        if count > 0 {
            // Of what comes behind it the kernel will tell, but not of what lies there already.
            if count == room || hasEnd { readOn() } else { isReadable = false }
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
        switch error {
        case EAGAIN: isReadable = false
        case EINTR: readOn()
        default:
            // Once the answer has left, how the peer goes away makes no difference.
            let isDone = phase == .finishing && didShutdown
            beginClosing(isDone ? .local : CloseReason(error))
        }
    }

    /// Nothing can be written any more; what the peer had sent before is read on to its end.
    func readToEnd() {
        isReadable = true
        hasEnd = true
        readOn()
    }

    private func didReadEnd() {
        sawEnd = true
        stopReading()
        // recv(2) tells of an end where a reset came with the last bytes: the socket knows better.
        let error = pendingError
        if writeBroke || error != 0, phase == .open {
            beginClosing(error == 0 ? .reset : CloseReason(error))
        } else if phase == .open {
            owner?.ended()
        } else if phase == .finishing, didShutdown {
            beginClosing(.local)
        }
    }
}
