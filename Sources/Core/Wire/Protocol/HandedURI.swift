import Bytes

/// The nextUri that a client was handed last: it mostly asks for that next, and then the tag was verified when it was
/// made.
public struct HandedURI: Sendable {
    /// The path with its tag, as it stood in the page; empty when there is none.
    public var text: [UInt8] = []
    /// The tag in it.
    public var tag: Tag?
    /// What the tag was made with.
    public var key: TagKey?

    /// Nothing was handed out yet.
    public init() {}

    /// The tag, if `bytes[range]` is the path with the tag that was handed out, and its key still verifies. Who holds
    /// the text has the tag already, so that the time of the comparison tells nothing.
    ///
    /// Mutating, so that it is asked where it lies: a copy would count a reference.
    public mutating func tag(_ bytes: Span<UInt8>, _ range: Range<Int>, keys: TagKeys) -> Tag? {
        guard range.count == text.count, equals(bytes, range, text.span), let key,
            key == keys.newest || key == keys.previous
        else { return nil }
        return tag
    }
}
