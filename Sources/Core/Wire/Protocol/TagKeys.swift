/// A secret that tags are made and verified with (128 bits for SipHash).
public struct TagKey: Equatable, Sendable {
    /// The number that tags carry.
    public var id: UInt8
    /// The first half of the secret.
    public var k0: UInt64
    /// The second half.
    public var k1: UInt64
    /// A key from its parts.
    public init(id: UInt8, k0: UInt64, k1: UInt64) {
        self.id = id
        self.k0 = k0
        self.k1 = k1
    }
}

/// The keys in force: the newest makes tags, both verify them.
public struct TagKeys: Equatable, Sendable {
    /// Makes and verifies.
    public var newest: TagKey
    /// Verifies only.
    public var previous: TagKey?
    /// Keys from their parts.
    public init(newest: TagKey, previous: TagKey?) {
        self.newest = newest
        self.previous = previous
    }
}
