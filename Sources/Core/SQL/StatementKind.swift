/// What a statement may do, as far as its text tells (design 4.1).
public enum StatementKind: String, Sendable, CaseIterable {
    /// It is known to read.
    case read
    /// It writes, or it is not known that it does not.
    case write
    /// It changes the session, which the client keeps: USE, SET, RESET, PREPARE, DEALLOCATE.
    case session
    /// START TRANSACTION, COMMIT, ROLLBACK.
    case transaction

    /// Whether a second run of it changes nothing on a cluster. Session statements count as reads.
    public var reads: Bool {
        switch self {
        case .read, .session: true
        case .write, .transaction: false
        }
    }
}

/// The kind of the statement in `text`: one of a closed list of reads, or a write.
///
/// - Parameters:
///   - text: the SQL as the client sent it; any bytes.
///   - limit: how many bytes of it are looked at. A longer text that reads as far as it was seen counts as a write;
///     asking again with `limit: text.count` decides.
///   - prepared: the text of a prepared statement by its name, nil where it cannot be read.
public func statementKind(of text: Span<UInt8>, limit: Int, prepared: (_ name: String) -> [UInt8]?) -> StatementKind {
    kind(of: text, limit: limit, depth: 0, prepared: prepared)
}

/// How deep EXECUTE, EXECUTE IMMEDIATE and EXPLAIN ANALYZE may stand in one another. No engine takes more than two.
private let maximumDepth = 4

private func kind(
    of text: Span<UInt8>, limit: Int, depth: Int, prepared: (_ name: String) -> [UInt8]?
) -> StatementKind {
    var reader = StatementReader(text, limit: limit)
    let kind = statement(&reader, text, limit: limit, depth: depth, prepared: prepared)
    return kind.reads && text.count > limit ? .write : kind
}

/// The kind of the statement that begins at the reader's token.
private func statement(
    _ reader: inout StatementReader, _ text: Span<UInt8>, limit: Int, depth: Int,
    prepared: (_ name: String) -> [UInt8]?
) -> StatementKind {
    guard depth <= maximumDepth else { return .write }
    if reader.isSymbol("(", text) { return reader.isQuery(text) ? .read : .write }
    guard let keyword = reader.keyword else { return .write }
    switch keyword {
    case .select, .values, .table, .with:
        return reader.isQuery(text) ? .read : .write
    case .show, .describe, .desc:
        return reader.endsAsOneStatement(text) ? .read : .write
    case .use, .set, .reset, .prepare, .deallocate:
        return reader.endsAsOneStatement(text) ? .session : .write
    case .start:
        reader.advance(text)
        return reader.keyword == .transaction && reader.endsAsOneStatement(text) ? .transaction : .write
    case .commit, .rollback:
        return reader.endsAsOneStatement(text) ? .transaction : .write
    case .explain:
        switch reader.explanation(text) {
        case .plan: return reader.endsAsOneStatement(text) ? .read : .write
        case .run: return statement(&reader, text, limit: limit, depth: depth + 1, prepared: prepared)
        }
    case .execute:
        guard let executed = reader.executed(text) else { return .write }
        switch executed {
        case .immediate(let bytes):
            return kind(of: bytes.span, limit: limit, depth: depth + 1, prepared: prepared)
        case .prepared(let name):
            guard let bytes = prepared(name) else { return .write }
            return kind(of: bytes.span, limit: limit, depth: depth + 1, prepared: prepared)
        }
    case .alter, .analyze, .as, .call, .comment, .create, .delete, .deny, .drop, .function, .grant, .immediate,
        .insert, .into, .materialized, .merge, .not, .recursive, .refresh, .revoke, .transaction, .truncate,
        .update, .using, .verbose:
        return .write
    }
}
