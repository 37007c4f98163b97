/// The bounds of one server.
public struct HTTPServerLimits: Sendable {
    /// The largest request head, in bytes; beyond it 431.
    public var headBytes = 65_536
    /// The largest request body, in bytes; beyond it 413.
    public var bodyBytes = 262_144
    /// Connections at once; further ones wait in the kernel's queue.
    public var connections = 128
    /// How long a request may take from its first byte to its last; beyond it 408.
    public var requestTime = Duration.seconds(20)
    /// How long a connection may rest between two requests.
    public var idleTime = Duration.seconds(60)
    /// How long a client may take none of an answer that waits for it.
    public var stallTime = Duration.seconds(30)

    /// The defaults.
    public init() {}
}

extension Duration {
    /// Whole milliseconds, as loops count them.
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
