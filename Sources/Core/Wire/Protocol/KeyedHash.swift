/// A hash of texts that who does not know its key cannot steer.
public struct KeyedHash: Sendable {
    private let key: TagKey

    /// A hash with a secret key.
    public init(key: TagKey) { self.key = key }

    /// The hash of these bytes.
    public func of(_ bytes: Span<UInt8>) -> UInt64 {
        var hash = SipHash(key0: key.k0, key1: key.k1)
        return hash.finish(bytes, 0..<bytes.count).0
    }

    /// The hash of a text's bytes.
    public func of(_ text: String) -> UInt64 { of(text.utf8.span) }
}
