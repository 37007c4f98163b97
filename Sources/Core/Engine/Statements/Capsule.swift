import Bytes
import Wire

/// What it takes to submit a statement again: the client's headers, and its text.
///
/// It holds the client's credentials; it is never stored, logged or shown.
public struct Capsule: Sendable {
    /// The client's request: its head, and the statement's text behind it.
    public let bytes: [UInt8]
    /// How long the head is.
    private let headEnd: Int
    private let budget: ByteBudget

    /// A capsule from its parts, with its share of `limits.capsules`; nil if there is no room for it. Whoever keeps it
    /// gives the share back.
    /// - Parameters:
    ///   - headEnd: where the head ends in `bytes`.
    ///   - budget: what all capsules together may hold.
    ///   - limit: the most that they may, in bytes.
    public init?(bytes: [UInt8], headEnd: Int, budget: ByteBudget, limit: Int) {
        guard budget.take(bytes.count + Self.overhead, limit: limit) else { return nil }
        self.bytes = bytes
        self.headEnd = headEnd
        self.budget = budget
    }

    /// It is kept no longer.
    func giveBack() { budget.giveBack(bytes.count + Self.overhead) }

    /// What it takes of `limits.capsules` beside its bytes, about: what is held of its statement.
    private static let overhead = 512

    /// Where the text is in `bytes`.
    public var text: Range<Int> { headEnd..<bytes.count }

    /// Whether the client's head holds these characters.
    public func mentions(_ text: StaticString) -> Bool {
        let bytes = bytes
        let span = bytes.span
        let count = text.utf8CodeUnitCount
        var start = 0
        while start + count <= headEnd {
            if equals(span, start..<start + count, text) { return true }
            start += 1
        }
        return false
    }

    /// The head, read anew; its offsets are those of `bytes`. It is not kept, because it takes more room than its bytes
    /// and few statements are submitted again.
    public func readHead() -> RequestHead {
        let bytes = bytes
        var head = RequestHead(maximumBytes: headEnd)
        _ = head.parse(bytes.span)
        return head
    }
}

/// An answer of a coordinator that is kept to be shown to the client later: its head without framing, and its body with
/// the client's URIs.
public final class KeptAnswer: Sendable {
    /// Status line and fields, each with its line end.
    public let head: [UInt8]
    /// The body.
    public let body: [UInt8]
    private let reservation: ByteReservation

    /// An answer from its parts, and its share of `limits.answered_pages`.
    public init(head: [UInt8], body: [UInt8], reservation: ByteReservation) {
        self.head = head
        self.body = body
        self.reservation = reservation
    }
}
