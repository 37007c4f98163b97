import Bytes
import Engine
import SQL
import Wire

/// The fields of a submission's head that tell of its statement, and what they say of retries.
struct SubmissionFields {
    private(set) var user = 0..<0
    private(set) var source = 0..<0
    /// The open transaction that the request names; `NONE` and empty are none.
    private(set) var transaction: Range<Int>?
    /// The pool that the client names.
    private(set) var pool: Range<Int>?
    /// What it allows, and whether it is itself a retry.
    private(set) var traits = StatementTraits()
    private(set) var hasPrepared = false

    init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        var isTransactionKnown = false
        head.forEachField { field in
            if field.name == .user { user = field.value }
            if field.name == .source { source = field.value }
            if field.name == .preparedStatement { hasPrepared = true }
            if field.name == .penstockPool, pool == nil { pool = field.value }
            if field.name == .transactionID, !isTransactionKnown {
                isTransactionKnown = true
                let isNone = field.value.isEmpty || equalsIgnoringCase(bytes, field.value, "none")
                if !isNone { transaction = field.value }
            }
            if field.name == .penstockAttempt || field.name == .prestoRetryQuery { traits.isChained = true }
            guard field.name == .penstockRetries else { return }
            if equalsIgnoringCase(bytes, field.value, "off") { traits.mode = .off }
            if equalsIgnoringCase(bytes, field.value, "shadow") { traits.mode = .shadow }
        }
        traits.isInTransaction = transaction != nil
    }
}

/// What routing and retrying read in a submission's head and text.
extension Exchange {
    /// What the statement's text does.
    func readKind(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ fields: SubmissionFields) -> StatementKind {
        var prepared: [[UInt8]] = []
        if fields.hasPrepared {
            for field in head.fields where field.name == .preparedStatement {
                prepared.append(Array(bytes.extracting(field.value)))
            }
        }
        return request.lend { request in
            statementKind(of: request.extracting(sql), limit: relay.limits.kindText) { name in
                for value in prepared {
                    let found = preparedStatement(named: name, in: value.span)
                    if found != nil { return found }
                }
                return nil
            }
        }
    }

    /// The index of the statement's group; nil if there is none at all.
    func groupIndex(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ kind: StatementKind, in snapshot: Snapshot
    ) -> Int? {
        // Only selectors ask for more.
        if snapshot.table.selectors.isEmpty { return snapshot.unplaced.isEmpty ? nil : 0 }
        return snapshot.table.groupIndex(for: readFacts(head, bytes, kind))
    }

    /// What selectors look at.
    private func readFacts(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ kind: StatementKind
    ) -> SubmissionFacts {
        var facts = SubmissionFacts(kind: kind)
        let wanted = relay.snapshot.selectorHeaders
        for field in head.fields {
            if field.name == .user { facts.user = bounded(text(bytes, field.value)) }
            if field.name == .source { facts.source = bounded(text(bytes, field.value)) }
            if field.name == .catalog { facts.catalog = bounded(text(bytes, field.value)) }
            if field.name == .clientTags {
                let tags = text(bytes, field.value).split(separator: ",").prefix(100)
                facts.clientTags += tags.map { String($0.trimmingSpaces) }
            }
            if !wanted.isEmpty {
                let name = Selector.canonicalName(text(bytes, field.start..<field.nameEnd))
                if wanted.contains(name) { facts.headers.append((name, bounded(text(bytes, field.value)))) }
            }
        }
        return facts
    }

    /// Whether these bytes are that text.
    func spells(_ text: String, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let text = text.utf8.span
        return equals(text, 0..<text.count, bytes.extracting(range))
    }

    func bounded(_ text: String) -> String { text.utf8.count > 256 ? String(text.prefix(256)) : text }

    /// The field that names the statement to the engine's logs, where the client sent none of its own.
    func traceName(_ head: borrowing RequestHead) -> StaticString? {
        guard head.first(.traceToken) == nil else { return nil }
        return switch head.first(.user)?.dialect {
        case .presto: "X-Presto-Trace-Token: "
        case .trino, nil: "X-Trino-Trace-Token: "
        }
    }
}

/// Characters of a query id of Trino or Presto: `yyyymmdd_hhmmss_nnnnn_suffx`.
let engineIDLength = 27

/// Where the five characters are that end an engine's query id and tell one run of a coordinator from another; nil if
/// the id has another shape.
func idSuffix(_ queryID: Span<UInt8>) -> Range<Int>? {
    guard queryID.count == engineIDLength else { return nil }
    for index in queryID.indices {
        let separates = index == 8 || index == 15 || index == 21
        guard (queryID[index] == UInt8(ascii: "_")) == separates else { return nil }
    }
    return 22..<queryID.count
}

extension Substring {
    /// Without spaces and tabs at both ends.
    var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
