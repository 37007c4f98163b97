import Bytes
import Engine
import SQL
import Wire

/// What routing and retrying read in a submission's head and text.
extension Exchange {
    func readFacts(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> SubmissionFacts {
        var facts = SubmissionFacts()
        var prepared: [Range<Int>] = []
        let snapshot = relay.snapshot
        let wanted = snapshot.selectorHeaders
        // Only selectors ask for these two.
        let hasSelectors = !snapshot.table.selectors.isEmpty
        for field in head.fields {
            if field.name == .user { facts.user = bounded(text(bytes, field.value)) }
            if field.name == .source { facts.source = bounded(text(bytes, field.value)) }
            if hasSelectors, field.name == .catalog { facts.catalog = bounded(text(bytes, field.value)) }
            if hasSelectors, field.name == .clientTags {
                let tags = text(bytes, field.value).split(separator: ",").prefix(100)
                facts.clientTags += tags.map { String($0.trimmingSpaces) }
            }
            if field.name == .preparedStatement {
                prepared.append(field.value)
            }
            if !wanted.isEmpty {
                let name = Selector.canonicalName(text(bytes, field.start..<field.nameEnd))
                if wanted.contains(name) { facts.headers.append((name, bounded(text(bytes, field.value)))) }
            }
        }
        var headerValues: [[UInt8]] = []
        for range in prepared {
            var value: [UInt8] = []
            value.append(contentsOf: bytes.extracting(range))
            headerValues.append(value)
        }
        let request = request
        facts.kind = statementKind(of: request.span.extracting(sql), limit: relay.limits.kindText) { name in
            for value in headerValues {
                let found = preparedStatement(named: name, in: value.span)
                if found != nil { return found }
            }
            return nil
        }
        return facts
    }

    func bounded(_ text: String) -> String { text.utf8.count > 256 ? String(text.prefix(256)) : text }

    /// The open transaction that the request names; `NONE` and empty are none.
    func transactionID(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> String? {
        guard let field = head.first(.transactionID), !field.value.isEmpty else { return nil }
        return equalsIgnoringCase(bytes, field.value, "none") ? nil : bounded(text(bytes, field.value))
    }

    /// The field that names the statement to the engine's logs, where the client sent none of its own.
    func traceName(_ head: borrowing RequestHead) -> StaticString? {
        guard head.first(.traceToken) == nil else { return nil }
        return switch head.first(.user)?.dialect {
        case .presto: "X-Presto-Trace-Token: "
        case .trino, nil: "X-Trino-Trace-Token: "
        }
    }

    /// What the request says of retries: what it allows, and whether it is one itself.
    func readTraits(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, transaction: String?) -> StatementTraits {
        var traits = StatementTraits()
        traits.isInTransaction = transaction != nil
        for field in head.fields {
            if field.name == .penstockAttempt || field.name == .prestoRetryQuery { traits.isChained = true }
            guard field.name == .penstockRetries else { continue }
            if equalsIgnoringCase(bytes, field.value, "off") { traits.mode = .off }
            if equalsIgnoringCase(bytes, field.value, "shadow") { traits.mode = .shadow }
        }
        return traits
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
