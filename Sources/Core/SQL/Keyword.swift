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
        guard range.count >= 2, range.count <= longest, range.upperBound <= text.count else { return nil }
        let drawer = drawer(length: range.count, first: text[range.lowerBound])
        let spellings = spellings.span
        var index = Int(drawers.span[drawer])
        while index < spellings.count, spellings[index].drawer == drawer {
            if spellings[index].packed == pack(range, in: text) { return spellings[index].keyword }
            index += 1
        }
        return nil
    }

    private static let longest = 12

    /// A spelling, found by its length and first letter: most words of a text are none, and are told so by that.
    private struct Spelling {
        var drawer: Int
        var packed: UInt128
        var keyword: Keyword
    }

    private static func drawer(length: Int, first: UInt8) -> Int { length << 5 | Int(first & 0x1F) }

    /// A word of at most 16 bytes in one number, its letters lowered.
    private static func pack(_ range: Range<Int>, in text: Span<UInt8>) -> UInt128 {
        var packed: UInt128 = 0
        for index in range { packed = packed << 8 | UInt128(text[index] | 0x20) }
        return packed
    }

    /// All spellings by drawer.
    private static let spellings: [Spelling] = allCases.map { keyword in
        let bytes = Array("\(keyword)".utf8)
        return Spelling(
            drawer: drawer(length: bytes.count, first: bytes[0]), packed: pack(0..<bytes.count, in: bytes.span),
            keyword: keyword)
    }.sorted { $0.drawer < $1.drawer }

    /// Where each drawer begins in `spellings`; beyond them where it is empty.
    private static let drawers: [UInt8] = {
        var drawers = [UInt8](repeating: .max, count: (longest + 1) << 5)
        for (index, spelling) in spellings.enumerated().reversed() { drawers[spelling.drawer] = UInt8(index) }
        return drawers
    }()
}
