import Bytes

/// The columns of a page, as far as they were scanned. The pages of a statement have the same ones, one after the other:
/// those of the last page are remembered, so that they need not be crossed again.
@usableFromInline
struct PageColumns: Sendable {
    /// The hash of their bytes behind the opening bracket; 0 before there were any.
    @usableFromInline
    private(set) var hash: UInt64 = 0
    /// They have begun, and their end was not met yet.
    @usableFromInline
    private(set) var isOpen = false
    private var state = StreamHash()
    /// Nothing but the bytes of the columns that are scanned now has been hashed.
    private var isFirst = false

    /// Columns of a page before, behind their opening bracket, and what was known at their end.
    private var lastText: [UInt8] = []
    private var lastHash: UInt64 = 0
    private var lastState = StreamHash()

    /// Bytes of columns that are remembered.
    private static let maximumText = 1024

    /// A page begins.
    mutating func reset() {
        hash = 0
        isOpen = false
        state = StreamHash()
    }

    /// The member is there.
    mutating func begin() { hash = state.value }

    /// Where the columns end, if those of the page before begin at `start`, behind the bracket; they are taken then.
    /// Nil: they are to be absorbed.
    mutating func recall(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        isFirst = state.isEmpty
        let end = start &+ lastText.count
        guard isFirst, !lastText.isEmpty, end <= bytes.count, equals(bytes, start..<end, lastText.span) else {
            isOpen = true
            return nil
        }
        hash = lastHash
        state = lastState
        return end
    }

    /// Takes `bytes[range]`, which goes on where the last call ended.
    mutating func absorb(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool) {
        state.absorb(bytes, range)
        hash = state.value
        isOpen = !isLast
    }

    /// Remembers the columns, which lie in one piece, for the next page, unless they are large.
    mutating func remember(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard isFirst, range.count <= Self.maximumText else { return }
        lastText.replace(with: bytes.extracting(range))
        lastHash = hash
        lastState = state
    }
}
