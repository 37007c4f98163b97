import Bytes

/// The header lines of the last head, word for word: a server writes most of them again and again, and what is the same
/// line again needs no reading.
struct RecalledLines: Sendable {
    /// The lines as they came.
    private var text: [UInt8] = []
    /// Where they began in their head.
    private var start = 0
    /// How many they are; the fields that they gave are what the list of fields has left over.
    private var count = 0
    /// The present head is whole, and so far it has had the same lines.
    private var isWhole = false
    private var isSame = true

    /// More are not remembered.
    private static let maximumBytes = 4096
    private static let maximumCount = 48

    /// A head begins. What the last one left over counts only if it came to its end.
    mutating func begin() {
        if !isWhole { count = 0 }
        isWhole = false
        isSame = true
    }

    /// Looks whether the line at `at` is the one that was there before; if so, takes its field over.
    @inline(__always)
    mutating func take(_ bytes: Span<UInt8>, at: Int, maximum: Int, into fields: inout Slots<Field>) -> Bool {
        guard fields.count < count else { return false }
        guard let old = fields.leftOver, old.start == at, old.end <= min(bytes.count, maximum),
            equals(bytes, at..<old.end, text.span.extracting(at &- start..<old.end &- start))
        else {
            isSame = false
            return false
        }
        fields.keepLeftOver()
        return true
    }

    /// The head is whole, and none of its fields was changed afterwards: remembers its lines.
    mutating func end(_ bytes: Span<UInt8>, _ fields: Slots<Field>) {
        guard let first = fields.first, let last = fields.last, fields.count <= Self.maximumCount,
            last.end &- first.start <= Self.maximumBytes
        else { return }
        if !isSame || fields.count > count {
            text.removeAll(keepingCapacity: true)
            text.append(contentsOf: bytes.extracting(first.start..<last.end))
        }
        start = first.start
        count = fields.count
        isWhole = true
    }
}
