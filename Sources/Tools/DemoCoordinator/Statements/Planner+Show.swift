import SQL

extension Planner {
    /// SHOW ...: rows of constants, or of what SQLite knows of a table.
    func show(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        switch text[1]?.word {
        case "catalogs":
            return try list("Catalog", Catalogs.names, text, 2)
        case "schemas":
            var catalog = session.catalog
            var index = 2
            if text.has("from", at: 2) || text.has("in", at: 2) {
                let (parts, end) = try text.path(at: 3)
                catalog = parts[0]
                index = end
            }
            guard let catalog else {
                throw .user(
                    "MISSING_CATALOG_NAME", 56, "Catalog must be specified when session catalog is not set",
                    at: text.location(0))
            }
            guard Catalogs.names.contains(catalog) else {
                throw .user("CATALOG_NOT_FOUND", 44, "Catalog '\(catalog)' not found", at: text.location(0))
            }
            return try list("Schema", catalogs.schemas(of: catalog), text, index)
        case "tables": return try showTables(text)
        case "columns": return try columns(text, at: 3)
        case "session":
            let rows = Self.properties.keys.sorted().map { name in
                [
                    name, session.properties[name] ?? Self.properties[name] ?? "", Self.properties[name] ?? "",
                    "varchar", "",
                ]
            }
            return try constants(["Name", "Value", "Default", "Type", "Description"], rows, text, 2)
        case "functions":
            let rows = ["avg", "count", "length", "lower", "max", "min", "sleep", "sum", "upper"].map { name in
                [name, "varchar", "", "scalar", "true", ""]
            }
            let names = ["Function", "Return Type", "Argument Types", "Function Type", "Deterministic", "Description"]
            return try constants(names, rows, text, 2)
        case "create": return try showCreate(text)
        default:
            throw text.mismatch(
                1,
                expecting: "'BRANCHES', 'CATALOGS', 'COLUMNS', 'CREATE', 'CURRENT', 'FUNCTIONS', 'GRANTS', 'ROLE', "
                    + "'ROLES', 'SCHEMAS', 'SESSION', 'STATS', 'TABLES'")
        }
    }

    private func showTables(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        var parts: [String] = []
        var index = 2
        if text.has("from", at: 2) || text.has("in", at: 2) { (parts, index) = try text.path(at: 3) }
        let location = text.location(0)
        if parts.isEmpty {
            guard let schema = session.schema else {
                throw .user(
                    "MISSING_SCHEMA_NAME", 57, "Schema must be specified when session schema is not set", at: location)
            }
            parts = [schema]
        }
        let (catalog, schema) = try names.completeSchema(parts, at: location)
        try names.requireSchema(catalog, schema, at: location)
        let tables = catalogs.tables(of: catalog).map(\.0).filter { $0.schema == schema }.map(\.table)
        return try list("Table", tables, text, index)
    }

    private func showCreate(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        let what = text.has("view", at: 2) ? "View" : "Table"
        let name = try existing(text, at: 3)
        let sql = "SELECT sql FROM sqlite_schema WHERE name = \(sqlString(name.text))"
        return .rows(sql: sql, hints: [ColumnHint(name: "Create \(what)", type: .varchar)])
    }

    /// DESCRIBE table, DESCRIBE INPUT name, DESCRIBE OUTPUT name.
    func describe(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        guard text.has("input", at: 1) || text.has("output", at: 1), let name = text[2], name.isName else {
            return try columns(text, at: 1)
        }
        let prepared = try StatementText(prepared(name))
        if text.has("output", at: 1) {
            throw .notSupported("DESCRIBE OUTPUT is not supported here")
        }
        let count = prepared.tokens.count { $0.kind == .parameter }
        let rows = (0..<count).map { [String($0), "unknown"] }
        return try constants(["Position", "Type"], rows, text, 3)
    }

    private func columns(_ text: StatementText, at index: Int) throws(QueryFailure) -> StatementPlan {
        let name = try existing(text, at: index)
        let sql =
            "SELECT lower(name), lower(iif(type = '', 'varchar', type)), '', '' "
            + "FROM pragma_table_info(\(sqlString(name.text)))"
        let hints = ["Column", "Type", "Extra", "Comment"].map { ColumnHint(name: $0, type: .varchar) }
        return .rows(sql: sql, hints: hints)
    }

    /// The table that a statement names, which has to exist.
    func existing(_ text: StatementText, at index: Int) throws(QueryFailure) -> TableName {
        let (parts, _) = try text.path(at: index)
        let location = text.location(index)
        let name = try names.complete(parts, at: location)
        try names.require(name, at: location)
        return name
    }

    private func list(
        _ column: String, _ values: [String], _ text: StatementText, _ index: Int
    ) throws(QueryFailure) -> StatementPlan {
        try constants([column], values.map { [$0] }, text, index)
    }

    /// Rows of constants, of which `LIKE` at `index` may take some by their first column.
    private func constants(
        _ columns: [String], _ rows: [[String]], _ text: StatementText, _ index: Int
    ) throws(QueryFailure) -> StatementPlan {
        var condition = ""
        if text.has("like", at: index), let pattern = text[index + 1]?.string {
            condition = " WHERE column1 LIKE \(sqlString(pattern))"
        } else if index < text.tokens.count {
            throw text.mismatch(index, expecting: "'LIKE', <EOF>")
        }
        let values = rows.map { "(\($0.map(sqlString).joined(separator: ", ")))" }.joined(separator: ", ")
        let none = "SELECT " + columns.map { _ in "''" }.joined(separator: ", ") + " WHERE 0"
        let sql = rows.isEmpty ? none : "SELECT * FROM (VALUES \(values))\(condition)"
        let hints = columns.enumerated().map { offset, name in
            let width = rows.map { $0[offset].unicodeScalars.count }.max() ?? 0
            return ColumnHint(name: name, type: name == "Position" ? .bigint : .varchar(max(width, 1)))
        }
        return .rows(sql: sql, hints: hints)
    }
}
