/// Walks over the tokens of one statement and answers the questions that its kind turns on. What it does not know
/// it answers so that the statement counts as a write.
struct StatementReader {
    private var lexer: Lexer
    private(set) var token: Token
    /// The keyword that the token spells, if it is an unquoted word that spells one.
    private(set) var keyword: Keyword?

    init(_ text: Span<UInt8>, limit: Int) {
        lexer = Lexer(limit: limit)
        token = lexer.next(text)
        keyword = token.kind == .word ? Keyword.spelled(by: token.range, in: text) : nil
    }

    mutating func advance(_ text: Span<UInt8>) {
        token = lexer.next(text)
        keyword = token.kind == .word ? Keyword.spelled(by: token.range, in: text) : nil
    }

    func isSymbol(_ symbol: Unicode.Scalar, _ text: Span<UInt8>) -> Bool {
        token.kind == .symbol && UInt32(text[token.start]) == symbol.value
    }

    private var isName: Bool { token.kind == .word || token.kind == .quotedName }

    private var opensQuery: Bool { keyword?.opensQuery ?? false }

    // MARK: - One statement

    /// Walks to the end. False where something follows a semicolon (some servers run it too) or a string, a quoted
    /// name or a comment is not closed.
    mutating func endsAsOneStatement(_ text: Span<UInt8>) -> Bool {
        while true {
            if token.kind == .end { return true }
            if token.kind == .unfinished { return false }
            let semicolon = isSymbol(";", text)
            advance(text)
            if semicolon { return token.kind == .end }
        }
    }

    // MARK: - Queries

    /// Whether what stands here, to the end of the text, is a query that writes nothing.
    mutating func isQuery(_ text: Span<UInt8>) -> Bool {
        while isSymbol("(", text) { advance(text) }
        guard opensQuery else { return false }
        guard keyword == .with else { return reads(text, untilClosed: false) }
        advance(text)
        if keyword == .function {
            var ahead = self
            ahead.advance(text)
            if ahead.isName, ahead.keyword != .as { return inlineFunctionsRead(text) }
        }
        guard skipNamedQueries(text) else { return false }
        while isSymbol("(", text) { advance(text) }
        guard opensQuery, keyword != .with else { return false }
        return reads(text, untilClosed: false)
    }

    /// Walks over `[RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (query), ...`. False where one of them is
    /// something else: other servers take `WITH x AS (INSERT ...)`.
    private mutating func skipNamedQueries(_ text: Span<UInt8>) -> Bool {
        if keyword == .recursive {
            var ahead = self
            ahead.advance(text)
            if ahead.isName, ahead.keyword != .as { advance(text) }
        }
        while true {
            guard isName else { return false }
            advance(text)
            if isSymbol("(", text) {
                advance(text)
                guard reads(text, untilClosed: true) else { return false }
            }
            guard keyword == .as else { return false }
            advance(text)
            if keyword == .not { advance(text) }
            if keyword == .materialized { advance(text) }
            guard isSymbol("(", text) else { return false }
            advance(text)
            var ahead = self
            while ahead.isSymbol("(", text) { ahead.advance(text) }
            guard ahead.opensQuery, reads(text, untilClosed: true) else { return false }
            guard isSymbol(",", text) else { return true }
            advance(text)
        }
    }

    /// Walks over the rest of a query: to the end of the text, or to behind the bracket that closes what was opened
    /// just before. False where a word stands in it that no query has, or a table function that is not known to read.
    private mutating func reads(_ text: Span<UInt8>, untilClosed: Bool) -> Bool {
        var depth = 1
        while true {
            switch token.kind {
            case .end: return !untilClosed
            case .unfinished: return false
            case .word:
                guard let keyword else { break }
                if keyword == .table {
                    guard tableReads(text) else { return false }
                    continue
                }
                guard !mayWrite(keyword, text) else { return false }
            case .symbol:
                let symbol = text[token.start]
                if symbol == UInt8(ascii: "(") { depth += 1 }
                if symbol == UInt8(ascii: ")") { depth -= 1 }
                if symbol == UInt8(ascii: ";") { return !untilClosed && endsAsOneStatement(text) }
                if untilClosed, depth == 0 {
                    advance(text)
                    return true
                }
            case .quotedName, .string, .number, .parameter: break
            }
            advance(text)
        }
    }

    /// Whether the word here belongs to a statement that writes. Reserved words can be nothing else; `update` and
    /// `merge` may be names, unless another name follows.
    private func mayWrite(_ keyword: Keyword, _ text: Span<UInt8>) -> Bool {
        guard keyword == .merge || keyword == .update else { return keyword.writes }
        var ahead = self
        ahead.advance(text)
        return ahead.isName
    }

    // MARK: - Table functions

    /// Table functions that read: Trino's own. What a connector's does is not known: `query` runs anything.
    private static let readingTableFunctions = ["exclude_columns", "sequence"]

    /// At TABLE: walks over what says whether `TABLE(name(...))` calls a function, and which. `TABLE name`,
    /// `TABLE(name)` and `TABLE(SELECT ...)` call none.
    private mutating func tableReads(_ text: Span<UInt8>) -> Bool {
        advance(text)
        guard isSymbol("(", text) else { return true }
        var ahead = self
        ahead.advance(text)
        guard ahead.isName, !ahead.opensQuery else { return true }
        var path: [String] = []
        while ahead.isName, path.count < 4 {
            path.append(ahead.name(text).lowercased())
            ahead.advance(text)
            guard ahead.isSymbol(".", text) else { break }
            ahead.advance(text)
        }
        if ahead.isSymbol(")", text) { return true }
        guard ahead.isSymbol("(", text), let function = path.last else { return false }
        let isOwn = path.count == 1 || path.dropLast() == ["system", "builtin"]
        return isOwn && Self.readingTableFunctions.contains(function)
    }

    // MARK: - WITH FUNCTION

    /// Walks over `WITH FUNCTION ... query` to the end. Where a function's body ends cannot be told without a parser
    /// of it, and it has semicolons of its own; so this reads if it has a query and no word that a write begins with.
    private mutating func inlineFunctionsRead(_ text: Span<UInt8>) -> Bool {
        var hasQuery = false
        while true {
            switch token.kind {
            case .end: return hasQuery
            case .unfinished: return false
            case .word:
                guard let keyword else { break }
                if keyword == .select || keyword == .values || keyword == .table { hasQuery = true }
                if keyword == .table {
                    guard tableReads(text) else { return false }
                    continue
                }
                if keyword.writes || keyword.writesUnlessName { return false }
            case .quotedName, .string, .number, .parameter, .symbol: break
            }
            advance(text)
        }
    }

    // MARK: - EXPLAIN and EXECUTE

    /// What EXPLAIN does with its statement.
    enum Explanation: Equatable {
        /// It is planned and not run.
        case plan
        /// It is run: ANALYZE. The reader stands at it.
        case run
    }

    /// At EXPLAIN: walks over ANALYZE, VERBOSE and the options in brackets.
    mutating func explanation(_ text: Span<UInt8>) -> Explanation {
        advance(text)
        var runs = false
        while true {
            if keyword == .analyze {
                runs = true
            } else if isSymbol("(", text) {
                var ahead = self
                ahead.advance(text)
                // A query in brackets, not options.
                if ahead.opensQuery || ahead.isSymbol("(", text) { return runs ? .run : .plan }
                while token.kind != .end, token.kind != .unfinished, !isSymbol(")", text) {
                    advance(text)
                    if keyword == .analyze { runs = true }
                }
            } else if keyword != .verbose {
                return runs ? .run : .plan
            }
            if token.kind == .end || token.kind == .unfinished { return runs ? .run : .plan }
            advance(text)
        }
    }

    /// What EXECUTE runs.
    enum Executed: Equatable {
        /// The text of EXECUTE IMMEDIATE.
        case immediate([UInt8])
        /// The name of a prepared statement.
        case prepared(String)
    }

    /// At EXECUTE: what it runs; nil where that cannot be read. Its parameters are looked at as a query's text is.
    mutating func executed(_ text: Span<UInt8>) -> Executed? {
        advance(text)
        let executed: Executed
        if keyword == .immediate {
            advance(text)
            if token.kind == .string {
                guard let bytes = string(text) else { return nil }
                executed = .immediate(bytes)
                advance(text)
            } else {
                executed = .prepared("immediate")
            }
        } else {
            guard isName else { return nil }
            executed = .prepared(name(text))
            advance(text)
        }
        return reads(text, untilClosed: false) ? executed : nil
    }

    // MARK: - What a token says

    /// The name here, without its quotes. Its case is kept: engines compare prepared names as they were written.
    private func name(_ text: Span<UInt8>) -> String {
        token.kind == .quotedName
            ? String(decoding: unquoted(token.start, text), as: UTF8.self)
            : String(decoding: token.range.map { text[$0] }, as: UTF8.self)
    }

    /// The bytes of a plain string; nil where it has a prefix, whose escapes are not read here.
    private func string(_ text: Span<UInt8>) -> [UInt8]? {
        text[token.start] == UInt8(ascii: "'") ? unquoted(token.start, text) : nil
    }

    private func unquoted(_ open: Int, _ text: Span<UInt8>) -> [UInt8] {
        let quote = text[open]
        var bytes: [UInt8] = []
        var index = open + 1
        while index < token.end - 1 {
            bytes.append(text[index])
            index += text[index] == quote ? 2 : 1
        }
        return bytes
    }
}
