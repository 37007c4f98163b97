import CUV
import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address's 16 bytes in network order, as two big-endian words; an IPv4 address is the low 32 bits of `low`.
    private let high: UInt64
    private let low: UInt64
    /// The interface of a link-local IPv6 address; 0 for all others.
    private let scope: UInt32
    /// True for IPv6. An IPv4 peer of a socket that listens on both is IPv4 here.
    public let isIPv6: Bool
    /// The port, in this machine's byte order.
    public let port: UInt16

    /// An address in numbers (`127.0.0.1`, `::1`, `fe80::1%eth0`); nil for anything else, so for names: see `resolve`.
    public init?(ip: String, port: UInt16) {
        var four = sockaddr_in()
        if unsafe uv_ip4_addr(ip, Int32(port), &four) == 0 {
            self.init(four)
            return
        }
        var six = sockaddr_in6()
        guard unsafe uv_ip6_addr(ip, Int32(port), &six) == 0 else { return nil }
        self.init(six)
    }

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress {
        SocketAddress(high: high, low: low, scope: scope, isIPv6: isIPv6, port: port)
    }

    /// The address without its port: `127.0.0.1` or `::1`.
    public var ip: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let start = text.baseAddress else { return "" }
            _ = unsafe withSystemAddress { address, _ in
                isIPv6
                    ? unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        unsafe uv_ip6_name($0, start, 64)
                    }
                    : unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        unsafe uv_ip4_name($0, start, 64)
                    }
            }
            return unsafe String(cString: start)
        }
    }

    /// `127.0.0.1:8080` or `[::1]:8080`.
    public var description: String { isIPv6 ? "[\(ip)]:\(port)" : "\(ip):\(port)" }

    private init(high: UInt64, low: UInt64, scope: UInt32, isIPv6: Bool, port: UInt16) {
        self.high = high
        self.low = low
        self.scope = scope
        self.isIPv6 = isIPv6
        self.port = port
    }

    private init(_ address: sockaddr_in) {
        let word = UInt32(bigEndian: address.sin_addr.s_addr)
        self.init(
            high: 0, low: UInt64(word), scope: 0, isIPv6: false, port: UInt16(bigEndian: address.sin_port))
    }

    private init(_ address: sockaddr_in6) {
        let (high, low) = unsafe withUnsafeBytes(of: address.sin6_addr) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        let port = UInt16(bigEndian: address.sin6_port)
        if high == 0, low >> 32 == 0xFFFF {
            self.init(high: 0, low: low & 0xFFFF_FFFF, scope: 0, isIPv6: false, port: port)
        } else {
            self.init(high: high, low: low, scope: address.sin6_scope_id, isIPv6: true, port: port)
        }
    }

    /// The address that the system wrote; nil for another family.
    init?(_ address: UnsafePointer<sockaddr>) {
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            self = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe SocketAddress($0.pointee)
            }
        case AF_INET6:
            self = unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                unsafe SocketAddress($0.pointee)
            }
        default: return nil
        }
    }

    /// Lends the address in the system's form.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if isIPv6 {
            var six = sockaddr_in6()
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            six.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &six.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe withUnsafePointer(to: six) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        four.sin_addr.s_addr = UInt32(low).bigEndian
        return unsafe withUnsafePointer(to: four) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// What a call that fills in an address (accept, getsockname) says; nil when it fails.
    static func filled(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: SocketAddress?) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let result = unsafe call(address, &length)
                return (result, result < 0 ? nil : unsafe SocketAddress(UnsafePointer(address)))
            }
        }
    }
}

/// The addresses of a name, in the system's order, each once; empty when there are none.
///
/// It blocks for as long as the resolver takes: never call it on a loop.
public func resolve(host: String, port: UInt16) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0, let first = unsafe list else { return [] }
    defer { unsafe freeaddrinfo(first) }
    var found: [SocketAddress] = []
    var next: UnsafeMutablePointer<addrinfo>? = unsafe first
    while let entry = unsafe next {
        if let system = unsafe entry.pointee.ai_addr, let address = unsafe SocketAddress(UnsafePointer(system)),
            !found.contains(address)
        {
            found.append(address)
        }
        unsafe next = unsafe entry.pointee.ai_next
    }
    return found
}
