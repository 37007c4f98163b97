import Bytes

/// Makes the tags of the pages that go to one client: their paths differ in their last characters mostly, so that the
/// hash of what goes before is remembered from page to page.
public struct TagTrail: Sendable {
    /// The path of the last page but for its last characters.
    private var prefix: [UInt8] = []
    /// The hash of the last tag's words, of which these are the first three, and of the prefix, under `key`.
    private var hash = SipHash(key0: 0, key1: 0)
    private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var key: TagKey?
    /// A `?` stands in the prefix.
    private var prefixHasQuery = false

    /// Bytes of a prefix that are remembered.
    private static let maximumPrefix = 256

    /// Before the first page.
    public init() {}

    /// What `Tag.text` gives for the path `bytes[path]`, and whether a `?` stands in that.
    public mutating func text(
        of tag: Tag, key: TagKey, bytes: Span<UInt8>, path: Range<Int>
    ) -> (text: TagText, hasQuery: Bool) {
        let words = tag.words(key: key.id)
        if key != self.key || (words.0, words.1, words.2) != self.words || !begins(bytes, path) {
            hash = SipHash(words, key)
            // At least eight characters are not remembered: the number of the next page is as long perhaps.
            let count = min(max(0, path.count &- 8) & ~7, Self.maximumPrefix)
            let rest = path.lowerBound &+ count
            prefix.replace(with: bytes.extracting(path.lowerBound..<rest))
            _ = hash.absorb(words: bytes, path.lowerBound..<rest)
            prefixHasQuery = firstIndex(of: 0x3F, in: bytes, from: path.lowerBound, to: rest) >= 0
            self.key = key
            self.words = (words.0, words.1, words.2)
        }
        let rest = path.lowerBound &+ prefix.count..<path.upperBound
        var hash = hash
        let tail = hash.absorb(words: bytes, rest)
        hash.absorb(words.3)
        let hasQuery =
            prefixHasQuery || firstIndex(of: 0x3F, in: bytes, from: rest.lowerBound, to: rest.upperBound) >= 0
        return (Tag.text(words, digest: hash.finish(tail: bytes, tail)), hasQuery)
    }

    private func begins(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Bool {
        prefix.count <= path.count
            && equals(bytes, path.lowerBound..<path.lowerBound &+ prefix.count, prefix.span)
    }
}
