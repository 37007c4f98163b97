import SQLite
import Synchronization
import Testing

@testable import DemoCoordinator

/// Runs statements as a session's thread does, one page after the other.
private struct Run {
    let database: Database
    let run: StatementRun
    var session = ClientSession()
    var fault: RowFault?
    var pageRows = 1000

    init() throws {
        database = try Database(path: nil, name: "test")
        run = StatementRun(database, Interruption())
        session.user = "ada"
        session.catalog = "tpch"
        session.schema = "tiny"
    }

    /// Rows as JSON, columns, failure and count of one statement.
    func callAsFunction(_ sql: String) -> (rows: String, columns: [ResultColumn], failure: QueryFailure?, count: Int?) {
        let request = StatementRequest(
            sql: sql, session: session, now: CivilTime(milliseconds: 0), node: "blue-1", pageRows: pageRows,
            pageBytes: 1_000_000, fault: fault)
        var columns: [ResultColumn] = []
        switch run.prepare(request) {
        case .failure(let failure): return ("", [], failure, nil)
        case .success(let planned): columns = planned.columns ?? []
        }
        var pages: [String] = []
        var count: Int?
        while true {
            let batch = run.next()
            columns = batch.columns ?? columns
            count = batch.updateCount ?? count
            if batch.count > 0 { pages.append(String(decoding: batch.rows, as: UTF8.self)) }
            if batch.isLast { return (pages.joined(separator: "|"), columns, batch.failure, count) }
        }
    }
}

@Suite struct PlannerTests {
    @Test(arguments: [true, false]) func aChangeFailsBeforeOrAfterItsEffect(_ hasEffect: Bool) throws {
        var run = try Run()
        _ = run("CREATE TABLE memory.default.t (a bigint)")
        run.fault = RowFault(rows: 0, failure: .divisionByZero, hasEffect: hasEffect)
        let failed = run("INSERT INTO memory.default.t VALUES (1)")
        #expect(failed.failure == .divisionByZero)
        run.fault = nil
        #expect(run("SELECT count(*) FROM memory.default.t").rows == (hasEffect ? "[1]" : "[0]"))
    }

    @Test(arguments: [
        ("SELECT 1", "[1]", "_col0 integer"),
        (
            "SELECT 'a' AS x, 1.50, true, 5000000000", "[\"a\",\"1.50\",true,5000000000]",
            "x varchar(1), _col1 decimal(3, 2), _col2 boolean, _col3 bigint"
        ),
        ("SELECT count(*), avg(nationkey) FROM nation", "[25,12.0]", "_col0 bigint, _col1 double"),
        ("SELECT n.name FROM nation AS n WHERE n.nationkey = 3", "[\"CANADA\"]", "name varchar(25)"),
        (
            "SELECT nation.name FROM tpch.tiny.nation WHERE tpch.tiny.nation.nationkey = 3", "[\"CANADA\"]",
            "name varchar(25)"
        ),
        (
            "SELECT r.name, count(*) c FROM nation n, region r WHERE n.regionkey = r.regionkey GROUP BY 1 ORDER BY 1 LIMIT 1",
            "[\"AFRICA\",5]", "name varchar(25), c bigint"
        ),
        ("WITH a AS (SELECT 1 x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM b", "[2]", "y bigint"),
        (
            "SELECT x, y FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y) ORDER BY x DESC", "[2,\"b\"],[1,\"a\"]",
            "x bigint, y varchar"
        ),
        ("VALUES 1, 2 UNION ALL VALUES 3", "[1],[2],[3]", "_col0 bigint"),
        (
            "TABLE region ORDER BY regionkey FETCH FIRST 1 ROW ONLY", "[0,\"AFRICA\",\"what lies in africa\"]",
            "regionkey bigint, name varchar(25), comment varchar(152)"
        ),
        ("SELECT name FROM region ORDER BY name OFFSET 3 ROWS LIMIT 1", "[\"EUROPE\"]", "name varchar(25)"),
        ("SELECT * FROM TABLE(sequence(start => 2, stop => 6, step => 2))", "[2],[4],[6]", "sequential_number bigint"),
        ("SELECT sum(n) FROM UNNEST(sequence(1, 4)) AS t(n)", "[10]", "_col0 bigint"),
        ("SELECT CAST('12' AS integer) + 1 AS a, TRY_CAST('x' AS bigint) AS b", "[13,null]", "a bigint, b bigint"),
        ("SELECT if(1 <= 2, 'yes', 'no')", "[\"yes\"]", "_col0 varchar"),
        ("SELECT -7 / 2, 7 % (2 + 1), 8 / 2 / 2", "[-3,1,2]", "_col0 integer, _col1 integer, _col2 integer"),
        ("SELECT extract(year FROM DATE '2020-03-01'), current_user", "[2020,\"ada\"]", "_col0 bigint, _col1 varchar"),
        (
            "SELECT DATE '2020-03-01', TIMESTAMP '2020-03-01 01:02:03', NULL",
            "[\"2020-03-01\",\"2020-03-01 01:02:03.000\",null]",
            "_col0 date, _col1 timestamp(0), _col2 unknown"
        ),
        ("SELECT 1 IS DISTINCT FROM 2", "[true]", "_col0 boolean"),
        ("SHOW TABLES FROM tpch.tiny LIKE 'n%'", "[\"nation\"]", "Table varchar(8)"),
        ("SHOW SCHEMAS FROM memory", "[\"default\"],[\"information_schema\"]", "Schema varchar(18)"),
        ("SELECT node_id FROM system.runtime.nodes", "[\"blue-1\"]", "node_id varchar"),
        ("EXECUTE IMMEDIATE 'SELECT ? || ?' USING 'a''b', 'c'", "[\"a'bc\"]", "_col0 varchar"),
    ])
    func queriesAreAnswered(_ sql: String, _ rows: String, _ columns: String) throws {
        let run = try Run()
        defer { run.database.remove() }
        let got = run(sql)
        #expect(got.failure == nil)
        #expect(got.rows == rows)
        #expect(got.columns.map { "\($0.name) \($0.type.text())" }.joined(separator: ", ") == columns)
    }

    @Test(arguments: [
        ("SELEC 1", "SYNTAX_ERROR", 1, 1), ("SELECT 1; SELECT 2", "SYNTAX_ERROR", 1, 9),
        ("SELECT 'abc", "SYNTAX_ERROR", 1, 8), ("SELECT *\nFROM nope", "TABLE_NOT_FOUND", 2, 6),
        ("SELECT * FROM nope.x.y", "CATALOG_NOT_FOUND", 1, 15),
        ("SELECT * FROM tpch.nope.y", "SCHEMA_NOT_FOUND", 1, 15),
        ("SELECT nope FROM nation", "COLUMN_NOT_FOUND", 1, 8), ("SELECT \"nope\"", "COLUMN_NOT_FOUND", 1, 8),
        ("SELECT nope(1)", "FUNCTION_NOT_FOUND", 1, 8), ("SELECT 1 + 'x'", "TYPE_MISMATCH", 1, 10),
        ("CREATE TABLE memory.default.t (a strange)", "TYPE_NOT_FOUND", 1, 32),
        ("SELECT CAST(1 AS strange)", "TYPE_NOT_FOUND", 1, 18), ("EXECUTE nope", "NOT_FOUND", 0, 0),
        ("SELECT ?", "INVALID_PARAMETER_USAGE", 1, 8), ("INSERT INTO nation VALUES 1", "NOT_SUPPORTED", 0, 0),
        ("SET SESSION nope = 1", "INVALID_SESSION_PROPERTY", 1, 13), ("USE tpch.nope", "SCHEMA_NOT_FOUND", 1, 1),
        ("SELECT 1/0", "DIVISION_BY_ZERO", 0, 0),
        ("SELECT nationkey / (nationkey - 3) FROM nation", "DIVISION_BY_ZERO", 0, 0),
        ("SELECT CAST(name AS bigint) FROM nation", "INVALID_CAST_ARGUMENT", 0, 0),
        ("SELECT fail('boom')", "GENERIC_USER_ERROR", 0, 0),
    ])
    func faultsHaveTrinosNamesAndPlaces(_ sql: String, _ name: String, _ line: Int, _ column: Int) throws {
        let run = try Run()
        defer { run.database.remove() }
        let failure = try #require(run(sql).failure)
        #expect(failure.name == name)
        #expect(failure.location == (line == 0 ? nil : QueryFailure.Location(line: line, column: column)))
    }

    @Test func tablesAreMadeChangedAndDropped() throws {
        var run = try Run()
        defer { run.database.remove() }
        run.session.catalog = "memory"
        run.session.schema = "default"
        #expect(run("CREATE TABLE t (a bigint, b varchar(3) NOT NULL)").failure == nil)
        #expect(run("CREATE TABLE t (a bigint)").failure?.name == "TABLE_ALREADY_EXISTS")
        #expect(run("CREATE TABLE IF NOT EXISTS t (a bigint)").failure == nil)
        #expect(run("INSERT INTO t VALUES (1, 'x'), (2, 'y')").count == 2)
        #expect(run("INSERT INTO t (b, a) SELECT 'z', 3").count == 1)
        #expect(run("INSERT INTO t VALUES (1, NULL)").failure?.name == "CONSTRAINT_VIOLATION")
        #expect(run("UPDATE t SET b = 'w' WHERE t.a > 1").count == 2)
        #expect(run("SELECT * FROM t ORDER BY a").rows == "[1,\"x\"],[2,\"w\"],[3,\"w\"]")
        #expect(run("EXPLAIN ANALYZE INSERT INTO t VALUES (4, 'v')").failure == nil)
        #expect(run("SELECT count(*) FROM t").rows == "[4]")
        #expect(run("CREATE TABLE u AS SELECT a, b AS c FROM t").count == 4)
        #expect(run("DESCRIBE u").rows == "[\"a\",\"bigint\",\"\",\"\"],[\"c\",\"varchar(3)\",\"\",\"\"]")
        #expect(run("DELETE FROM t WHERE a = 1").count == 1)
        #expect(run("CREATE OR REPLACE VIEW v AS SELECT a FROM t").failure == nil)
        #expect(run("SELECT count(*) FROM v").rows == "[3]")
        #expect(run("DROP VIEW v").failure == nil)
        #expect(run("ALTER TABLE u RENAME TO w").failure == nil)
        #expect(run("DROP TABLE w").failure == nil)
        #expect(run("DROP TABLE w").failure?.name == "TABLE_NOT_FOUND")
        #expect(run("CREATE SCHEMA memory.s").failure == nil)
        #expect(run("DROP SCHEMA memory.s").failure == nil)
    }

    @Test func pagesHoldSoManyRowsAndScriptedFailuresCutThem() throws {
        var run = try Run()
        defer { run.database.remove() }
        run.pageRows = 2
        #expect(run("SELECT n FROM UNNEST(sequence(1, 5)) AS t(n)").rows == "[1],[2]|[3],[4]|[5]")
        run.fault = RowFault(rows: 3, failure: .startingUp)
        let failed = run("SELECT n FROM UNNEST(sequence(1, 5)) AS t(n)")
        #expect(failed.rows == "[1],[2]|[3]")
        #expect(failed.failure == .startingUp)
        run.fault = RowFault(rows: 0, failure: .startingUp)
        #expect(run("SELECT 1").rows.isEmpty)
    }

    @Test func sessionStatementsBecomeHeaders() throws {
        var session = ClientSession()
        session.prepared = ["p": "SELECT 1"]
        session.capabilities = ["PATH"]
        var catalogs = Catalogs()
        catalogs.schemas = ["tpch.tiny"]
        let planner = Planner(session: session, catalogs: catalogs, node: "b", now: CivilTime(milliseconds: 0))
        func headers(_ sql: String) throws -> [String] {
            guard case .session(let type, let headers) = try planner.plan(sql) else { return [] }
            return [type] + headers.map { "\($0.name): \($0.value)" }
        }
        #expect(try headers("USE tpch.tiny") == ["USE", "Set-Catalog: tpch", "Set-Schema: tiny"])
        #expect(
            try headers("SET SESSION query_max_run_time = '10m'") == [
                "SET SESSION", "Set-Session: query_max_run_time=10m",
            ])
        #expect(try headers("RESET SESSION a.b") == ["RESET SESSION", "Clear-Session: a.b"])
        #expect(try headers("PREPARE q FROM SELECT ?") == ["PREPARE", "Added-Prepare: q=SELECT+%3F"])
        #expect(try headers("DEALLOCATE PREPARE p") == ["DEALLOCATE", "Deallocated-Prepare: p"])
        #expect(try headers("SET ROLE NONE") == ["SET ROLE", "Set-Role: system=NONE"])
        #expect(try headers("SET PATH tpch.tiny") == ["SET PATH", "Set-Path: tpch.tiny"])
    }
}
