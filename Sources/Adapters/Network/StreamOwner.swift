import CUV

/// What a stream tells its owner, on its loop's thread and never from inside a call that the owner makes.
public protocol StreamOwner: AnyObject {
    /// The connection that `Loop.connect` began stands. Not called for a stream that was opened from a descriptor.
    func connected()
    /// Bytes came. The span is the loop's one read buffer: it is valid in this call only.
    func received(_ bytes: Span<UInt8>)
    /// All that had been queued has left for the kernel.
    func drained()
    /// The peer sends no more (it may still read): the answer can still be written.
    func ended()
    /// The stream is closed: called exactly once, last; the stream lets its owner go then.
    func closed(_ reason: CloseReason)
}

/// Why a stream closed.
public enum CloseReason: Equatable, Sendable, CustomStringConvertible {
    /// An ending was called on this side, or the loop stopped.
    case local
    /// The peer reset the connection, or was gone when something was written.
    case reset
    /// Nobody listens at the address; nothing was written.
    case refused
    /// No route to the address; nothing was written.
    case unreachable
    /// The kernel gave up waiting for the peer.
    case timedOut
    /// Any other error, by its errno (EMFILE, for example).
    case failed(Int32)

    /// The reason in words, for a log line.
    public var description: String {
        switch self {
        case .local: "closed here"
        case .reset: "reset by the peer"
        case .refused: "connection refused"
        case .unreachable: "unreachable"
        case .timedOut: "timed out"
        case .failed(let code): systemText(code)
        }
    }

    /// The reason for one of libuv's codes (a negative errno).
    init(libuv code: Int32) {
        switch code {
        case UV_ECONNRESET.rawValue, UV_EPIPE.rawValue, UV_ECONNABORTED.rawValue: self = .reset
        case UV_ECONNREFUSED.rawValue: self = .refused
        case UV_EHOSTUNREACH.rawValue, UV_ENETUNREACH.rawValue, UV_ENETDOWN.rawValue: self = .unreachable
        case UV_ETIMEDOUT.rawValue: self = .timedOut
        default: self = .failed(-code)
        }
    }
}
