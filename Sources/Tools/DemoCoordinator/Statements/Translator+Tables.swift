import SQL

extension Translator {
    /// Words that may follow a table and are no alias of it.
    private static let noAlias: Set<String> = [
        "where", "group", "order", "having", "limit", "union", "intersect", "except", "join", "inner", "left", "right",
        "full", "cross", "natural", "on", "using", "offset", "fetch", "window", "tablesample", "set", "values",
        "select", "default", "with",
    ]

    /// A table where FROM or JOIN expects one.
    mutating func table() throws(QueryFailure) {
        frame.expectsTable = false
        let start = index
        let (parts, end) = try text.path(at: index)
        if text[end]?.isSymbol("(") == true, parts.count == 1 {
            if parts[0] == "table" { return try tableFunction(open: end) }
            if parts[0] == "unnest" { return try unnest(open: end) }
        }
        index = end
        if parts.count == 1, isNamedQuery(parts[0]) {
            emit(sqliteName(parts[0]))
            return
        }
        let location = text.location(start)
        let name = try names.complete(parts, at: location)
        if let query = system.query(name) {
            emit(query)
        } else {
            try names.require(name, at: location)
            emit(name.quoted)
        }
        if !hasAlias(end) { emit("AS \(sqliteName(name.table))") }
    }

    private func hasAlias(_ index: Int) -> Bool {
        guard let token = text[index] else { return false }
        return token.isName && !Self.noAlias.contains(token.word)
    }

    /// `TABLE nation` is `SELECT * FROM nation`.
    mutating func tableKeyword() throws(QueryFailure) {
        emit("SELECT * FROM")
        frame.expectsTable = true
    }

    /// `TABLE(sequence(start => 1, stop => 9))`, the only table function here.
    private mutating func tableFunction(open: Int) throws(QueryFailure) {
        let close = text.closing(open)
        guard close > open + 1, let (path, bracket) = try? text.path(at: open + 1), text[bracket]?.isSymbol("(") == true
        else { throw text.mismatch(open + 1, expecting: "<identifier>") }
        guard path.last == "sequence" else {
            throw .user(
                "FUNCTION_NOT_FOUND", 6, "Table function '\(path.joined(separator: "."))' not registered",
                at: text.location(open + 1))
        }
        var bounds = ["start": "0", "step": "1"]
        for (offset, item) in text.items(bracket + 1..<text.closing(bracket)).enumerated() where !item.isEmpty {
            let isNamed = item.count > 3 && text.tokens[item.lowerBound + 1].isSymbol("=")
            let order = ["start", "stop", "step"]
            let key = isNamed ? text.tokens[item.lowerBound].name : order[min(offset, 2)]
            bounds[key] = text.text(isNamed ? item.lowerBound + 3..<item.upperBound : item)
        }
        guard let stop = bounds["stop"] else {
            throw .user("MISSING_ARGUMENT", 111, "Missing argument: STOP", at: text.location(bracket))
        }
        emit(sequence("sequential_number", bounds["start"] ?? "0", stop, bounds["step"] ?? "1"))
        index = close + 1
    }

    /// `UNNEST(sequence(1, 9)) AS t(n)`.
    private mutating func unnest(open: Int) throws(QueryFailure) {
        let close = text.closing(open)
        guard text.has("sequence", at: open + 1), text[open + 2]?.isSymbol("(") == true else {
            throw .notSupported("UNNEST of anything but sequence() is not supported here", at: text.location(index))
        }
        let items = text.items(open + 3..<text.closing(open + 2)).map { text.text($0) }
        guard items.count >= 2 else { throw text.mismatch(open + 3, expecting: "<expression>") }
        index = close + 1
        if text.has("as", at: index) { index += 1 }
        var alias = "unnest"
        if let token = text[index], hasAlias(index) {
            alias = token.name
            index += 1
        }
        var column = "_col0"
        if text[index]?.isSymbol("(") == true, let name = text[index + 1], name.isName {
            column = name.name
            index = text.closing(index) + 1
        }
        emit(sequence(column, items[0], items[1], items.count > 2 ? items[2] : "1") + " AS \(sqliteName(alias))")
    }

    private func sequence(_ column: String, _ start: String, _ stop: String, _ step: String) -> String {
        let name = sqliteName(column)
        return "(WITH RECURSIVE counted(\(name)) AS (SELECT \(start) WHERE (\(start)) <= (\(stop)) UNION ALL "
            + "SELECT \(name) + (\(step)) FROM counted WHERE \(name) + (\(step)) <= (\(stop))) "
            + "SELECT \(name) FROM counted)"
    }

    /// At the bracket that closes a table: `(...) AS t(x, y)` names its columns, which SQLite knows of WITH only.
    /// True where it did and the index stands behind it.
    mutating func renameColumns(of open: String.Index) throws(QueryFailure) -> Bool {
        var next = index + 1
        if text.has("as", at: next) { next += 1 }
        guard hasAlias(next), let alias = text[next], text[next + 1]?.isSymbol("(") == true else { return false }
        let close = text.closing(next + 1)
        let columns = text.items(next + 2..<close).compactMap { text[$0.lowerBound]?.name }
        let list = columns.map(sqliteName).joined(separator: ", ")
        let name = sqliteName(alias.name)
        output.insert(contentsOf: " (WITH \(name)(\(list)) AS", at: open)
        emit("SELECT * FROM \(name)) AS \(name)")
        index = close + 1
        return true
    }
}
