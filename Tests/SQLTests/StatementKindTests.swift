import Testing

@testable import SQL

private func kind(_ text: String, limit: Int = .max, prepared: [String: String] = [:]) -> StatementKind {
    let bytes = Array(text.utf8)
    return statementKind(of: bytes.span, limit: limit) { name in prepared[name].map { Array($0.utf8) } }
}

@Suite struct StatementKindTests {
    @Test(arguments: [
        "SELECT 1", "select 1", "SELECT 1;", "SELECT 1 ; -- done", "\t\n SELECT 1", "-- a\n/* b */ SELECT 1",
        "/* INSERT */ SELECT 'DELETE FROM t', \"insert\" FROM t", "VALUES 1, 2", "TABLE nation", "(SELECT 1)",
        "((SELECT 1) UNION (VALUES 2))", "WITH x AS (SELECT 1) SELECT * FROM x",
        "WITH RECURSIVE t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
        "WITH recursive AS (SELECT 1) SELECT * FROM recursive", "WITH function AS (SELECT 1) TABLE function",
        "WITH a AS (SELECT 1), b (c) AS ((SELECT 2)) (SELECT * FROM a, b)", "(WITH a AS (SELECT 1) SELECT * FROM a)",
        "WITH a AS NOT MATERIALIZED (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a",
        "SHOW CATALOGS", "SHOW CREATE TABLE t", "SHOW STATS FOR (SELECT * FROM t)", "DESCRIBE t", "DESC t",
        "DESCRIBE INPUT p", "EXPLAIN SELECT 1", "EXPLAIN INSERT INTO t SELECT 1", "EXPLAIN (TYPE IO) DELETE FROM t",
        "EXPLAIN (SELECT 1)", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN ANALYZE VERBOSE (SELECT 1)",
        "SELECT * FROM TABLE(sequence(start => 1, stop => 3))",
        "SELECT * FROM TABLE(system.builtin.exclude_columns(input => TABLE(orders), columns => DESCRIPTOR(c)))",
        "SELECT * FROM TABLE(orders)", "SELECT * FROM t, LATERAL (TABLE u)", "SELECT update, (merge) FROM comment",
        "SELECT u&'x' FROM t", "WITH FUNCTION f(x int) RETURNS int BEGIN DECLARE y int; RETURN x; END SELECT f(1)",
        "EXECUTE IMMEDIATE 'SELECT ?, ''x''' USING 3", "SELECT 1 FOR UPDATE", "SELECT $$ ; DROP $$",
    ])
    func readsAreKnown(_ text: String) {
        #expect(kind(text) == .read)
        #expect(kind(text).reads)
    }

    @Test(arguments: [
        "", ";", "-- SELECT 1", "/* SELECT 1", "'SELECT 1'", "\"SELECT\" 1", "INSERT INTO t VALUES 1",
        "/* SELECT */ INSERT INTO t SELECT 1", "--\nDELETE FROM t", "UPDATE t SET a = 1", "MERGE INTO t USING u ON 1=1",
        "CREATE TABLE t AS SELECT 1", "CALL p()", "ANALYZE t", "REFRESH MATERIALIZED VIEW v", "GRANT x TO y",
        "EXPLAIN ANALYZE INSERT INTO t SELECT 1", "EXPLAIN ANALYZE VERBOSE INSERT INTO t SELECT 1",
        "EXPLAIN (ANALYZE) INSERT INTO t SELECT 1", "EXPLAIN ANALYZE VERBOSE (TYPE IO) DELETE FROM t",
        "EXPLAIN /* x */ ANALYZE -- y\n DELETE FROM t", "SELECT 1; DROP TABLE t", "SHOW TABLES; DROP TABLE t",
        "SET SESSION a = 1; DROP TABLE t", "COMMIT; DROP TABLE t", "SELECT 1;; ", "SELECT 'a", "SELECT \"a",
        "SELECT 1 /* ", "SELECT * INTO t FROM u", "WITH x AS (INSERT INTO t SELECT 1 RETURNING a) SELECT * FROM x",
        "WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT * FROM x", "WITH x AS (SELECT 1) INSERT INTO t TABLE x",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1", "WITH x AS (SELECT 1) MERGE INTO t USING x ON 1=1",
        "WITH x AS (SELECT 1", "WITH x AS SELECT 1", "WITH x", "WITH", "(", "(((INSERT INTO t SELECT 1)))",
        "SELECT * FROM TABLE(pg.system.query(query => 'SELECT 1'))", "SELECT * FROM TABLE /* */ (\n query('x'))",
        "SELECT * FROM TABLE(pg.system.sequence(1))", "SELECT * FROM TABLE(a.b.c.d.e(1))",
        "SELECT * FROM TABLE(\"query\"('x'))", "SELECT (SELECT * FROM TABLE(f(1)))",
        "WITH FUNCTION f() RETURNS int RETURN 1 INSERT INTO t SELECT f()",
        "WITH FUNCTION f() RETURNS int RETURN 1 UPDATE t SET a = f()", "WITH FUNCTION f() RETURNS int RETURN 1",
        "EXECUTE p", "EXECUTE", "EXECUTE IMMEDIATE 'INSERT INTO t SELECT 1'", "EXECUTE IMMEDIATE U&'SELECT 1'",
        "EXECUTE IMMEDIATE", "START", "START x", "BEGIN", "selec 1", "\u{feff}SELECT 1", "élan",
    ])
    func whatIsNotKnownToReadWrites(_ text: String) {
        #expect(kind(text) == .write)
        #expect(!kind(text).reads)
    }

    @Test(arguments: [
        "USE tpch.tiny", "SET SESSION a = 1", "SET ROLE NONE", "SET TIME ZONE 'UTC'", "RESET SESSION a",
        "PREPARE p FROM INSERT INTO t VALUES ?", "DEALLOCATE PREPARE p",
    ])
    func sessionStatementsCountAsReads(_ text: String) {
        #expect(kind(text) == .session)
        #expect(kind(text).reads)
    }

    @Test(arguments: ["START TRANSACTION READ ONLY", "commit", "ROLLBACK WORK;"])
    func transactionsAreTheirOwnKind(_ text: String) {
        #expect(kind(text) == .transaction)
        #expect(!kind(text).reads)
    }

    @Test func executeIsWhatItsPreparedStatementIs() {
        let prepared = [
            "p": "SELECT ?", "P": "DELETE FROM t", "q r": "VALUES 1", "loop": "EXECUTE loop", "immediate": "SELECT 1",
        ]
        #expect(kind("EXECUTE p USING 3", prepared: prepared) == .read)
        #expect(kind("EXECUTE P", prepared: prepared) == .write)
        #expect(kind("EXECUTE \"q r\"", prepared: prepared) == .read)
        #expect(kind("EXECUTE loop", prepared: prepared) == .write)
        #expect(kind("EXECUTE immediate USING 1", prepared: prepared) == .read)
        #expect(kind("EXECUTE p; DROP TABLE t", prepared: prepared) == .write)
        #expect(kind("EXPLAIN ANALYZE EXECUTE p", prepared: prepared) == .read)
    }

    @Test func aTextBeyondTheLimitIsAWriteUnlessItIsDecided() {
        let text = "SELECT '" + String(repeating: "x", count: 100) + "'"
        #expect(kind(text, limit: 64) == .write)
        #expect(kind(text, limit: text.utf8.count) == .read)
        #expect(kind("START TRANSACTION" + String(repeating: " ", count: 100), limit: 64) == .transaction)
        #expect(kind("USE a" + String(repeating: " ", count: 100), limit: 64) == .write)
    }

    @Test func recordedStatementsThatUpdateAreNoReads() {
        let session = [
            "USE", "SET SESSION", "SET PATH", "SET ROLE", "SET SESSION AUTHORIZATION", "PREPARE",
            "DEALLOCATE", "RESET SESSION AUTHORIZATION",
        ]
        let prepared = [
            "p1": "SELECT * FROM tpch.tiny.nation WHERE nationkey = ?", "p2": "INSERT INTO t VALUES (?, 'x')",
        ]
        for (updateType, text) in recordedStatements {
            let kind = kind(text, prepared: prepared)
            if session.contains(updateType) {
                #expect(kind == .session, "\(text)")
            } else if ["START TRANSACTION", "COMMIT", "ROLLBACK"].contains(updateType) {
                #expect(kind == .transaction, "\(text)")
            } else if updateType != "-" {
                #expect(kind == .write, "\(text)")
            }
        }
        let reads = recordedStatements.filter { kind($0.text, prepared: prepared) == .read }
        #expect(reads.count >= 55, "closed list too narrow: \(reads.count)")
    }
}
