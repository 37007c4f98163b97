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
        var text = InlineArray<66, UInt8>(repeating: 0)
        write(words.0, at: 0, into: &text)
        write(words.1, at: 11, into: &text)
        write(words.2, at: 22, into: &text)
        write(words.3, at: 33, into: &text)
        write(digest.0, at: 44, into: &text)
        write(digest.1, at: 55, into: &text)
        return TagText(bytes: text)
    }

    /// Reads `bytes[tag]`, or nil unless one of the keys made it for exactly `bytes[path]`.
    ///
    /// The comparison takes the same time whatever differs.
    public static func read(_ bytes: Span<UInt8>, tag: Range<Int>, path: Range<Int>, keys: TagKeys) -> Tag? {
        guard tag.count == length else { return nil }
        var isValid = true
        let start = tag.lowerBound
        let words = (
            readWord(bytes, at: start, &isValid), readWord(bytes, at: start + 11, &isValid),
            readWord(bytes, at: start + 22, &isValid), readWord(bytes, at: start + 33, &isValid)
        )
        let digest = (readWord(bytes, at: start + 44, &isValid), readWord(bytes, at: start + 55, &isValid))
        guard isValid, let key = keys.key(UInt8(words.3 >> 56)) else { return nil }
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

private func write(_ word: UInt64, at start: Int, into text: inout InlineArray<66, UInt8>) {
    for offset in 0..<11 {
        let value = UInt8(truncatingIfNeeded: word >> UInt64(6 &* offset)) & 63
        // A-Z, a-z, 0-9, - and _ without a branch: each step shifts what lies in a later range.
        var character = value &+ 65
        character &+= value > 25 ? 6 : 0
        character &-= value > 51 ? 75 : 0
        character &-= value > 61 ? 13 : 0
        character &+= value > 62 ? 49 : 0
        text[start + offset] = character
    }
}

/// Reads 11 characters; `isValid` turns false for any other alphabet and for bits that no word has.
private func readWord(_ bytes: Span<UInt8>, at start: Int, _ isValid: inout Bool) -> UInt64 {
    var word: UInt64 = 0
    for offset in 0..<11 {
        let byte = bytes[start + offset]
        let value: UInt8 =
            switch byte {
            case 0x41...0x5A: byte &- 65
            case 0x61...0x7A: byte &- 71
            case 0x30...0x39: byte &+ 4
            case 0x2D: 62
            case 0x5F: 63
            default: 255
            }
        if value > (offset == 10 ? 15 : 63) { isValid = false }
        word |= UInt64(value & 63) << UInt64(6 &* offset)
    }
    return word
}
