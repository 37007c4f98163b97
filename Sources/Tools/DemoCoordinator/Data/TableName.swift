/// A table's full name. In SQLite it is one table whose name has all three parts.
struct TableName: Hashable, Sendable {
    let catalog: String
    let schema: String
    let table: String

    /// As messages and SQLite's schema write it.
    var text: String { "\(catalog).\(schema).\(table)" }

    /// As SQLite's SQL writes it. Backquotes, because an unknown name in double quotes would be taken as a string.
    var quoted: String { sqliteName(text) }
}

/// A name as SQLite's SQL writes it.
func sqliteName(_ name: String) -> String {
    "`" + name.split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``") + "`"
}

/// A string as SQL writes it.
func sqlString(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
}

/// The schemas and tables that exist, as one statement sees them.
struct Catalogs: Sendable {
    /// The catalogs of every embedded coordinator. `memory` takes writes, `tpch` has sample data, `system` tells.
    static let names = ["memory", "system", "tpch"]

    /// Catalog and schema, joined by a dot.
    var schemas: Set<String> = []
    var tables: Set<TableName> = []
    var views: Set<TableName> = []

    func has(_ name: TableName) -> Bool { tables.contains(name) || views.contains(name) }
}

/// Completes names as the client's session does, and says what is missing as Trino does.
struct NameResolver {
    let catalogs: Catalogs
    let catalog: String?
    let schema: String?

    /// The full name that a dotted one means.
    func complete(_ parts: [String], at location: QueryFailure.Location) throws(QueryFailure) -> TableName {
        switch parts.count {
        case 3: return TableName(catalog: parts[0], schema: parts[1], table: parts[2])
        case 2:
            guard let catalog else { throw missingCatalog(location) }
            return TableName(catalog: catalog, schema: parts[0], table: parts[1])
        case 1:
            guard let catalog else { throw missingCatalog(location) }
            guard let schema else {
                throw .user(
                    "MISSING_SCHEMA_NAME", 57, "Schema must be specified when session schema is not set", at: location)
            }
            return TableName(catalog: catalog, schema: schema, table: parts[0])
        default:
            throw .syntax("Too many dots in table name: \(parts.joined(separator: "."))", at: location)
        }
    }

    /// Catalog and schema that a dotted name of a schema means.
    func completeSchema(_ parts: [String], at location: QueryFailure.Location) throws(QueryFailure) -> (String, String)
    {
        if parts.count == 2 { return (parts[0], parts[1]) }
        guard let catalog else { throw missingCatalog(location) }
        return (catalog, parts.first ?? "")
    }

    private func missingCatalog(_ location: QueryFailure.Location) -> QueryFailure {
        .user("MISSING_CATALOG_NAME", 56, "Catalog must be specified when session catalog is not set", at: location)
    }

    /// Fails unless catalog and schema exist.
    func requireSchema(_ catalog: String, _ schema: String, at location: QueryFailure.Location) throws(QueryFailure) {
        guard Catalogs.names.contains(catalog) else {
            throw .user("CATALOG_NOT_FOUND", 44, "Catalog '\(catalog)' not found", at: location)
        }
        guard catalogs.schemas.contains("\(catalog).\(schema)") || schema == "information_schema" else {
            throw .user("SCHEMA_NOT_FOUND", 45, "Schema '\(schema)' does not exist", at: location)
        }
    }

    /// Fails unless the table exists.
    func require(_ name: TableName, at location: QueryFailure.Location) throws(QueryFailure) {
        try requireSchema(name.catalog, name.schema, at: location)
        guard catalogs.has(name) else {
            throw .user("TABLE_NOT_FOUND", 46, "Table '\(name.text)' does not exist", at: location)
        }
    }

    /// Fails unless the catalog takes writes.
    func requireWritable(_ name: TableName, _ what: String) throws(QueryFailure) {
        guard name.catalog == "memory" else { throw .notSupported("This connector does not support \(what)") }
    }
}

extension Catalogs {
    /// The schemas of a catalog, in order.
    func schemas(of catalog: String) -> [String] {
        let stored = schemas.filter { $0.hasPrefix(catalog + ".") }.map { String($0.dropFirst(catalog.count + 1)) }
        return (stored + ["information_schema"]).sorted()
    }

    /// Tables and views of a catalog with their kind, in order.
    func tables(of catalog: String) -> [(TableName, String)] {
        let found = tables.map { ($0, "BASE TABLE") } + views.map { ($0, "VIEW") }
        return found.filter { $0.0.catalog == catalog }.sorted { $0.0.text < $1.0.text }
    }
}
