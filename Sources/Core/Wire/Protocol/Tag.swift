import Bytes

/// A tag as it stands in a URI: `Tag.length` characters of base64url, in memory one after the other.
public struct TagText: BitwiseCopyable, Sendable {
    // Sixteen each. (What is an array of bytes is copied byte by byte.)
    fileprivate var first: SIMD2<UInt64>
    fileprivate var second: SIMD2<UInt64>
    fileprivate var third: SIMD2<UInt64>
    fileprivate var fourth: SIMD2<UInt64>

    /// The characters as an array.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for pair in [first, second, third, fourth] {
            for word in [pair[0], pair[1]] {
                for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(8 * place))) }
            }
        }
        return bytes
    }
}

/// What the gateway adds to a URI, as `via=`, so that the next exchange finds its way.
///
/// Four words, and two of the SipHash-2-4-128 over them and the path that the tag stands behind: 384 bits as base64url
/// characters, lowest bits first. The last of the four, which differs from page to page, is hashed behind the path's
/// whole words: what goes before it is mostly as it was in the last page (`TagTrail`).
public struct Tag: Equatable, Sendable {
    /// The coordinator's registration number; never used twice.
    public var registration: UInt32
    /// Who took the statement's POST.
    public var owner: Owner
    /// The statement's number at its owner: 48 bits.
    public var statement: UInt64
    /// Which run of the statement the URI belongs to.
    public var attempt: UInt16
    /// Grows with each URI handed out for the attempt: 28 bits.
    public var sequence: UInt32
    /// When the tag was made, in minutes since 1970: 28 bits.
    public var minute: UInt32

    /// Characters of a tag's text.
    public static let length = 64

    /// A tag; of `statement`, `sequence` and `minute` the bits beyond their widths are dropped.
    public init(
        registration: UInt32, owner: Owner, statement: UInt64, attempt: UInt16, sequence: UInt32, minute: UInt32
    ) {
        self.registration = registration
        self.owner = owner
        self.statement = statement & 0xFFFF_FFFF_FFFF
        self.attempt = attempt
        self.sequence = sequence & 0xFFF_FFFF
        self.minute = minute & 0xFFF_FFFF
    }

    /// The tag's text behind `path`, which is the URI from its first `/` after the authority, without the tag.
    public func text(key: TagKey, path: Span<UInt8>) -> TagText {
        text(key: key, bytes: path, path: 0..<path.count)
    }

    /// The same for a path that is part of `bytes`.
    public func text(key: TagKey, bytes: Span<UInt8>, path: Range<Int>) -> TagText {
        let words = words(key: key.id)
        return Tag.text(words, digest: sign(words, key, bytes, path))
    }

    /// The text of four words and their digest.
    static func text(_ words: Words, digest: (UInt64, UInt64)) -> TagText {
        let (first, second) = characters(of: (words.0, words.1, words.2))
        let (third, fourth) = characters(of: (words.3, digest.0, digest.1))
        return TagText(first: first, second: second, third: third, fourth: fourth)
    }

    /// Reads `bytes[tag]`, or nil unless one of the keys made it for exactly `bytes[path]`.
    ///
    /// The comparison takes the same time whatever differs.
    public static func read(_ bytes: Span<UInt8>, tag: Range<Int>, path: Range<Int>, keys: TagKeys) -> Tag? {
        guard tag.count == length, let first = readWords(bytes, at: tag.lowerBound),
            let second = readWords(bytes, at: tag.lowerBound + 32)
        else { return nil }
        let words = (first.0, first.1, first.2, second.0)
        guard let key = keys.key(UInt8(words.3 >> 56)) else { return nil }
        let expected = sign(words, key, bytes, path)
        guard (expected.0 ^ second.1) | (expected.1 ^ second.2) == 0 else { return nil }
        return Tag(words)
    }

    typealias Words = (UInt64, UInt64, UInt64, UInt64)

    private init(_ words: Words) {
        self.init(
            registration: UInt32(truncatingIfNeeded: words.0),
            owner: Owner(counter: UInt32(words.0 >> 32), random: words.1), statement: words.2,
            attempt: UInt16(words.2 >> 48), sequence: UInt32(words.3 & 0xFFF_FFFF),
            minute: UInt32(words.3 >> 28 & 0xFFF_FFFF))
    }

    /// What is signed, with the path.
    func words(key: UInt8) -> Words {
        (
            UInt64(registration) | UInt64(owner.counter) << 32, owner.random,
            (statement & 0xFFFF_FFFF_FFFF) | UInt64(attempt) << 48,
            UInt64(sequence & 0xFFF_FFFF) | UInt64(minute & 0xFFF_FFFF) << 28 | UInt64(key) << 56
        )
    }
}

extension TagKeys {
    fileprivate func key(_ id: UInt8) -> TagKey? {
        if newest.id == id { return newest }
        if let previous, previous.id == id { return previous }
        return nil
    }
}

private func sign(_ words: Tag.Words, _ key: TagKey, _ bytes: Span<UInt8>, _ path: Range<Int>) -> (UInt64, UInt64) {
    var hash = SipHash(words, key)
    let tail = hash.absorb(words: bytes, path)
    hash.absorb(words.3)
    return hash.finish(tail: bytes, tail)
}

extension SipHash {
    /// The hash of a tag's words before its path.
    @inline(__always)
    init(_ words: Tag.Words, _ key: TagKey) {
        self.init(key0: key.k0, key1: key.k1)
        absorb(words.0)
        absorb(words.1)
        absorb(words.2)
    }
}

// Three words are four times 48 bits, of which each is eight characters.

/// The 32 characters of three words.
@inline(__always)
private func characters(of words: (UInt64, UInt64, UInt64)) -> (SIMD2<UInt64>, SIMD2<UInt64>) {
    let low = base64Characters(of: SIMD2(words.0, words.0 >> 48 | words.1 << 16))
    let high = base64Characters(of: SIMD2(words.1 >> 32 | words.2 << 32, words.2 >> 16))
    return (
        SIMD2(low[0].littleEndian, low[1].littleEndian), SIMD2(high[0].littleEndian, high[1].littleEndian)
    )
}

/// Reads 32 characters as three words; nil when one is of another alphabet.
@inline(__always)
private func readWords(_ bytes: Span<UInt8>, at start: Int) -> (UInt64, UInt64, UInt64)? {
    guard let low = base64Words(of: SIMD2(loadWord(bytes, at: start), loadWord(bytes, at: start &+ 8))),
        let high = base64Words(of: SIMD2(loadWord(bytes, at: start &+ 16), loadWord(bytes, at: start &+ 24)))
    else { return nil }
    return (low[0] | low[1] << 48, low[1] >> 16 | high[0] << 32, high[0] >> 32 | high[1] << 16)
}
