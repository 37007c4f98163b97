import CUV
import Glibc

/// A socket that takes connections. It does until it is closed, whether or not somebody keeps it.
@safe
public final class Listener: OpenHandle {
    /// Where it listens; with the port that was found where port 0 was asked for.
    public private(set) var address: SocketAddress
    /// How often a connection could not be taken for want of a descriptor (or of kernel memory).
    public private(set) var shortages = 0
    private let loop: Loop
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private let socket: Int32
    private var accept: ((Loop, OwnedDescriptor) -> Void)?
    private var isResting = false
    /// Runs while a shortage of descriptors lasts.
    private var shortageTicker: Ticker?

    /// Connections taken in one round, so that streams get their turn.
    private static let acceptsPerRound = 64
    /// How long nothing is accepted after the descriptors ran out: accepting at once again would only spin.
    private static let shortageMilliseconds = 100

    init(
        _ loop: Loop, _ address: SocketAddress, backlog: Int, accept: @escaping (Loop, OwnedDescriptor) -> Void
    ) throws(NetworkError) {
        self.loop = loop
        self.accept = accept
        (socket, self.address) = try boundSocket(address, backlog: backlog)
        unsafe handle = .allocate(capacity: 1)
        let code = unsafe uv_poll_init(loop.system, handle, socket)
        guard code == 0 else {
            _ = Glibc.close(socket)
            self.accept = nil
            throw .failed(step: "listening at \(address)", code: -code)
        }
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        poll()
        if loop.isStopping { close() }
    }

    deinit { unsafe handle.deallocate() }

    /// Takes no connection until `resume`: those that come wait in the kernel's queue.
    public func rest() {
        guard accept != nil, !isResting else { return }
        isResting = true
        _ = unsafe uv_poll_stop(handle)
    }

    /// Takes connections again.
    public func resume() {
        guard accept != nil, isResting else { return }
        isResting = false
        if shortageTicker == nil { poll() }
    }

    /// Stops listening; who waits in the kernel's queue is reset. Calling it again does nothing.
    public func close() {
        guard accept != nil else { return }
        accept = nil
        shortageTicker?.stop()
        _ = unsafe uv_poll_stop(handle)
        _ = Glibc.close(socket)
        unsafe UnsafeMutableRawPointer(handle).withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            unsafe uv_close(handle) { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<Listener>.fromOpaque(data).release()
            }
        }
    }

    private func poll() {
        _ = unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            guard let data = unsafe handle?.pointee.data else { return }
            unsafe Unmanaged<Listener>.fromOpaque(data).takeUnretainedValue().takeConnections()
        }
    }

    private func takeConnections() {
        var turns = Self.acceptsPerRound
        while turns > 0, !isResting, let accept {
            turns -= 1
            let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let (descriptor, peer) = unsafe SocketAddress.filled { unsafe accept4(socket, $0, $1, flags) }
            if descriptor >= 0 {
                accept(loop, OwnedDescriptor(descriptor, peer: peer))
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return waitForDescriptors()
            default: continue  // This connection is gone (ECONNABORTED and the like); the next may not be.
            }
        }
    }

    private func waitForDescriptors() {
        shortages += 1
        _ = unsafe uv_poll_stop(handle)
        shortageTicker = loop.repeatEvery(milliseconds: Self.shortageMilliseconds) { [self] in
            shortageTicker?.stop()
            shortageTicker = nil
            if accept != nil, !isResting { poll() }
        }
    }
}

/// A non-blocking socket that listens, and where.
private func boundSocket(
    _ address: SocketAddress, backlog: Int
) throws(NetworkError) -> (socket: Int32, address: SocketAddress) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let number = socket(address.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
    guard number >= 0 else { throw .listening(at: address, step: "opening a socket", code: errno) }
    func failed(_ step: String) -> NetworkError {
        let code = errno
        _ = close(number)
        return .listening(at: address, step: step, code: code)
    }
    var on: Int32 = 1
    // Without it a restart has to wait until the old connections' TIME_WAIT is over.
    _ = unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard unsafe address.withSystemAddress({ unsafe bind(number, $0, $1) }) == 0 else { throw failed("binding") }
    guard listen(number, Int32(clamping: backlog)) == 0 else { throw failed("listening") }
    let (_, bound) = unsafe SocketAddress.filled { unsafe getsockname(number, $0, $1) }
    return (number, bound ?? address)
}
