import Bytes
import Wire

/// What it takes to submit a statement again: its text, the client's headers, and what routing read in them.
///
/// It holds the client's credentials; it is never stored, logged or shown.
public final class Capsule: Sendable {
    /// The client's request: its head, and the statement's text behind it.
    public let bytes: [UInt8]
    /// Where the text is in `bytes`.
    public let text: Range<Int>
    /// Who submitted it, and what routing made of it.
    public let submission: Submission
    /// The pool that the client named: the statement stays in it.
    public let fixedPool: String?
    /// The open transaction that it belongs to.
    public let transaction: String?
    /// When its POST was taken.
    public let submitted: Timestamp
    /// Whether it has its share of `limits.capsules`, and so may be kept.
    public let isReserved: Bool
    private let budget: ByteBudget

    /// A capsule from its parts.
    /// - Parameters:
    ///   - headEnd: where the head ends in `bytes`.
    ///   - budget: what all capsules together may hold; the share is given back when the capsule goes.
    ///   - limit: the most that they may, in bytes.
    public init(
        bytes: [UInt8], headEnd: Int, submission: Submission, fixedPool: String?, transaction: String?,
        submitted: Timestamp, budget: ByteBudget, limit: Int
    ) {
        self.bytes = bytes
        text = headEnd..<bytes.count
        self.submission = submission
        self.fixedPool = fixedPool
        self.transaction = transaction
        self.submitted = submitted
        self.budget = budget
        isReserved = budget.take(bytes.count + Self.overhead, limit: limit)
    }

    deinit {
        if isReserved { budget.giveBack(bytes.count + Self.overhead) }
    }

    /// What it takes of `limits.capsules` beside its bytes, about.
    private static let overhead = 512

    /// Whether the client's head holds these characters.
    public func mentions(_ text: StaticString) -> Bool {
        let bytes = bytes
        let span = bytes.span
        let count = text.utf8CodeUnitCount
        var start = 0
        while start + count <= self.text.lowerBound {
            if equals(span, start..<start + count, text) { return true }
            start += 1
        }
        return false
    }

    /// The head, read anew; its offsets are those of `bytes`. It is not kept, because it takes more room than its bytes
    /// and few statements are submitted again.
    public func readHead() -> RequestHead {
        let bytes = bytes
        var head = RequestHead(maximumBytes: text.lowerBound)
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
