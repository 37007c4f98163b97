import Testing

@testable import DemoCoordinator

/// A small generator with a seed, so that a failure can be repeated.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct PlannerFuzzTests {
    private static let statements = [
        "SELECT a, count(*) AS c FROM tpch.tiny.nation n JOIN region r ON n.x = r.y WHERE a / 2 > 1 GROUP BY 1",
        "WITH RECURSIVE a (x) AS (SELECT 1) SELECT CAST(x AS decimal(3, 2)) FROM a OFFSET 1 ROWS LIMIT 2",
        "SELECT * FROM TABLE(sequence(start => 1, stop => 9)) UNION ALL SELECT * FROM UNNEST(sequence(1, 2)) AS t(n)",
        "INSERT INTO memory.default.t (a, b) SELECT x, y FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y)",
        "CREATE TABLE IF NOT EXISTS memory.default.u (a bigint NOT NULL, b varchar(3) COMMENT 'x') WITH (f = 1)",
        "CREATE TABLE memory.default.u AS SELECT 1 AS a WITH NO DATA", "CREATE OR REPLACE VIEW v AS TABLE nation",
        "DROP TABLE IF EXISTS memory.default.t", "ALTER TABLE memory.default.t RENAME COLUMN a TO b",
        "ALTER TABLE memory.default.t ADD COLUMN c date",
        "UPDATE memory.default.t SET a = 1 WHERE b IS DISTINCT FROM 2",
        "DELETE FROM memory.default.t", "TRUNCATE TABLE memory.default.t", "SHOW TABLES FROM tpch.tiny LIKE 'n%'",
        "SHOW CREATE TABLE nation", "DESCRIBE INPUT p", "EXPLAIN ANALYZE VERBOSE (TYPE IO) SELECT 1",
        "EXECUTE p USING 1, 'x'", "EXECUTE IMMEDIATE 'SELECT ?' USING 3", "PREPARE q FROM SELECT ?", "USE tpch.tiny",
        "SET SESSION query_priority = 3", "SET ROLE x IN memory", "SET PATH a.b", "SET TIME ZONE 'UTC'",
        "RESET SESSION a",
        "START TRANSACTION READ ONLY", "CREATE SCHEMA memory.s", "DROP SCHEMA IF EXISTS memory.s", "CALL a.b()",
        "VALUES 1, (2), (3, 4)",
        "SELECT extract(year FROM DATE '2020-01-01'), CASE WHEN 1 / 0 = 1 THEN 'a' END FETCH FIRST 1 ROW ONLY",
    ]

    @Test func anyTokensArePlannedOrRefused() {
        var catalogs = Catalogs()
        catalogs.schemas = ["tpch.tiny", "memory.default"]
        catalogs.tables = [
            TableName(catalog: "tpch", schema: "tiny", table: "nation"),
            TableName(catalog: "tpch", schema: "tiny", table: "region"),
            TableName(catalog: "memory", schema: "default", table: "t"),
        ]
        var session = ClientSession()
        session.catalog = "tpch"
        session.schema = "tiny"
        session.prepared = ["p": "SELECT ? + ?"]
        session.capabilities = ["PATH"]
        let planner = Planner(session: session, catalogs: catalogs, node: "b", now: CivilTime(milliseconds: 0))
        let words = Self.statements.flatMap { $0.split(separator: " ").map(String.init) } + ["(", ")", ",", "/", "."]
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = Seeded(state: seed)
        var planned = 0
        for round in 0..<30_000 {
            var text = Self.statements[round % Self.statements.count].split(separator: " ").map(String.init)
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text.remove(at: place)
                case 1: text.removeLast(text.count - place)
                case 2: text.insert(words.randomElement(using: &generator) ?? "", at: place)
                default: text[place] = words.randomElement(using: &generator) ?? ""
                }
            }
            do throws(QueryFailure) {
                _ = try planner.plan(text.joined(separator: " "))
                planned += 1
            } catch {
                #expect(!error.name.isEmpty, "seed \(seed)")
            }
        }
        #expect(planned > 5000, "seed \(seed)")
    }
}
