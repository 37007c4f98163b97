import Bytes

/// The words that decide what a statement does. Everything else is a name to the statement kind.
enum Keyword: CaseIterable {
    case alter, analyze, `as`, call, comment, commit, create, deallocate, delete, deny, desc, describe, drop
    case execute, explain, function, grant, immediate, insert, into, materialized, merge, not, prepare, recursive
    case refresh, reset, revoke, rollback, select, `set`, show, start, table, transaction, truncate, update, use
    case using, values, verbose, with

    /// Whether a query begins with it.
    var opensQuery: Bool { self == .select || self == .values || self == .table || self == .with }

    /// Whether it is a reserved word that stands in statements that write, and in no query.
    var writes: Bool {
        self == .alter || self == .create || self == .deallocate || self == .delete || self == .drop
            || self == .execute || self == .insert || self == .into || self == .prepare
    }

    /// Whether a statement that does more than read begins with it, and it may be a name elsewhere.
    var writesUnlessName: Bool {
        self == .analyze || self == .call || self == .comment || self == .deny || self == .explain || self == .grant
            || self == .merge || self == .refresh || self == .revoke || self == .truncate || self == .update
    }

    /// The keyword that an unquoted word of `text` spells, in any case of letters.
    static func spelled(by range: Range<Int>, in text: Span<UInt8>) -> Keyword? {
        let count = range.count
        guard count >= 2, count <= 12 else { return nil }
        // Eight letters at once, lowered; most words of a text are told by them.
        let start = loadWord(text, at: range.lowerBound, count: min(count, 8)) | lowering
        switch count {
        case 2:
            if start == word("as") { return .as }
        case 3:
            if start == word("not") { return .not }
            if start == word("set") { return .set }
            if start == word("use") { return .use }
        case 4:
            if start == word("call") { return .call }
            if start == word("deny") { return .deny }
            if start == word("desc") { return .desc }
            if start == word("drop") { return .drop }
            if start == word("into") { return .into }
            if start == word("show") { return .show }
            if start == word("with") { return .with }
        case 5:
            if start == word("alter") { return .alter }
            if start == word("grant") { return .grant }
            if start == word("merge") { return .merge }
            if start == word("reset") { return .reset }
            if start == word("start") { return .start }
            if start == word("table") { return .table }
            if start == word("using") { return .using }
        case 6:
            if start == word("commit") { return .commit }
            if start == word("create") { return .create }
            if start == word("delete") { return .delete }
            if start == word("insert") { return .insert }
            if start == word("revoke") { return .revoke }
            if start == word("select") { return .select }
            if start == word("update") { return .update }
            if start == word("values") { return .values }
        case 7:
            if start == word("analyze") { return .analyze }
            if start == word("comment") { return .comment }
            if start == word("execute") { return .execute }
            if start == word("explain") { return .explain }
            if start == word("prepare") { return .prepare }
            if start == word("refresh") { return .refresh }
            if start == word("verbose") { return .verbose }
        case 8:
            if start == word("describe") { return .describe }
            if start == word("function") { return .function }
            if start == word("rollback") { return .rollback }
            if start == word("truncate") { return .truncate }
        case 9:
            if equalsIgnoringCase(text, range, "immediate") { return .immediate }
            if equalsIgnoringCase(text, range, "recursive") { return .recursive }
        case 10:
            if equalsIgnoringCase(text, range, "deallocate") { return .deallocate }
        case 11:
            if equalsIgnoringCase(text, range, "transaction") { return .transaction }
        default:
            if equalsIgnoringCase(text, range, "materialized") { return .materialized }
        }
        return nil
    }
}

/// The bit that tells small letters from large ones, in each of eight bytes.
private let lowering: UInt64 = 0x2020_2020_2020_2020

/// A spelling of at most eight letters, as a text's word is compared with it.
@inline(__always)
private func word(_ spelling: StaticString) -> UInt64 { loadWord(spelling) | lowering }
