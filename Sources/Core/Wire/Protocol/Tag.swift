import Bytes

/// A tag as it stands in a URI.
public struct TagText: Sendable {
    /// `Tag.length` characters of base64url.
    public var bytes: InlineArray<66, UInt8>
}

/// What the gateway adds to a URI, as `via=`, so that the next exchange finds its way.
///
/// Four words and the SipHash-2-4-128 over them and the path that the tag stands behind, each word as 11 base64url
/// characters, lowest bits first.
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
    public static let length = 66

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
        let digest = sign(words, key, bytes, path)
        let ends = base64Characters(of: SIMD2(endBits(words.0, words.1), endBits(words.2, words.3)))
        let digestEnds = base64Characters(of: SIMD2(endBits(digest.0, digest.1), 0))
        var text = InlineArray<66, UInt8>(repeating: 0)
        var span = text.mutableSpan
        var out = span.mutableBytes
        write(words.0, words.1, ends: ends[0], at: 0, into: &out)
        write(words.2, words.3, ends: ends[1], at: 22, into: &out)
        write(digest.0, digest.1, ends: digestEnds[0], at: 44, into: &out)
        return TagText(bytes: text)
    }

    /// Reads `bytes[tag]`, or nil unless one of the keys made it for exactly `bytes[path]`.
    ///
    /// The comparison takes the same time whatever differs.
    public static func read(_ bytes: Span<UInt8>, tag: Range<Int>, path: Range<Int>, keys: TagKeys) -> Tag? {
        guard tag.count == length else { return nil }
        let start = tag.lowerBound
        guard let ends = base64Words(of: SIMD2(endCharacters(bytes, at: start), endCharacters(bytes, at: start + 22))),
            let digestEnds = base64Words(of: SIMD2(endCharacters(bytes, at: start + 44), noEnds)),
            let first = readWords(bytes, ends: ends[0], at: start),
            let second = readWords(bytes, ends: ends[1], at: start + 22),
            let digest = readWords(bytes, ends: digestEnds[0], at: start + 44)
        else { return nil }
        let words = (first.0, first.1, second.0, second.1)
        guard let key = keys.key(UInt8(words.3 >> 56)) else { return nil }
        let expected = sign(words, key, bytes, path)
        guard (expected.0 ^ digest.0) | (expected.1 ^ digest.1) == 0 else { return nil }
        return Tag(words)
    }

    private typealias Words = (UInt64, UInt64, UInt64, UInt64)

    private init(_ words: Words) {
        self.init(
            registration: UInt32(truncatingIfNeeded: words.0),
            owner: Owner(counter: UInt32(words.0 >> 32), random: words.1), statement: words.2,
            attempt: UInt16(words.2 >> 48), sequence: UInt32(words.3 & 0xFFF_FFFF),
            minute: UInt32(words.3 >> 28 & 0xFFF_FFFF))
    }

    private func words(key: UInt8) -> Words {
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

private func sign(
    _ words: (UInt64, UInt64, UInt64, UInt64), _ key: TagKey, _ bytes: Span<UInt8>, _ path: Range<Int>
) -> (UInt64, UInt64) {
    var hash = SipHash(key0: key.k0, key1: key.k1)
    hash.absorb(words.0)
    hash.absorb(words.1)
    hash.absorb(words.2)
    hash.absorb(words.3)
    return hash.finish(bytes, path)
}

// Of a word the first eight characters hold 48 bits, the last three the other 16: the word's end. The ends of two
// words are translated together, 24 bits (four characters, the last of which is none) for each.

/// The 48 lowest bits.
private let lowBits: UInt64 = 0xFFFF_FFFF_FFFF

/// An A, which means 0, in the place of an end's fourth character.
private let noCharacter: UInt64 = 0x4100_0000

/// The ends of no words.
private let noEnds: UInt64 = 0x4141_4141_4141_4141

private func endBits(_ first: UInt64, _ second: UInt64) -> UInt64 {
    first >> 48 | (second >> 48) << 24
}

/// Writes two words as 22 characters; `ends` are the characters of their ends.
@inline(__always)
private func write(_ first: UInt64, _ second: UInt64, ends: UInt64, at start: Int, into out: inout MutableRawSpan) {
    let low = base64Characters(of: SIMD2(first & lowBits, second & lowBits))
    out.storeBytes(of: low[0].littleEndian, toByteOffset: start, as: UInt64.self)
    // The fourth character is overwritten at once.
    out.storeBytes(of: UInt32(truncatingIfNeeded: ends).littleEndian, toByteOffset: start &+ 8, as: UInt32.self)
    out.storeBytes(of: low[1].littleEndian, toByteOffset: start &+ 11, as: UInt64.self)
    out.storeBytes(of: UInt16(truncatingIfNeeded: ends >> 32).littleEndian, toByteOffset: start &+ 19, as: UInt16.self)
    out.storeBytes(of: UInt8(truncatingIfNeeded: ends >> 48), toByteOffset: start &+ 21, as: UInt8.self)
}

/// The characters of the ends of two words whose text begins at `start`.
@inline(__always)
private func endCharacters(_ bytes: Span<UInt8>, at start: Int) -> UInt64 {
    let first = loadWord(bytes, at: start + 3) >> 40 | noCharacter
    let second = loadWord(bytes, at: start + 14) >> 40 | noCharacter
    return first | second << 32
}

/// Reads two words of 11 characters each, of which `ends` holds the ends; nil for characters of another alphabet, and
/// for bits that no word has.
@inline(__always)
private func readWords(_ bytes: Span<UInt8>, ends: UInt64, at start: Int) -> (UInt64, UInt64)? {
    let characters = SIMD2(loadWord(bytes, at: start), loadWord(bytes, at: start + 11))
    guard ends & 0xFF_0000_FF00_00 == 0, let low = base64Words(of: characters) else { return nil }
    return (low[0] | ends << 48, low[1] | (ends >> 24) << 48)
}
