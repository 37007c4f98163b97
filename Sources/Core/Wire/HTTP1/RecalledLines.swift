import Bytes

/// The last head, word for word: a server writes most of its lines again and again, and what is the same line again
/// needs no reading.
struct RecalledLines: Sendable {
    /// The head as it came, from its first byte.
    private var text: [UInt8] = []
    /// The number in its Content-Length; empty at its end when it has none.
    private var length = 0..<0
    /// How many lines it has; the fields that they gave are what the list of fields has left over.
    private var count = 0
    /// The head that is read now was remembered.
    private var isWhole = false

    /// More are not remembered.
    private static let maximumBytes = 4096
    private static let maximumCount = 48

    /// A head begins that is not the last one. What that left over counts only if it was remembered.
    mutating func begin() {
        if !isWhole { count = 0 }
        isWhole = false
    }

    /// The Content-Length of the head that begins `bytes`, if that is the last one again but for this number; -1 when it
    /// has none.
    func length(_ bytes: Span<UInt8>) -> Int? {
        guard isWhole, text.count <= bytes.count else { return nil }
        let text = text.span
        guard equals(bytes, 0..<length.lowerBound, text.extracting(0..<length.lowerBound)),
            equals(bytes, length.upperBound..<text.count, text.extracting(length.upperBound..<text.count))
        else { return nil }
        return length.isEmpty ? -1 : decimal(bytes, length)
    }

    /// Looks whether the line at `at` is the one that was there before; if so, takes its field over.
    @inline(__always)
    func take(_ bytes: Span<UInt8>, at: Int, maximum: Int, into fields: inout Slots<Field>) -> Bool {
        guard fields.count < count, let old = fields.leftOver, old.start == at, old.end <= min(bytes.count, maximum),
            equals(bytes, at..<old.end, text.span.extracting(at..<old.end))
        else { return false }
        fields.keepLeftOver()
        return true
    }

    /// Remembers a whole head, unless it is a large one; false then.
    mutating func remember(_ head: Span<UInt8>, _ fields: Slots<Field>) -> Bool {
        guard head.count <= Self.maximumBytes, fields.count <= Self.maximumCount else { return false }
        text.replace(with: head)
        length = head.count..<head.count
        for field in fields where field.name == .contentLength { length = field.value }
        count = fields.count
        isWhole = true
        return true
    }
}
