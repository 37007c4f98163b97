import SQL

/// A token with its text.
struct TextToken: Equatable {
    let kind: TokenKind
    /// As it stands in the statement.
    let text: String
    /// Where its first byte stands.
    let start: Int
    let end: Int
    /// The word in small letters; empty for anything else, a quoted name too.
    let word: String

    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

    var isName: Bool { kind == .word || kind == .quotedName }

    /// The name in small letters, as Trino takes them all, without its quotes.
    var name: String {
        guard kind == .quotedName, let quote = text.first else { return word }
        return undoubled(String(quote)).lowercased()
    }

    /// What a plain string says, without its quotes.
    var string: String? { kind == .string && text.hasPrefix("'") ? undoubled("'") : nil }

    private func undoubled(_ quote: String) -> String {
        text.dropFirst().dropLast().split(separator: quote + quote, omittingEmptySubsequences: false)
            .joined(separator: quote)
    }
}

/// A statement's text, cut into tokens.
struct StatementText {
    let tokens: [TextToken]
    private let bytes: [UInt8]

    /// Cuts the text. Fails on what is not closed, and on a semicolon: engines take one statement at a time.
    init(_ text: String) throws(QueryFailure) {
        let bytes = Array(text.utf8)
        self.bytes = bytes
        var lexer = Lexer(limit: bytes.count)
        var tokens: [TextToken] = []
        while true {
            let token = lexer.next(bytes.span)
            if token.kind == .end { break }
            let written = String(decoding: bytes[token.range], as: UTF8.self)
            let word = token.kind == .word ? written.lowercased() : ""
            tokens.append(
                TextToken(kind: token.kind, text: written, start: token.start, end: token.end, word: word))
            if token.kind == .unfinished || written == ";" { break }
        }
        self.tokens = tokens
        let end = tokens.count - 1
        if end >= 0, tokens[end].kind == .unfinished || tokens[end].isSymbol(";") { throw mismatch(end) }
    }

    /// The text of a range of tokens.
    func text(_ range: Range<Int>) -> String {
        guard let first = range.first, let last = range.last, last < tokens.count else { return "" }
        return String(decoding: bytes[tokens[first].start..<tokens[last].end], as: UTF8.self)
    }

    /// Line and column of a token, or of the text's end, from 1; columns count characters.
    func location(_ index: Int) -> QueryFailure.Location {
        let offset = index < tokens.count ? tokens[index].start : bytes.count
        let before = String(decoding: bytes[..<offset], as: UTF8.self).unicodeScalars
        let line = before.reduce(1) { $1 == "\n" ? $0 + 1 : $0 }
        let column = before.reversed().prefix { $0 != "\n" }.count + 1
        return QueryFailure.Location(line: line, column: column)
    }

    /// The syntax error that names a token as out of place.
    func mismatch(_ index: Int, expecting: String = "<EOF>") -> QueryFailure {
        let found = index < tokens.count ? "'\(tokens[index].text)'" : "'<EOF>'"
        return .syntax("mismatched input \(found). Expecting: \(expecting)", at: location(index))
    }

    /// Whether these words, in small letters, stand at a place, one after the other.
    func has(_ words: String..., at index: Int = 0) -> Bool {
        for (offset, word) in words.enumerated() where self[index + offset]?.word != word { return false }
        return true
    }

    /// The token at a place, nil outside the text.
    subscript(_ index: Int) -> TextToken? { tokens.indices.contains(index) ? tokens[index] : nil }

    /// The index of the bracket that closes the one at `open`; the end where none does.
    func closing(_ open: Int) -> Int {
        var depth = 0
        for index in open..<tokens.count {
            if tokens[index].isSymbol("(") { depth += 1 }
            if tokens[index].isSymbol(")") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return tokens.count
    }

    /// A dotted name from a token on: its parts in small letters, and the index after it.
    func path(at index: Int) throws(QueryFailure) -> (parts: [String], end: Int) {
        guard let first = self[index], first.isName else { throw mismatch(index, expecting: "<identifier>") }
        var parts = [first.name]
        var next = index + 1
        while self[next]?.isSymbol(".") == true, let part = self[next + 1], part.isName {
            parts.append(part.name)
            next += 2
        }
        return (parts, next)
    }

    /// The ranges between commas that stand in no bracket.
    func items(_ range: Range<Int>) -> [Range<Int>] {
        var items: [Range<Int>] = []
        var depth = 0
        var start = range.lowerBound
        for index in range {
            if tokens[index].isSymbol("(") || tokens[index].isSymbol("[") { depth += 1 }
            if tokens[index].isSymbol(")") || tokens[index].isSymbol("]") { depth -= 1 }
            if depth == 0, tokens[index].isSymbol(",") {
                items.append(start..<index)
                start = index + 1
            }
        }
        items.append(start..<range.upperBound)
        return items
    }
}
