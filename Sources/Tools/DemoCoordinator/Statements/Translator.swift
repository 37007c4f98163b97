import SQL

/// Turns a query of Trino's SQL into SQLite's, token by token. What it does not know passes as it stands, and SQLite
/// judges it.
struct Translator {
    let text: StatementText
    let names: NameResolver
    let system: SystemTables
    let session: ClientSession
    /// The moment that now() means.
    let now: CivilTime

    var output = ""
    var index = 0
    /// One frame per open bracket, the statement's own first.
    var frames = [Frame()]
    /// Tokens before which a bracket is closed that this translation opened.
    private var closings: [Int: Int] = [:]
    private let namedQueries: Set<String>

    /// What is known of one level of brackets.
    struct Frame {
        var expectsTable = false
        var isInFrom = false
        /// VALUES without brackets around its items: the open one's bracket is still to be closed.
        var hasBareItem = false
        /// What stands between the brackets is the operand of CAST.
        var isCast = false
        /// Where in the output the bracket stands, of a table in brackets.
        var opensTable: String.Index?
    }

    init(
        _ text: StatementText, names: NameResolver, system: SystemTables, session: ClientSession, now: CivilTime
    ) {
        self.text = text
        self.names = names
        self.system = system
        self.session = session
        self.now = now
        namedQueries = Self.namedQueries(text)
    }

    /// The names that WITH gives.
    private static func namedQueries(_ text: StatementText) -> Set<String> {
        var names: Set<String> = []
        for (index, token) in text.tokens.enumerated() where index > 0 && token.isName {
            let before = text.tokens[index - 1]
            guard before.word == "with" || before.word == "recursive" || before.isSymbol(",") else { continue }
            var next = index + 1
            if text[next]?.isSymbol("(") == true { next = text.closing(next) + 1 }
            if text.has("as", at: next), text[next + 1]?.isSymbol("(") == true { names.insert(token.name) }
        }
        return names
    }

    /// The tokens of a range in SQLite's SQL.
    mutating func translate(_ range: Range<Int>) throws(QueryFailure) -> String {
        output = ""
        index = range.lowerBound
        frames = [Frame()]
        while index < range.upperBound {
            closeBefore(index)
            try step()
        }
        closeBareItem()
        closeBefore(range.upperBound)
        return output
    }

    var frame: Frame {
        get { frames[frames.count - 1] }
        set { frames[frames.count - 1] = newValue }
    }

    mutating func emit(_ text: String) {
        if !output.isEmpty { output += " " }
        output += text
    }

    /// Has a bracket closed before a token.
    mutating func close(before token: Int) {
        closings[token, default: 0] += 1
    }

    private mutating func closeBefore(_ token: Int) {
        for _ in 0..<(closings.removeValue(forKey: token) ?? 0) { emit(")") }
    }

    mutating func closeBareItem() {
        guard frame.hasBareItem else { return }
        frame.hasBareItem = false
        emit(")")
    }

    private mutating func step() throws(QueryFailure) {
        let token = text.tokens[index]
        if frame.expectsTable, token.isName, token.word != "lateral" { return try table() }
        switch token.kind {
        case .word: try word(token)
        case .quotedName: try column()
        case .symbol: try symbol(token)
        case .number:
            emit(token.text.split(separator: "_").joined())
            index += 1
        case .string:
            try string(token)
        case .parameter:
            throw .user(
                "INVALID_PARAMETER_USAGE", 80, "Incorrect number of parameters: expected 1 but found 0",
                at: text.location(index))
        case .unfinished, .end:
            throw text.mismatch(index)
        }
    }

    private mutating func string(_ token: TextToken) throws(QueryFailure) {
        if token.text.hasPrefix("U") || token.text.hasPrefix("u") {
            throw .notSupported("Unicode string literals are not supported here", at: text.location(index))
        }
        emit(token.text)
        index += 1
    }

    /// A name in an expression. Of catalog.schema.table.column SQLite takes the last two.
    mutating func column() throws(QueryFailure) {
        let (parts, end) = try text.path(at: index)
        if parts.count == 1, text[end]?.isSymbol(".") != true {
            emit(text.tokens[index].kind == .quotedName ? sqliteName(parts[0]) : text.tokens[index].text)
        } else {
            emit(parts.suffix(2).map(sqliteName).joined(separator: "."))
        }
        index = end
    }

    private mutating func symbol(_ token: TextToken) throws(QueryFailure) {
        switch token.text {
        case "(":
            var opened = Frame()
            if frame.expectsTable { opened.opensTable = output.endIndex }
            frame.expectsTable = false
            emit("(")
            frames.append(opened)
        case ")":
            guard frames.count > 1 else { throw text.mismatch(index) }
            closeBareItem()
            let closed = frames.removeLast()
            emit(")")
            if let open = closed.opensTable, try renameColumns(of: open) { return }
        case ",":
            let hadBareItem = frame.hasBareItem
            closeBareItem()
            emit(",")
            if frame.isInFrom { frame.expectsTable = true }
            if hadBareItem { openBareItem(index + 1) }
        case "/", "%":
            emit(token.text)
            let end = operandEnd(index + 1)
            guard end > index + 1, end <= text.tokens.count else {
                throw text.mismatch(index + 1, expecting: "<expression>")
            }
            emit("nonzero(")
            close(before: end)
        case "[": throw .notSupported("Arrays are not supported here", at: text.location(index))
        default:
            try checkOperands(token)
            emit(token.text)
            joinOperator()
        }
        index += 1
    }

    /// Puts operators of two characters together again: the lexer gives them one by one.
    private mutating func joinOperator() {
        while let next = text[index + 1], next.kind == .symbol, let here = text[index], next.start == here.end,
            ["<=", ">=", "<>", "!=", "||"].contains(here.text + next.text)
        {
            output += next.text
            index += 1
        }
    }

    /// `1 + 'x'` has no meaning in Trino; in SQLite it has.
    private func checkOperands(_ token: TextToken) throws(QueryFailure) {
        guard ["+", "-", "*"].contains(token.text), text[index - 1]?.kind == .number,
            let string = text[index + 1]?.string
        else { return }
        throw .user(
            "TYPE_MISMATCH", 58, "Cannot apply operator: integer \(token.text) varchar(\(string.unicodeScalars.count))",
            at: text.location(index))
    }

    /// The index after the operand that begins at `start`.
    private func operandEnd(_ start: Int) -> Int {
        var end = start
        while text[end]?.isSymbol("-") == true || text[end]?.isSymbol("+") == true { end += 1 }
        guard let first = text[end] else { return end }
        if first.isSymbol("(") { return text.closing(end) + 1 }
        guard first.isName else { return end + 1 }
        if first.word == "case" {
            var depth = 0
            while let token = text[end] {
                if token.word == "case" { depth += 1 }
                if token.word == "end" { depth -= 1 }
                end += 1
                if depth == 0 { break }
            }
            return end
        }
        end = (try? text.path(at: end).end) ?? end + 1
        if text[end]?.isSymbol("(") == true { return text.closing(end) + 1 }
        return text[end]?.kind == .string ? end + 1 : end
    }

    mutating func openBareItem(_ next: Int) {
        guard text[next]?.isSymbol("(") != true else { return }
        emit("(")
        frame.hasBareItem = true
    }

    func isNamedQuery(_ name: String) -> Bool { namedQueries.contains(name) }
}
