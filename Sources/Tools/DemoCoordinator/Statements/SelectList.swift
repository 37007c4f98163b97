import SQL

/// What a statement's text tells of one column of its result, before a row is there.
struct ColumnHint: Equatable {
    /// The name that Trino gives the column; nil where SQLite knows it (`*`).
    var name: String?
    var type: ColumnType?
    var isStar = false
}

/// Reads names and types of columns off the first select list of a query.
struct SelectList {
    let text: StatementText

    /// One hint per item, `*` counting as one.
    func hints() -> [ColumnHint] {
        guard let start = firstSelect() else { return [] }
        var first = start + 1
        if text.has("all", at: first) || text.has("distinct", at: first) { first += 1 }
        return text.items(first..<end(from: first)).enumerated().map { offset, item in
            var hint = hint(item)
            if hint.name == nil, !hint.isStar { hint.name = "_col\(offset)" }
            return hint
        }
    }

    private func firstSelect() -> Int? {
        var depth = 0
        let hasNamedQueries = text.has("with")
        for (index, token) in text.tokens.enumerated() {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            if depth == 0, token.word == "values" { return nil }
            if token.word == "select", depth == 0 || !hasNamedQueries { return index }
        }
        return nil
    }

    /// The end of the list that begins at `start`: FROM or whatever else stands in no bracket of its own.
    private func end(from start: Int) -> Int {
        let ends = ["from", "where", "group", "having", "order", "limit", "union", "intersect", "except", "offset"]
        var depth = 0
        for index in start..<text.tokens.count {
            let token = text.tokens[index]
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") {
                if depth == 0 { return index }
                depth -= 1
            }
            if depth == 0, ends.contains(token.word), !text.has("distinct", at: index - 1) { return index }
        }
        return text.tokens.count
    }

    private func hint(_ item: Range<Int>) -> ColumnHint {
        var item = item
        guard let last = item.last, let end = text[last] else { return ColumnHint() }
        if end.isSymbol("*"), item.count == 1 || text[last - 1]?.isSymbol(".") == true {
            return ColumnHint(isStar: true)
        }
        var name: String?
        let isPath = item.allSatisfy { text.tokens[$0].isName || text.tokens[$0].isSymbol(".") }
        if item.count >= 3, text.has("as", at: last - 1), end.isName {
            name = end.name
            item = item.lowerBound..<last - 1
        } else if item.count >= 2, end.isName, end.word != "end", endsValue(text.tokens[last - 1]) {
            name = end.name
            item = item.lowerBound..<last
        } else if isPath, literalType(item) == nil {
            name = end.name
        }
        return ColumnHint(name: name, type: type(item))
    }

    /// Whether a name after this token is an alias.
    private func endsValue(_ token: TextToken) -> Bool {
        switch token.kind {
        case .number, .string, .quotedName, .parameter: true
        case .word: !Self.operators.contains(token.word)
        case .symbol: token.text == ")" || token.text == "]"
        case .unfinished, .end: false
        }
    }

    private static let operators: Set<String> = [
        "and", "or", "not", "is", "like", "in", "between", "date", "timestamp", "time", "decimal", "double", "case",
        "when", "then", "else", "distinct", "escape",
    ]

    private func type(_ item: Range<Int>) -> ColumnType? {
        if let type = literalType(item) ?? callType(item) { return type }
        var depth = 0
        for index in item {
            let token = text.tokens[index]
            if token.isSymbol("(") || token.word == "case" { depth += 1 }
            if token.isSymbol(")") || token.word == "end" { depth -= 1 }
            if depth == 0, Self.comparisons.contains(token.kind == .symbol ? token.text : token.word) {
                return .boolean
            }
        }
        let isWholeArithmetic = item.allSatisfy { index in
            let token = text.tokens[index]
            if token.kind == .number { return Int32(token.text) != nil }
            return token.kind == .symbol && "+-*/%()".contains(token.text)
        }
        return isWholeArithmetic ? .integer : nil
    }

    private static let comparisons: Set<String> = [
        "=", "<", ">", "and", "or", "not", "is", "like", "in", "between", "exists",
    ]

    /// The type of an item that is one call of a function.
    private func callType(_ item: Range<Int>) -> ColumnType? {
        guard let first = item.first, let last = item.last, text[first + 1]?.isSymbol("(") == true,
            text.closing(first + 1) == last
        else { return nil }
        let function = text.tokens[first].word
        if function == "cast" || function == "try_cast" {
            let at = (first + 2..<last).last { text.tokens[$0].word == "as" }
            return at.map { ColumnType(declared: text.text($0 + 1..<last)) }
        }
        return Self.results[function]
    }

    /// What functions give whatever they are given.
    private static let results: [String: ColumnType] = [
        "count": .bigint, "approx_distinct": .bigint, "count_if": .bigint, "length": .bigint, "strpos": .bigint,
        "year": .bigint, "month": .bigint, "day": .bigint, "row_number": .bigint, "sleep": .bigint,
        "random": .double, "rand": .double, "avg": .double, "sqrt": .double, "nan": .double, "infinity": .double,
        "exists": .boolean, "starts_with": .boolean, "version": .varchar, "lower": .varchar, "upper": .varchar,
        "concat": .varchar, "replace": .varchar, "trim": .varchar, "now": ColumnType("timestamp", [3]),
        "fail": .unknown,
    ]

    /// The type of an item that is one literal.
    private func literalType(_ item: Range<Int>) -> ColumnType? {
        guard let first = item.first else { return nil }
        let token = text.tokens[first]
        if item.count == 2, let string = text.tokens[first + 1].string { return typedLiteral(token.word, string) }
        guard item.count == 1 else { return nil }
        switch token.kind {
        case .string: return token.string.map { .varchar($0.unicodeScalars.count) } ?? .varbinary
        case .number: return numberType(token.text)
        case .word: return Self.constants[token.word]
        case .quotedName, .parameter, .symbol, .unfinished, .end: return nil
        }
    }

    private static let constants: [String: ColumnType] = [
        "true": .boolean, "false": .boolean, "null": .unknown, "current_date": .date,
        "current_timestamp": ColumnType("timestamp", [3]), "localtimestamp": ColumnType("timestamp", [3]),
        "current_user": .varchar, "current_catalog": .varchar, "current_schema": .varchar,
    ]

    private func typedLiteral(_ type: String, _ text: String) -> ColumnType? {
        let fraction = text.split(separator: ".", maxSplits: 1).dropFirst().first?.count ?? 0
        switch type {
        case "date", "double", "bigint", "integer", "json", "uuid", "varchar", "real": return ColumnType(declared: type)
        case "timestamp", "time": return ColumnType(type, [fraction])
        case "decimal": return ColumnType("decimal", [max(1, text.filter(\.isNumber).count), fraction])
        default: return nil
        }
    }

    private func numberType(_ text: String) -> ColumnType? {
        if Int32(text) != nil { return .integer }
        if Int64(text) != nil { return .bigint }
        if text.contains("e") || text.contains("E") { return .double }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let whole = parts[0].drop { $0 == "0" }
        return ColumnType("decimal", [max(1, whole.count + parts[1].count), parts[1].count])
    }
}
