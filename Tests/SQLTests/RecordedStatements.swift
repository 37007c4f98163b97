/// Every statement of the recorded conversations with Trino and Presto, and the updateType that the engine gave it
/// (`-`: none, which does not mean a read: Presto gives none for EXPLAIN ANALYZE INSERT, and an error may come first).
let recordedStatements: [(updateType: String, text: String)] = #"""
    -|
    -|-- x
    -|ANALYZE memory.default.t1
    CREATE SCHEMA|CREATE SCHEMA memory.s1
    CREATE TABLE|CREATE TABLE IF NOT EXISTS memory.default.t2 AS SELECT * FROM tpch.tiny.nation
    CREATE TABLE|CREATE TABLE memory.default.t1 (a bigint)
    CREATE TABLE|CREATE TABLE memory.default.t1 (a bigint, b varchar)
    CREATE TABLE|CREATE TABLE memory.default.t2 AS SELECT * FROM tpch.tiny.nation
    CREATE VIEW|CREATE VIEW memory.default.v1 AS SELECT 1 x
    DELETE|DELETE FROM memory.default.t2 WHERE nationkey = 1
    -|DESCRIBE tpch.tiny.nation
    DROP TABLE|DROP TABLE IF EXISTS memory.default.nope
    DROP VIEW|DROP VIEW memory.default.v1
    -|EXECUTE nope USING 3
    -|EXECUTE p1 USING 3
    INSERT|EXECUTE p2 USING 7
    -|EXPLAIN ANALYZE INSERT INTO memory.default.t1 VALUES (99,'ea')
    -|EXPLAIN ANALYZE SELECT count(*) FROM tpch.tiny.nation
    -|EXPLAIN SELECT * FROM tpch.tiny.nation
    INSERT|INSERT INTO memory.default.fi SELECT 1/(orderkey-5900000), 'x' FROM tpch.sf1.orders
    INSERT|INSERT INTO memory.default.t1 SELECT 1/(nationkey-3), 'x' FROM tpch.tiny.nation
    INSERT|INSERT INTO memory.default.t1 SELECT 1/(o.orderkey-6000000 + 0*l.orderkey), 'x' FROM tpch.sf1.orders o JOIN tpch.sf1.lineitem l ON o.orderkey=l.orderkey
    INSERT|INSERT INTO memory.default.t1 SELECT x, s FROM blackhole.default.slow
    INSERT|INSERT INTO memory.default.t1 VALUES (1,'x'),(2,'y')
    INSERT|INSERT INTO memory.default.t1 VALUES (5,'tx')
    -|INSERT INTO memory.default.w VALUES 1
    INSERT|INSERT INTO memory.default.w2 SELECT x, s FROM blackhole.default.slow
    -|INSERT INTO pg.public.t SELECT 1
    PREPARE|PREPARE p1 FROM SELECT * FROM tpch.tiny.nation WHERE nationkey = ?
    -|SELEC 1
    -|SELECT 'abc
    -|SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    -|SELECT * FROM blackhole.default.slow
    -|SELECT * FROM nation
    -|SELECT * FROM nope.x.y
    -|SELECT * FROM pg.public.t
    -|SELECT * FROM tpch.nope.y
    -|SELECT * FROM tpch.sf1.lineitem LIMIT 100000
    -|SELECT * FROM tpch.sf1.lineitem LIMIT 200000
    -|SELECT * FROM tpch.sf1.orders
    -|SELECT * FROM tpch.tiny.nation WHERE nationkey < 0
    -|SELECT * FROM tpch.tiny.nope
    -|SELECT 1
    -|SELECT 1 i, 1.5 d, DOUBLE '2.5' dd, 'é✓' s, true b, DATE '20
    -|SELECT 1/(nationkey-3) FROM tpch.tiny.nation
    -|SELECT 1/0
    -|SELECT 1;
    -|SELECT CAST('a' AS bigint)
    -|SELECT count(*) FROM blackhole.default.slow
    -|SELECT count(*) FROM blackhole.default.slow20
    -|SELECT count(*) FROM tpch.sf1.lineitem
    -|SELECT count(*) FROM tpch.sf10.lineitem
    -|SELECT count(*) FROM tpch.sf100.lineitem
    -|SELECT count(*) FROM tpch.tiny.nation
    -|SELECT nope FROM tpch.tiny.nation
    -|SELECT nope(1)
    -|SELECT orderkey, array_agg(comment) FROM tpch.sf1.lineitem GROUP BY 1 ORDER BY 2
    -|SELECT orderkey, comment, 1/(orderkey-5900000) FROM tpch.sf1.orders
    -|SELECT returnflag, count(*) FROM tpch.sf1.lineitem GROUP BY 1 ORDER BY 1
    SET SESSION|SET SESSION nope.x = 1
    SET SESSION|SET SESSION query_max_run_time = '10m'
    -|SET SESSION query_max_run_time = '1m'
    -|SHOW CATALOGS
    USE|USE tpch.nope
    USE|USE tpch.tiny
    -|ANALYZE memory.s.t
    CALL|CALL system.runtime.kill_query('20200101_000000_00000_aaaaa','m')
    COMMIT|COMMIT
    CREATE VIEW|CREATE OR REPLACE VIEW memory.s.v AS SELECT 1 x
    CREATE SCHEMA|CREATE SCHEMA IF NOT EXISTS memory.s
    -|CREATE SCHEMA memory.s
    CREATE SCHEMA|CREATE SCHEMA memory.zz
    CREATE TABLE|CREATE TABLE blackhole.default.o AS SELECT * FROM tpch.tiny.orders
    -|CREATE TABLE blackhole.default.w AS SELECT * FROM tpch.sf1.lineitem
    CREATE TABLE|CREATE TABLE memory.default.sp AS SELECT * FROM tpch.tiny.nation
    CREATE TABLE|CREATE TABLE memory.s.big AS SELECT * FROM tpch.sf1.lineitem
    CREATE TABLE|CREATE TABLE memory.s.n AS SELECT * FROM tpch.tiny.nation
    CREATE TABLE|CREATE TABLE memory.s.nn (a bigint NOT NULL)
    CREATE TABLE|CREATE TABLE memory.s.t (a bigint, b varchar)
    -|CREATE TABLE memory.s.wk (a bigint, b varchar)
    CREATE TABLE|CREATE TABLE system.runtime.x (a bigint)
    DEALLOCATE|DEALLOCATE PREPARE p1
    -|DELETE FROM memory.s.t
    -|DELETE FROM memory.s.t WHERE a = 1
    DROP TABLE|DROP TABLE memory.s.n
    -|EXECUTE IMMEDIATE 'SELECT ? + 1' USING 4
    INSERT|EXECUTE p2 USING 3
    -|EXPLAIN SELECT count(*) FROM tpch.tiny.orders
    -|INSERT INTO memory.s.hd VALUES (2)
    -|INSERT INTO memory.s.hd VALUES (3)
    -|INSERT INTO memory.s.np VALUES (1)
    -|INSERT INTO memory.s.np VALUES (2)
    INSERT|INSERT INTO memory.s.t SELECT 1/(nationkey-3), name FROM tpch.tiny.nation
    -|INSERT INTO memory.s.t VALUES ('x', 1)
    INSERT|INSERT INTO memory.s.wk SELECT orderkey, comment FROM tpch.sf10.lineitem WHERE orderkey % 1000 = 1
    PREPARE|PREPARE p FROM SELECT <random>
    RESET SESSION AUTHORIZATION|RESET SESSION AUTHORIZATION
    ROLLBACK|ROLLBACK
    -|SELECT 'Žalgirio mūšis ⚔ "x" / & <b>'
    -|SELECT * FROM TABLE(deadpg.system.query(query => 'SELECT 1'))
    -|SELECT * FROM memory.s.t
    -|SELECT * FROM nope.nope.nope
    -|SELECT * FROM tpch.sf1.lineitem
    -|SELECT * FROM tpch.sf1.orders LIMIT 300000
    -|SELECT * FROM tpch.sf10.lineitem
    -|SELECT * FROM tpch.sf10.lineitem ORDER BY comment
    -|SELECT * FROM tpch.tiny.nation
    -|SELECT 1 + 'x'
    -|SELECT 1 AS a
    -|SELECT 1 a, 2 a, 3
    -|SELECT 1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1
    -|SELECT 1; SELECT 2
    -|SELECT CAST(name AS bigint) FROM tpch.tiny.nation
    -|SELECT TIMESTAMP '2020-01-01 00:00:00.123456'
    -|SELECT array_join(repeat('x', 900000), '') FROM tpch.tiny.nation
    -|SELECT array_join(repeat(chr(1), 1000), '') FROM tpch.sf1.orders LIMIT 5000
    -|SELECT count(*) ...
    -|SELECT count(*) FROM (SELECT DISTINCT comment, orderkey FROM tpch.sf10.lineitem)
    -|SELECT count(*) FROM memory.s.t
    -|SELECT count(*) FROM tpch.sf1000.lineitem WHERE comment LIKE '%zzzz%'
    -|SELECT count(*) FROM tpch.sf1000.lineitem WHERE comment LIKE '%zzzzzz%'
    -|SELECT current_user
    -|SELECT fail('boom')
    SET PATH|SET PATH tpch.tiny
    -|SET ROLE ALL IN memory
    SET ROLE|SET ROLE NONE
    SET SESSION AUTHORIZATION|SET SESSION AUTHORIZATION bob
    SET SESSION|SET SESSION nope = 1
    -|SHOW SCHEMAS FROM deadpg
    -|SHOW SESSION LIKE 'query_max_run_time'
    START TRANSACTION|START TRANSACTION
    START TRANSACTION|START TRANSACTION READ ONLY
    TRUNCATE TABLE|TRUNCATE TABLE memory.s.t
    -|UPDATE memory.s.t SET b = 'z'
    """#.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        let parts = line.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
    }
