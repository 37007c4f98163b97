/// The words that decide what a statement does. Everything else is a name to the statement kind.
enum Keyword: String, CaseIterable {
    case alter, analyze, `as`, call, comment, commit, create, deallocate, delete, deny, desc, describe, drop
    case execute, explain, function, grant, immediate, insert, into, materialized, merge, not, prepare, recursive
    case refresh, reset, revoke, rollback, select, `set`, show, start, table, transaction, truncate, update, use
    case using, values, verbose, with

    /// Whether a query begins with it.
    var opensQuery: Bool { self == .select || self == .values || self == .table || self == .with }

    /// Reserved words that stand in statements that write, and in no query.
    static let writing: Set<Keyword> = [
        .alter, .create, .deallocate, .delete, .drop, .execute, .insert, .into, .prepare,
    ]

    /// Words that a statement which does more than read begins with, and that may be names elsewhere.
    static let writingUnlessNames: Set<Keyword> = [
        .analyze, .call, .comment, .deny, .explain, .grant, .merge, .refresh, .revoke, .truncate, .update,
    ]

    /// The keyword that an unquoted word of `text` spells, in any case of letters.
    static func spelled(by range: Range<Int>, in text: Span<UInt8>) -> Keyword? {
        guard range.count >= 2, range.count <= 12, range.upperBound <= text.count else { return nil }
        return spellings[pack(range, in: text)]
    }

    /// A word of at most 16 bytes in one number, its letters lowered.
    private static func pack(_ range: Range<Int>, in text: Span<UInt8>) -> UInt128 {
        var packed: UInt128 = 0
        for index in range { packed = packed << 8 | UInt128(text[index] | 0x20) }
        return packed
    }

    private static let spellings: [UInt128: Keyword] = {
        var spellings: [UInt128: Keyword] = [:]
        for keyword in allCases {
            let bytes = Array(keyword.rawValue.utf8)
            spellings[pack(0..<bytes.count, in: bytes.span)] = keyword
        }
        return spellings
    }()
}
