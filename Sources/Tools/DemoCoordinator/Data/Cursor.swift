import SQLite

/// A query that gives its rows page by page.
final class Cursor {
    private let statement: SQLite.Statement
    private var columns: [ResultColumn]
    private var columnsAreKnown: Bool
    /// Whether the statement stands at a row that has not been given.
    private var hasRow = false
    private var hasBegun = false
    private var given = 0

    init(_ statement: consuming SQLite.Statement, _ hints: [ColumnHint]) {
        self.columns = Self.merged(statement.columns, hints)
        self.columnsAreKnown = columns.allSatisfy { $0.type != .unknown }
        self.statement = statement
    }

    /// The columns, where all of them are known before a row is there.
    var knownColumns: [ResultColumn]? { columnsAreKnown ? columns : nil }

    /// Names and types: the text's where it tells, SQLite's elsewhere. A `*` stands for what the others leave.
    private static func merged(_ columns: [Column], _ hints: [ColumnHint]) -> [ResultColumn] {
        let stars = hints.count { $0.isStar }
        var hinted: [ColumnHint?] = []
        for hint in hints {
            if !hint.isStar {
                hinted.append(hint)
            } else if stars == 1 {
                hinted += Array(repeating: nil, count: max(0, columns.count - hints.count + 1))
            }
        }
        if stars > 1 || hinted.count != columns.count { hinted = Array(repeating: nil, count: columns.count) }
        return zip(columns, hinted).enumerated().map { offset, pair in
            let (column, hint) = pair
            let isExpression =
                column.declaredType == nil && hint == nil && column.name.contains { "(+-*/ ".contains($0) }
            let isUnnamed = isExpression || column.name.hasPrefix("column")
            let name = hint?.name ?? (isUnnamed ? "_col\(offset)" : column.name.lowercased())
            let declared = column.declaredType.map { ColumnType(declared: $0) }
            return ResultColumn(name: name, type: hint?.type ?? declared ?? .unknown)
        }
    }

    private func advance() throws(SQLiteError) -> Bool {
        hasBegun = true
        hasRow = try statement.step()
        return hasRow
    }

    /// The columns, once a first row has told what the text did not. The row is not given yet.
    func columnsAfterFirstRow() throws(SQLiteError) -> [ResultColumn] {
        if !hasBegun { _ = try advance() }
        if !columnsAreKnown {
            for index in columns.indices where columns[index].type == .unknown {
                columns[index].type = Self.type(of: hasRow ? statement.value(index) : .null)
            }
            columnsAreKnown = true
        }
        return columns
    }

    private static func type(of value: Value) -> ColumnType {
        switch value {
        case .null: .unknown
        case .integer: .bigint
        case .real: .double
        case .text: .varchar
        case .blob: .varbinary
        }
    }

    /// The next page's rows. A page also ends once it took half a second and has a row.
    func batch(_ request: StatementRequest) throws(SQLiteError) -> RowBatch {
        var batch = RowBatch(columns: try columnsAfterFirstRow())
        let times = request.session.hasParametricTimes
        let start = ContinuousClock.now
        while hasRow {
            if let fault = request.fault, given >= fault.rows {
                if batch.count == 0 { return RowBatch(columns: columns, isLast: true, failure: fault.failure) }
                return batch
            }
            if batch.count > 0 { batch.rows.append(UInt8(ascii: ",")) }
            batch.rows.append(UInt8(ascii: "["))
            for index in columns.indices {
                if index > 0 { batch.rows.append(UInt8(ascii: ",")) }
                batch.rows.append(statement.value(index), as: columns[index].type, hasParametricTimes: times)
            }
            batch.rows.append(UInt8(ascii: "]"))
            batch.count += 1
            given += 1
            guard try advance() else { break }
            if batch.count >= request.pageRows || batch.rows.count >= request.pageBytes
                || ContinuousClock.now - start > .milliseconds(500)
            {
                return batch
            }
        }
        if let fault = request.fault {
            // What the result has less than the script counts on, it fails after its last row.
            if batch.count > 0 { return batch }
            return RowBatch(columns: columns, isLast: true, failure: fault.failure)
        }
        batch.isLast = true
        return batch
    }
}
