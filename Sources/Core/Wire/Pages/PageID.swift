import Bytes

/// The id of a page: every page has one, and few are asked for it, so that it is kept without an allocation.
struct PageID: Sendable {
    private var characters = InlineArray<128, UInt8>(repeating: 0)
    /// How many there are.
    var count = 0

    /// Whether there is none.
    var isEmpty: Bool { count == 0 }

    /// The id as an array.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(contentsOf: characters.span.extracting(0..<count))
        return bytes
    }

    /// Lends the id to `body`.
    mutating func lend<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(characters.span.extracting(0..<count))
    }

    /// Keeps `bytes[range]`, unless that is too long.
    mutating func keep(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let count = range.count <= PageScanner.maximumWord ? range.count : 0
        self.count = count
        var span = characters.mutableSpan
        var room = span.mutableBytes
        // Words are kept, for what lies behind the id does not count.
        var offset = 0
        while offset < count {
            let at = range.lowerBound &+ offset
            let isWhole = at &+ 8 <= bytes.count
            let word = isWhole ? loadWord(bytes, at: at) : loadWord(bytes, at: at, count: bytes.count &- at)
            room.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
    }
}
