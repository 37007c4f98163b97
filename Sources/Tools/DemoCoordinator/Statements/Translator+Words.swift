import SQL

extension Translator {
    /// Words after which FROM's commas no longer separate tables.
    private static let endsFrom: Set<String> = [
        "where", "group", "order", "having", "limit", "union", "intersect", "except", "offset", "fetch", "window",
        "select", "set", "values", "returning",
    ]

    /// Functions that SQLite knows by another name.
    private static let renamed = [
        "if": "iif", "arbitrary": "min", "any_value": "min", "random": "random_double", "rand": "random_double",
        "strpos": "instr", "greatest": "max", "least": "min", "array_agg": "json_group_array",
    ]

    mutating func word(_ token: TextToken) throws(QueryFailure) {
        let next = text[index + 1]
        if text[index - 1]?.isSymbol(".") == true { return try column() }
        if next?.kind == .string, try literal(token) { return }
        if next?.isSymbol("(") == true, try call(token) { return }
        if Self.endsFrom.contains(token.word) {
            closeBareItem()
            frame.isInFrom = false
        }
        switch token.word {
        case "from":
            emit("FROM")
            if !text.has("distinct", at: index - 1) {
                frame.expectsTable = true
                frame.isInFrom = true
            }
        case "join": begin("JOIN")
        case "table": try tableKeyword()
        case "values":
            emit("VALUES")
            openBareItem(index + 1)
        case "as" where frame.isCast: try castType()
        case "fetch": try fetch()
        case "offset": try offset()
        case "limit":
            if text.has("all", at: index + 1) { index += 1 } else { emit("LIMIT") }
        case "lateral": frame.expectsTable = true
        case "interval": throw .notSupported("Intervals are not supported here", at: text.location(index))
        case "current_date", "current_timestamp", "localtimestamp", "current_user", "current_catalog",
            "current_schema":
            emit(sqlString(constant(token.word)))
        default:
            if next?.isSymbol(".") == true { return try column() }
            emit(token.text)
        }
        index += 1
    }

    private mutating func begin(_ word: String) {
        emit(word)
        frame.expectsTable = true
        frame.isInFrom = true
    }

    private func constant(_ word: String) -> String {
        switch word {
        case "current_date": now.date
        case "current_user": session.user
        case "current_catalog": session.catalog ?? ""
        case "current_schema": session.schema ?? ""
        default: now.timestamp
        }
    }

    /// `DATE '2020-01-01'` and the like. False where the word is no type.
    private mutating func literal(_ token: TextToken) throws(QueryFailure) -> Bool {
        guard let string = text[index + 1]?.string else { return false }
        switch token.word {
        case "date", "timestamp", "time", "json", "uuid", "varchar", "char": emit(sqlString(string))
        case "decimal", "bigint", "integer", "smallint", "tinyint": emit(try number(string))
        case "double", "real": emit("CAST(\(sqlString(string)) AS REAL)")
        default: return false
        }
        index += 2
        return true
    }

    private func number(_ string: String) throws(QueryFailure) -> String {
        guard !string.isEmpty, string.allSatisfy({ $0.isNumber || "+-.".contains($0) }) else {
            throw .user("INVALID_LITERAL", 59, "'\(string)' is not a valid number", at: text.location(index))
        }
        return string
    }

    /// A function's name, at its bracket. False where it passes as it stands.
    private mutating func call(_ token: TextToken) throws(QueryFailure) -> Bool {
        switch token.word {
        case "cast", "try_cast":
            emit(token.word + "_to(")
            frames.append(Frame(isCast: true))
        case "now":
            emit(sqlString(now.timestamp))
            index = text.closing(index + 1) + 1
            return true
        case "extract":
            guard let unit = text[index + 2], text.has("from", at: index + 3) else { return false }
            emit("\(unit.word)(")
            frames.append(Frame())
            index += 4
            return true
        case "approx_distinct":
            emit("count( DISTINCT")
            frames.append(Frame())
        default:
            guard let name = Self.renamed[token.word] else { return false }
            emit(name)
            index += 1
            return true
        }
        index += 2
        return true
    }

    /// At AS in CAST: the type becomes the function's second argument.
    private mutating func castType() throws(QueryFailure) {
        var end = index + 1
        while let token = text[end], !token.isSymbol(")") {
            end = token.isSymbol("(") ? text.closing(end) + 1 : end + 1
        }
        let type = ColumnType(declared: text.text(index + 1..<end))
        guard type.isKnown else {
            throw .user("TYPE_NOT_FOUND", 43, "Unknown type: \(type.text())", at: text.location(index + 1))
        }
        emit(", \(sqlString(type.text()))")
        index = end - 1
    }

    /// `FETCH FIRST n ROWS ONLY` is `LIMIT n`.
    private mutating func fetch() throws(QueryFailure) {
        guard let count = text[index + 2] else { throw text.mismatch(index) }
        emit("LIMIT \(count.kind == .number ? count.text : "1")")
        while let token = text[index], token.word != "only" { index += 1 }
    }

    /// `OFFSET m LIMIT n`: SQLite wants it the other way round.
    private mutating func offset() throws(QueryFailure) {
        guard let count = text[index + 1] else { throw text.mismatch(index + 1) }
        var next = index + 2
        if text.has("rows", at: next) || text.has("row", at: next) { next += 1 }
        var limit = "-1"
        if text.has("limit", at: next), let token = text[next + 1] {
            if token.kind == .number { limit = token.text }
            next += 2
        }
        emit("LIMIT \(limit) OFFSET \(count.text)")
        index = next - 1
    }
}
