import SQL

/// Understands one statement: what it asks for, in SQLite's SQL, or what is wrong with it in Trino's words.
struct Planner {
    let session: ClientSession
    let catalogs: Catalogs
    /// The coordinator's name.
    let node: String
    let now: CivilTime

    var names: NameResolver {
        NameResolver(catalogs: catalogs, catalog: session.catalog, schema: session.schema)
    }

    /// What the text asks for.
    func plan(_ sql: String) throws(QueryFailure) -> StatementPlan {
        try plan(StatementText(sql))
    }

    func plan(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        guard let first = text[0] else { throw text.mismatch(0, expecting: Self.heads) }
        if first.isSymbol("(") { return try rows(text, 0..<text.tokens.count) }
        switch first.word {
        case "select", "values", "table", "with": return try rows(text, 0..<text.tokens.count)
        case "show": return try show(text)
        case "describe", "desc": return try describe(text)
        case "explain": return try explain(text)
        case "execute": return try plan(executed(text))
        case "prepare", "deallocate", "use", "set", "reset": return try changeSession(text)
        case "start":
            guard text.has("transaction", at: 1) else { throw text.mismatch(1, expecting: "'TRANSACTION'") }
            return .transaction(.start)
        case "commit": return .transaction(.commit)
        case "rollback": return .transaction(.rollback)
        case "insert", "delete", "update", "truncate": return .change(try changeRows(text))
        case "create", "drop", "alter": return .change(try changeTables(text))
        case "call":
            let (parts, _) = try text.path(at: 1)
            throw .user(
                "PROCEDURE_NOT_FOUND", 29, "Procedure not registered: \(parts.joined(separator: "."))",
                at: text.location(0))
        case "merge", "analyze", "comment", "grant", "revoke", "deny", "refresh":
            throw .notSupported("This connector does not support \(first.text.uppercased())")
        default: throw text.mismatch(0, expecting: Self.heads)
        }
    }

    private static let heads =
        "'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', 'DESC', "
        + "'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', 'REFRESH', 'RESET', "
        + "'REVOKE', 'ROLLBACK', 'SET', 'SHOW', 'START', 'TRUNCATE', 'UPDATE', 'USE', 'WITH', <query>"

    /// A range of the text in SQLite's SQL.
    func translated(_ text: StatementText, _ range: Range<Int>) throws(QueryFailure) -> String {
        var translator = Translator(
            text, names: names, system: SystemTables(node: node, catalogs: catalogs), session: session, now: now)
        return try translator.translate(range)
    }

    /// A query that is a range of the text.
    func rows(_ text: StatementText, _ range: Range<Int>) throws(QueryFailure) -> StatementPlan {
        guard !range.isEmpty else { throw text.mismatch(range.lowerBound, expecting: "<query>") }
        let hints = SelectList(text: try StatementText(text.text(range))).hints()
        return .rows(sql: try translated(text, range), hints: hints)
    }

    // MARK: EXPLAIN

    private func explain(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        var index = 1
        let runs = text.has("analyze", at: index)
        if runs { index += 1 }
        if text.has("verbose", at: index) { index += 1 }
        let opensOptions = text.has("type", at: index + 1) || text.has("format", at: index + 1)
        if text[index]?.isSymbol("(") == true, opensOptions { index = text.closing(index) + 1 }
        guard index < text.tokens.count else { throw text.mismatch(index, expecting: "<statement>") }
        let inner = try plan(StatementText(text.text(index..<text.tokens.count)))
        switch inner {
        case .rows(let sql, _): return .explain(sql: sql, runs: runs ? inner : nil)
        case .change(let change):
            if case .run(let sql)? = change.steps.last {
                return .explain(sql: sql, runs: runs ? inner : nil)
            }
            return .explain(sql: nil, runs: runs ? inner : nil)
        case .session, .transaction, .explain: return .explain(sql: nil, runs: nil)
        }
    }

    // MARK: EXECUTE

    /// The text of EXECUTE's statement, with its parameters in their places.
    private func executed(_ text: StatementText) throws(QueryFailure) -> StatementText {
        var index = 2
        let inner: String
        if text.has("immediate", at: 1), let string = text[2]?.string {
            inner = string
            index = 3
        } else {
            guard let name = text[1], name.isName else { throw text.mismatch(1, expecting: "<identifier>") }
            inner = try prepared(name)
        }
        var parameters: [String] = []
        if index < text.tokens.count {
            guard text.has("using", at: index) else { throw text.mismatch(index, expecting: "'USING', <EOF>") }
            parameters = text.items(index + 1..<text.tokens.count).map { text.text($0) }
        }
        return try StatementText(try Self.filled(StatementText(inner), parameters, at: text.location(0)))
    }

    /// The text of a prepared statement that the client sent along.
    func prepared(_ name: TextToken) throws(QueryFailure) -> String {
        let spelled = name.kind == .word ? name.text : name.name
        guard let found = session.prepared[spelled] ?? session.prepared[name.name] else {
            throw .user("NOT_FOUND", 5, "Prepared statement not found: \(spelled)")
        }
        return found
    }

    static func filled(
        _ text: StatementText, _ parameters: [String], at location: QueryFailure.Location
    ) throws(QueryFailure) -> String {
        let places = text.tokens.indices.filter { text.tokens[$0].kind == .parameter }
        guard places.count == parameters.count else {
            throw .user(
                "INVALID_PARAMETER_USAGE", 80,
                "Incorrect number of parameters: expected \(places.count) but found \(parameters.count)", at: location)
        }
        var filled = ""
        var next = 0
        for (place, parameter) in zip(places, parameters) {
            filled += text.text(next..<place) + " " + parameter + " "
            next = place + 1
        }
        return filled + text.text(next..<text.tokens.count)
    }
}
