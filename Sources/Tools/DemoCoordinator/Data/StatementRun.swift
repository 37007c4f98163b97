import SQLite

/// What a session's thread holds: its connection, and the statement that it runs.
final class StatementRun {
    private let database: Database
    private let interruption: Interruption
    private var opened: OpenDatabase?
    private var cursor: Cursor?
    private var plan: StatementPlan?
    private var request: StatementRequest?

    init(_ database: Database, _ interruption: Interruption) {
        self.database = database
        self.interruption = interruption
    }

    func close() {
        cursor = nil
        plan = nil
    }

    func end() {
        close()
        opened = nil
    }

    // MARK: Understanding

    func prepare(_ request: StatementRequest) -> Result<PlannedStatement, QueryFailure> {
        close()
        self.request = request
        do throws(QueryFailure) {
            return .success(try understand(request))
        } catch {
            return .failure(error)
        }
    }

    private func understand(_ request: StatementRequest) throws(QueryFailure) -> PlannedStatement {
        let catalogs: Catalogs
        do throws(SQLiteError) {
            catalogs = try Database.catalogs(of: open().connection)
        } catch { throw QueryFailure(error, in: request.sql) }
        let planner = Planner(session: request.session, catalogs: catalogs, node: request.node, now: request.now)
        if let unknown = planner.unknownProperty {
            throw .user("INVALID_SESSION_PROPERTY", 14, "Session property '\(unknown)' does not exist")
        }
        let plan = try planner.plan(request.sql)
        self.plan = plan
        switch plan {
        case .rows(let sql, let hints):
            return PlannedStatement(kind: .rows, columns: try open(sql, hints))
        case .explain(_, let runs):
            var planned = PlannedStatement(kind: .rows)
            if case .change(let change)? = runs { planned.updateType = change.updateType }
            return planned
        case .change(let change):
            let columns = change.countsRows ? [ResultColumn(name: "rows", type: .bigint)] : []
            return PlannedStatement(
                kind: change.countsRows ? .change : .task, columns: columns, updateType: change.updateType)
        case .session(let updateType, let headers):
            return PlannedStatement(kind: .task, columns: [], updateType: updateType, headers: headers)
        case .transaction(let step):
            return PlannedStatement(kind: .task, columns: [], updateType: step.updateType, transaction: step)
        }
    }

    /// The connection, opened at its first use.
    private func open() throws(SQLiteError) -> OpenDatabase {
        if let opened { return opened }
        let opened = try database.open(interruption)
        self.opened = opened
        return opened
    }

    /// Opens a query's cursor; its columns, where all of them are known before a row is there.
    private func open(_ sql: String, _ hints: [ColumnHint]) throws(QueryFailure) -> [ResultColumn]? {
        do throws(SQLiteError) {
            let cursor = Cursor(try open().connection.prepare(sql), hints)
            self.cursor = cursor
            return cursor.knownColumns
        } catch { throw QueryFailure(error, in: request?.sql) }
    }

    // MARK: Running

    func next() -> RowBatch {
        guard !interruption.isSet else { return failed(.canceled) }
        do throws(QueryFailure) {
            switch plan {
            case .rows, nil: return try nextRows()
            case .change(let change):
                var batch = RowBatch()
                if request?.fault?.hasEffect ?? true { batch = try changed(change) }
                return scriptedFailure(tookEffect: batch.tookEffect) ?? batch
            case .explain(let sql, let runs):
                if let batch = scriptedFailure() { return batch }
                return try explained(sql, runs)
            case .session, .transaction: return scriptedFailure() ?? RowBatch(isLast: true)
            }
        } catch {
            return failed(error)
        }
    }

    private func failed(_ failure: QueryFailure) -> RowBatch {
        close()
        return RowBatch(isLast: true, failure: failure)
    }

    /// What a script lets a statement come to that gives no rows of a query.
    private func scriptedFailure(tookEffect: Bool = false) -> RowBatch? {
        guard let failure = request?.fault?.failure else { return nil }
        var batch = failed(failure)
        batch.tookEffect = tookEffect
        return batch
    }

    private func nextRows() throws(QueryFailure) -> RowBatch {
        guard let cursor, let request else { throw .canceled }
        do throws(SQLiteError) {
            let batch = try cursor.batch(request)
            if batch.isLast { self.cursor = nil }
            return batch
        } catch { throw QueryFailure(error, in: request.sql) }
    }

    private func changed(_ change: StatementPlan.Change) throws(QueryFailure) -> RowBatch {
        var count = 0
        do throws(SQLiteError) {
            for step in change.steps { count = try run(step, open().connection) }
        } catch { throw QueryFailure(error, in: request?.sql) }
        plan = nil
        guard change.countsRows else { return RowBatch(isLast: true, tookEffect: true) }
        return RowBatch(
            rows: Array("[\(count)]".utf8), count: 1, isLast: true, updateCount: count, tookEffect: true)
    }

    private func run(_ step: StatementPlan.Step, _ connection: borrowing Connection) throws(SQLiteError) -> Int {
        switch step {
        case .run(let sql):
            try connection.prepare(sql).drain()
            return connection.changes
        case .create(let name, let query, let hints, let withData):
            let cursor = Cursor(try connection.prepare(query), hints)
            let columns = try cursor.columnsAfterFirstRow()
            let definitions = columns.map {
                "\(sqliteName($0.name)) \($0.type == .unknown ? "varchar" : $0.type.text())"
            }
            try connection.execute("SAVEPOINT creating")
            do throws(SQLiteError) {
                try connection.execute("CREATE TABLE \(name.quoted) (\(definitions.joined(separator: ", ")))")
                if withData { try connection.prepare("INSERT INTO \(name.quoted) \(query)").drain() }
                let count = withData ? connection.changes : 0
                try connection.execute("RELEASE creating")
                return count
            } catch {
                try? connection.execute("ROLLBACK TO creating; RELEASE creating")
                throw error
            }
        }
    }

    private func explained(_ sql: String?, _ runs: StatementPlan?) throws(QueryFailure) -> RowBatch {
        if case .change(let change)? = runs { _ = try changed(change) }
        do throws(SQLiteError) {
            var lines = ["Embedded coordinator \(Version.node)"]
            if let sql {
                let connection = try open()
                if case .rows? = runs { try connection.connection.prepare(sql).drain() }
                let rows = try connection.connection.rows("EXPLAIN QUERY PLAN \(sql)")
                lines += rows.map { "    " + ($0.last?.text ?? "") }
            }
            plan = nil
            let text = lines.joined(separator: "\n") + "\n"
            var row: [UInt8] = []
            row.append(ascii: "[")
            row.append(json: text)
            row.append(ascii: "]")
            let column = ResultColumn(name: "Query Plan", type: .varchar(text.unicodeScalars.count))
            return RowBatch(rows: row, count: 1, columns: [column], isLast: true)
        } catch { throw QueryFailure(error, in: request?.sql) }
    }

    // MARK: Transactions

    func transact(_ step: TransactionStep) -> QueryFailure? {
        close()
        do throws(SQLiteError) {
            switch step {
            case .start: try open().connection.execute("BEGIN")
            case .commit: try open().connection.execute("COMMIT")
            case .rollback: try open().connection.execute("ROLLBACK")
            }
            return nil
        } catch { return QueryFailure(error, in: nil) }
    }
}

extension SQLite.Statement {
    /// Runs it to its end and drops its rows.
    fileprivate func drain() throws(SQLiteError) {
        while try step() {}
    }
}
