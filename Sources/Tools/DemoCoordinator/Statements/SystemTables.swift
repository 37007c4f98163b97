/// Tables that are not stored: each is a query over SQLite's own schema, or says what the coordinator is.
struct SystemTables {
    /// The coordinator's name, which `system.runtime.nodes` shows.
    let node: String
    let catalogs: Catalogs

    /// The query that stands for a table; nil where the name is no such table.
    func query(_ name: TableName) -> String? {
        switch (name.catalog, name.schema, name.table) {
        case ("system", "runtime", "nodes"):
            return "(SELECT \(sqlString(node)) AS node_id, '' AS http_uri, \(sqlString(Version.node)) AS node_version, "
                + "1 AS coordinator, 'active' AS state)"
        case ("system", "metadata", "catalogs"):
            return values(["catalog_name"], Catalogs.names.map { [$0] })
        case ("system", "jdbc", "catalogs"):
            return values(["table_cat"], Catalogs.names.map { [$0] })
        case (_, "information_schema", "schemata"):
            return values(
                ["catalog_name", "schema_name"], catalogs.schemas(of: name.catalog).map { [name.catalog, $0] })
        case (_, "information_schema", "tables"):
            return values(
                ["table_catalog", "table_schema", "table_name", "table_type"],
                catalogs.tables(of: name.catalog).map { table, type in
                    [table.catalog, table.schema, table.table, type]
                })
        case (_, "information_schema", "views"):
            return values(
                ["table_catalog", "table_schema", "table_name"],
                catalogs.tables(of: name.catalog).filter { $0.1 == "VIEW" }.map { table, _ in
                    [table.catalog, table.schema, table.table]
                })
        case (_, "information_schema", "columns"):
            let parts = catalogs.tables(of: name.catalog).map { table, _ in columns(of: table) }
            return parts.isEmpty ? values(Self.columnNames, []) : "(\(parts.joined(separator: " UNION ALL ")))"
        default: return nil
        }
    }

    private static let columnNames = [
        "table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "column_default",
        "is_nullable", "data_type", "comment",
    ]

    private func columns(of table: TableName) -> String {
        let (catalog, schema, name) = (sqlString(table.catalog), sqlString(table.schema), sqlString(table.table))
        return "SELECT \(catalog) AS table_catalog, \(schema) AS table_schema, \(name) AS table_name, "
            + "lower(name) AS column_name, cid + 1 AS ordinal_position, dflt_value AS column_default, "
            + "iif(`notnull`, 'NO', 'YES') AS is_nullable, lower(type) AS data_type, NULL AS comment "
            + "FROM pragma_table_info(\(sqlString(table.text)))"
    }

    /// A query of constants; with no row it still has its columns.
    private func values(_ columns: [String], _ rows: [[String]]) -> String {
        let selects = rows.map { row in
            "SELECT " + zip(row, columns).map { "\(sqlString($0)) AS \($1)" }.joined(separator: ", ")
        }
        let none = "SELECT " + columns.map { "'' AS \($0)" }.joined(separator: ", ") + " WHERE 0"
        return "(" + (selects.isEmpty ? none : selects.joined(separator: " UNION ALL ")) + ")"
    }
}

/// What the coordinator says it is.
enum Version {
    /// In the style of the engine whose manners it has.
    static let node = "476-penstock"
}
