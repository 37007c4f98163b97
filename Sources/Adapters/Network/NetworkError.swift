import CUV

/// Why a call of this module could not do its work.
public enum NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another socket listens there.
    case addressInUse(SocketAddress)
    /// No interface of this machine has the address.
    case addressNotAvailable(SocketAddress)
    /// The process may not bind the port (below 1024 it takes a privilege).
    case permissionDenied(SocketAddress)
    /// The loop was stopped before the job could be given to it.
    case stopped
    /// Anything else: which step failed, and the system's error number.
    case failed(step: String, code: Int32)

    /// What happened, for a log line or a terminal.
    public var description: String {
        switch self {
        case .addressInUse(let address): "\(address) is in use by another socket"
        case .addressNotAvailable(let address): "\(address) is not an address of this machine"
        case .permissionDenied(let address): "binding \(address) is not permitted"
        case .stopped: "the loop was stopped"
        case .failed(let step, let code): "\(step) failed: \(systemText(code))"
        }
    }

    /// The error of a listening socket's set-up. `code` is an errno.
    static func listening(at address: SocketAddress, step: String, code: Int32) -> NetworkError {
        switch -code {
        case UV_EADDRINUSE.rawValue: .addressInUse(address)
        case UV_EADDRNOTAVAIL.rawValue: .addressNotAvailable(address)
        case UV_EACCES.rawValue, UV_EPERM.rawValue: .permissionDenied(address)
        default: .failed(step: step, code: code)
        }
    }
}

/// The system's words for an errno, such as `connection reset by peer`.
func systemText(_ code: Int32) -> String {
    guard let text = unsafe uv_strerror(-code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
