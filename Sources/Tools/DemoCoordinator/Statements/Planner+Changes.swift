import SQL

extension Planner {
    /// INSERT, DELETE, UPDATE, TRUNCATE.
    func changeRows(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        let end = text.tokens.count
        switch text[0]?.word {
        case "insert":
            guard text.has("into", at: 1) else { throw text.mismatch(1, expecting: "'INTO'") }
            let (name, next) = try writable(text, at: 2, "inserts")
            var sql = "INSERT INTO \(name.quoted) "
            var start = next
            if text[next]?.isSymbol("(") == true, text[next + 1]?.isName == true, !opensQuery(text, next + 1) {
                start = text.closing(next) + 1
                let columns = text.items(next + 1..<start - 1).compactMap { text[$0.lowerBound]?.name }
                sql += "(\(columns.map(sqliteName).joined(separator: ", "))) "
            }
            guard start < end else { throw text.mismatch(start, expecting: "<query>") }
            sql += try translated(text, start..<end)
            return StatementPlan.Change(updateType: "INSERT", steps: [.run(sql)], countsRows: true)
        case "delete":
            guard text.has("from", at: 1) else { throw text.mismatch(1, expecting: "'FROM'") }
            let (name, next) = try writable(text, at: 2, "modifying table rows")
            let sql = "DELETE FROM \(name.quoted) AS \(sqliteName(name.table)) \(try translated(text, next..<end))"
            return StatementPlan.Change(updateType: "DELETE", steps: [.run(sql)], countsRows: true)
        case "update":
            let (name, next) = try writable(text, at: 1, "modifying table rows")
            guard text.has("set", at: next) else { throw text.mismatch(next, expecting: "'SET'") }
            let sql = "UPDATE \(name.quoted) AS \(sqliteName(name.table)) \(try translated(text, next..<end))"
            return StatementPlan.Change(updateType: "UPDATE", steps: [.run(sql)], countsRows: true)
        default:
            guard text.has("table", at: 1) else { throw text.mismatch(1, expecting: "'TABLE'") }
            let (name, _) = try writable(text, at: 2, "truncating tables")
            return StatementPlan.Change(updateType: "TRUNCATE TABLE", steps: [.run("DELETE FROM \(name.quoted)")])
        }
    }

    private func opensQuery(_ text: StatementText, _ index: Int) -> Bool {
        ["select", "values", "table", "with"].contains(text[index]?.word ?? "")
    }

    /// A table that exists and takes writes, and the index after its name.
    private func writable(
        _ text: StatementText, at index: Int, _ what: String
    ) throws(QueryFailure) -> (TableName, Int) {
        let name = try existing(text, at: index)
        try names.requireWritable(name, what)
        return (name, try text.path(at: index).end)
    }

    /// CREATE, DROP, ALTER.
    func changeTables(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        switch (text[0]?.word, text[1]?.word) {
        case ("create", "schema"), ("drop", "schema"): return try changeSchema(text)
        case ("create", "table"): return try createTable(text)
        case ("create", "view"), ("create", "or"): return try createView(text)
        case ("drop", "table"): return try drop(text, "TABLE")
        case ("drop", "view"): return try drop(text, "VIEW")
        case ("alter", "table"): return try alterTable(text)
        default:
            throw .notSupported(
                "This connector does not support \(text.text(0..<min(2, text.tokens.count)).uppercased())")
        }
    }

    /// Whether IF [NOT] EXISTS stands here, and the index after it.
    private func condition(_ text: StatementText, at index: Int) -> (isThere: Bool, next: Int) {
        if text.has("if", "not", "exists", at: index) { return (true, index + 3) }
        if text.has("if", "exists", at: index) { return (true, index + 2) }
        return (false, index)
    }

    private func changeSchema(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        let creates = text.has("create")
        let (isConditional, index) = condition(text, at: 2)
        let location = text.location(0)
        let (parts, _) = try text.path(at: index)
        let (catalog, schema) = try names.completeSchema(parts, at: location)
        guard Catalogs.names.contains(catalog) else {
            throw .user("CATALOG_NOT_FOUND", 44, "Catalog '\(catalog)' not found", at: location)
        }
        guard catalog == "memory" else {
            throw .notSupported("This connector does not support \(creates ? "creating" : "dropping") schemas")
        }
        let exists = catalogs.schemas.contains("\(catalog).\(schema)")
        let type = creates ? "CREATE SCHEMA" : "DROP SCHEMA"
        if creates == exists {
            if isConditional { return StatementPlan.Change(updateType: type, steps: []) }
            if creates {
                throw .user("SCHEMA_ALREADY_EXISTS", 49, "Schema '\(catalog).\(schema)' already exists", at: location)
            }
            throw .user("SCHEMA_NOT_FOUND", 45, "Schema '\(catalog).\(schema)' does not exist", at: location)
        }
        if !creates, catalogs.tables(of: catalog).contains(where: { $0.0.schema == schema }) {
            throw .user("SCHEMA_NOT_EMPTY", 34, "Cannot drop non-empty schema '\(schema)'")
        }
        let name = sqlString("\(catalog).\(schema)")
        let sql = creates ? "INSERT INTO `$schemas` VALUES (\(name))" : "DELETE FROM `$schemas` WHERE name = \(name)"
        return StatementPlan.Change(updateType: type, steps: [.run(sql)])
    }

    /// The name of a table that is to be made, and the index after it; nil where it exists and may.
    private func newTable(
        _ text: StatementText, at index: Int, replaces: Bool = false
    ) throws(QueryFailure) -> (name: TableName, next: Int)? {
        let (isConditional, index) = condition(text, at: index)
        let location = text.location(0)
        let (parts, next) = try text.path(at: index)
        let name = try names.complete(parts, at: location)
        try names.requireSchema(name.catalog, name.schema, at: location)
        try names.requireWritable(name, "creating tables")
        if catalogs.has(name), !replaces {
            if isConditional { return nil }
            throw .user("TABLE_ALREADY_EXISTS", 50, "Table '\(name.text)' already exists", at: location)
        }
        return (name, next)
    }

    private func createTable(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        var change = StatementPlan.Change(updateType: "CREATE TABLE", steps: [])
        guard let (name, next) = try newTable(text, at: 2) else { return change }
        if let open = text[next], open.isSymbol("("), !opensQuery(text, next + 1), text[next + 1]?.isSymbol("(") != true
        {
            let columns = try text.items(next + 1..<text.closing(next)).map { item throws(QueryFailure) in
                try column(text, item)
            }
            change.steps = [.run("CREATE TABLE \(name.quoted) (\(columns.joined(separator: ", ")))")]
            return change
        }
        guard let at = text.tokens.indices.first(where: { $0 >= next && text.tokens[$0].word == "as" }) else {
            throw text.mismatch(next, expecting: "'(', 'AS'")
        }
        var end = text.tokens.count
        var withData = true
        if text.has("with", "data", at: end - 2) { end -= 2 }
        if text.has("with", "no", "data", at: end - 3) {
            end -= 3
            withData = false
        }
        guard case .rows(let query, let hints) = try rows(text, at + 1..<end) else { return change }
        change.steps = [.create(name, query: query, hints: hints, withData: withData)]
        change.countsRows = true
        return change
    }

    /// A column's definition.
    private func column(_ text: StatementText, _ item: Range<Int>) throws(QueryFailure) -> String {
        guard let first = item.first, text.tokens[first].isName else {
            throw text.mismatch(item.lowerBound, expecting: "<identifier>")
        }
        let rest = first + 1..<item.upperBound
        let end =
            rest.first { ["not", "comment", "with", "default"].contains(text.tokens[$0].word) } ?? item.upperBound
        let type = ColumnType(declared: text.text(first + 1..<end))
        guard type.isKnown else {
            throw .user(
                "TYPE_NOT_FOUND", 43,
                "Unknown type '\(text.text(first + 1..<end))' for column '\(text.tokens[first].name)'",
                at: text.location(first))
        }
        let isRequired = text.has("not", "null", at: end)
        return "\(sqliteName(text.tokens[first].name)) \(type.text())\(isRequired ? " NOT NULL" : "")"
    }

    private func createView(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        var change = StatementPlan.Change(updateType: "CREATE VIEW", steps: [])
        let replaces = text.has("or", "replace", "view", at: 1)
        guard let (name, next) = try newTable(text, at: replaces ? 4 : 2, replaces: replaces) else { return change }
        guard let at = text.tokens.indices.first(where: { $0 >= next && text.tokens[$0].word == "as" }) else {
            throw text.mismatch(next, expecting: "'AS'")
        }
        let query = try translated(text, at + 1..<text.tokens.count)
        if catalogs.views.contains(name) { change.steps.append(.run("DROP VIEW \(name.quoted)")) }
        change.steps.append(.run("CREATE VIEW \(name.quoted) AS \(query)"))
        return change
    }

    private func drop(_ text: StatementText, _ what: String) throws(QueryFailure) -> StatementPlan.Change {
        let type = "DROP \(what)"
        let (isConditional, index) = condition(text, at: 2)
        let (parts, _) = try text.path(at: index)
        let location = text.location(0)
        let name = try names.complete(parts, at: location)
        let exists = what == "TABLE" ? catalogs.tables.contains(name) : catalogs.views.contains(name)
        guard exists else {
            if isConditional { return StatementPlan.Change(updateType: type, steps: []) }
            try names.requireSchema(name.catalog, name.schema, at: location)
            let spelled = what == "TABLE" ? "Table" : "View"
            throw .user("TABLE_NOT_FOUND", 46, "\(spelled) '\(name.text)' does not exist", at: location)
        }
        try names.requireWritable(name, "dropping tables")
        return StatementPlan.Change(updateType: type, steps: [.run("DROP \(what) \(name.quoted)")])
    }

    private func alterTable(_ text: StatementText) throws(QueryFailure) -> StatementPlan.Change {
        let (name, next) = try writable(text, at: 2, "altering tables")
        let table = "ALTER TABLE \(name.quoted)"
        if text.has("rename", "to", at: next) {
            let (parts, _) = try text.path(at: next + 2)
            let full = parts.count == 1 ? [name.catalog, name.schema, parts[0]] : parts
            let new = try names.complete(full, at: text.location(next + 2))
            return StatementPlan.Change(updateType: "RENAME TABLE", steps: [.run("\(table) RENAME TO \(new.quoted)")])
        }
        if text.has("add", "column", at: next) {
            let definition = try column(text, next + 2..<text.tokens.count)
            return StatementPlan.Change(updateType: "ADD COLUMN", steps: [.run("\(table) ADD COLUMN \(definition)")])
        }
        if text.has("drop", "column", at: next), let column = text[next + 2] {
            let sql = "\(table) DROP COLUMN \(sqliteName(column.name))"
            return StatementPlan.Change(updateType: "DROP COLUMN", steps: [.run(sql)])
        }
        if text.has("rename", "column", at: next), let old = text[next + 2], let new = text[next + 4] {
            let sql = "\(table) RENAME COLUMN \(sqliteName(old.name)) TO \(sqliteName(new.name))"
            return StatementPlan.Change(updateType: "RENAME COLUMN", steps: [.run(sql)])
        }
        throw text.mismatch(next, expecting: "'ADD', 'DROP', 'RENAME'")
    }
}
