import Bytes
import SQL
import Wire

/// What it takes to submit a statement again: its text, the client's headers, and what routing read in them.
///
/// It holds the client's credentials; it is never stored, logged or shown.
public final class Capsule: Sendable {
    /// The bytes of the client's request head.
    public let bytes: [UInt8]
    /// The statement's text.
    public let body: [UInt8]
    /// What the text does.
    public let kind: StatementKind
    /// The group that the selectors chose.
    public let group: String
    /// The pool that the client named: the statement stays in it.
    public let fixedPool: String?
    /// The user header.
    public let user: String
    /// The open transaction that it belongs to.
    public let transaction: String?
    /// When its POST was taken.
    public let submitted: Timestamp

    /// A capsule from its parts.
    public init(
        bytes: [UInt8], body: [UInt8], kind: StatementKind, group: String, fixedPool: String?,
        user: String, transaction: String?, submitted: Timestamp
    ) {
        self.bytes = bytes
        self.body = body
        self.kind = kind
        self.group = group
        self.fixedPool = fixedPool
        self.user = user
        self.transaction = transaction
        self.submitted = submitted
    }

    /// Whether the client's head holds these characters.
    public func mentions(_ text: StaticString) -> Bool {
        let bytes = bytes
        let span = bytes.span
        let count = text.utf8CodeUnitCount
        var start = 0
        while start + count <= span.count {
            if equals(span, start..<start + count, text) { return true }
            start += 1
        }
        return false
    }

    /// What it takes of `limits.capsules`, about, in bytes.
    public var size: Int { bytes.count + body.count + 512 }

    /// The head, read anew; its offsets are those of `bytes`. It is not kept, because it takes more room than its bytes
    /// and few statements are submitted again.
    public func readHead() -> RequestHead {
        let bytes = bytes
        var head = RequestHead(maximumBytes: bytes.count)
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
