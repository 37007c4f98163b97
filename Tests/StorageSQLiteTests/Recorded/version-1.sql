-- What a store of schema version 1 held after six statements: written by that version, dumped by sqlite3.
BEGIN TRANSACTION;
CREATE TABLE attempt (
    statement INTEGER NOT NULL REFERENCES statement ON DELETE CASCADE,
    number INTEGER NOT NULL,
    pool TEXT NOT NULL,
    coordinator TEXT NOT NULL,
    query_id TEXT,
    failure TEXT,
    message TEXT,
    rule TEXT,
    class TEXT,
    action TEXT,
    gate TEXT,
    started INTEGER NOT NULL,
    ended INTEGER,
    PRIMARY KEY (statement, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(1,1,'blue','blue-1','20261121_143702_00002_gncew','SYNTAX_ERROR','line 1:1: mismatched input ''selec''. Expecting: ''ALTER'', ''ANALYZE'', ''CALL'', ''COMMENT'', ''COMMIT'', ''CREATE'', ''DEALLOCATE'', ''DELETE'', ''DENY'', ''DESC'', ''DESCRIBE'', ''DROP'', ''EXECUTE'', ''EXPLAIN'', ''GRANT'', ''INSERT'', ''MERGE'', ''PREPARE'', ''REFRESH'', ''RESET'', ''REVOKE'', ''ROLLBACK'', ''SET'', ''SHOW'', ''START'', ''TRUNCATE'', ''UPDATE'', ''USE'', ''WITH'', <query>',NULL,NULL,NULL,NULL,1795271822013,1795271822014);
INSERT INTO "attempt" VALUES(2,1,'blue','blue-1','20261121_143702_00004_gncew','USER_CANCELED',NULL,NULL,NULL,NULL,NULL,1795271822017,1795271822019);
INSERT INTO "attempt" VALUES(3,1,'blue','blue-1','20261121_143702_00000_gncew',NULL,NULL,NULL,NULL,NULL,NULL,1795271822001,1795271822009);
INSERT INTO "attempt" VALUES(4,1,'blue','blue-1','20261121_143702_00001_gncew','DIVISION_BY_ZERO','Division by zero',NULL,NULL,NULL,NULL,1795271822009,1795271822012);
INSERT INTO "attempt" VALUES(5,1,'blue','blue-1','20261121_143702_00003_gncew','MISSING_CATALOG_NAME','line 1:1: Catalog must be specified when session catalog is not set',NULL,NULL,NULL,NULL,1795271822015,1795271822017);
INSERT INTO "attempt" VALUES(6,1,'blue','blue-1','20261121_143702_00005_gncew',NULL,NULL,NULL,NULL,NULL,NULL,1795271822020,NULL);
CREATE TABLE flip (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT NOT NULL,
    from_pool TEXT NOT NULL,
    to_pool TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    mode TEXT NOT NULL,
    reason TEXT,
    asked_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_forced INTEGER NOT NULL,
    undoes INTEGER
) STRICT;
CREATE TABLE id_suffix (
    registration INTEGER NOT NULL REFERENCES registration ON DELETE CASCADE,
    position INTEGER NOT NULL,
    suffix TEXT NOT NULL,
    PRIMARY KEY (registration, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "id_suffix" VALUES(1,0,'gncew');
CREATE TABLE pin (
    id TEXT PRIMARY KEY,
    registration INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_start (
    group_name TEXT NOT NULL,
    pool TEXT NOT NULL,
    PRIMARY KEY (group_name, pool)
) STRICT, WITHOUT ROWID;
CREATE TABLE query_id (
    statement INTEGER NOT NULL REFERENCES statement ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (statement, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "query_id" VALUES(3,0,'20261121_143702_00000_gncew');
INSERT INTO "query_id" VALUES(4,0,'20261121_143702_00001_gncew');
INSERT INTO "query_id" VALUES(1,0,'20261121_143702_00002_gncew');
INSERT INTO "query_id" VALUES(5,0,'20261121_143702_00003_gncew');
INSERT INTO "query_id" VALUES(2,0,'20261121_143702_00004_gncew');
INSERT INTO "query_id" VALUES(6,0,'20261121_143702_00005_gncew');
CREATE TABLE registration (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    group_name TEXT NOT NULL,
    pool TEXT NOT NULL,
    url TEXT NOT NULL,
    origin TEXT NOT NULL,
    is_drained INTEGER NOT NULL,
    retired INTEGER
) STRICT;
INSERT INTO "registration" VALUES(1,'blue-1','default','blue','http://127.0.0.1:18771','settings',0,NULL);
CREATE TABLE routing_group (
    name TEXT PRIMARY KEY,
    active TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    rolled_back TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "routing_group" VALUES('default','blue',1,NULL);
CREATE TABLE statement (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner INTEGER NOT NULL,
    owner_random INTEGER NOT NULL,
    owner_number INTEGER NOT NULL,
    state TEXT NOT NULL,
    user TEXT NOT NULL,
    source TEXT NOT NULL,
    group_name TEXT NOT NULL,
    pool TEXT NOT NULL,
    coordinator TEXT NOT NULL,
    registration INTEGER NOT NULL,
    kind TEXT,
    submitted INTEGER NOT NULL,
    ended INTEGER
) STRICT;
INSERT INTO "statement" VALUES(1,'00003_bcoftgmn',1,2623117709,3,'failed','ann','cli','default','blue','blue-1',1,'write',1795271822013,1795271822014);
INSERT INTO "statement" VALUES(2,'00005_bcoftgmn',1,2623117709,5,'canceled','ann','cli','default','blue','blue-1',1,'read',1795271822017,1795271822019);
INSERT INTO "statement" VALUES(3,'00001_bcoftgmn',1,2623117709,1,'finished','ann','cli','default','blue','blue-1',1,'read',1795271822001,1795271822009);
INSERT INTO "statement" VALUES(4,'00002_bcoftgmn',1,2623117709,2,'failed','bob','cli','default','blue','blue-1',1,'read',1795271822009,1795271822012);
INSERT INTO "statement" VALUES(5,'00004_bcoftgmn',1,2623117709,4,'failed','ann','cli','default','blue','blue-1',1,'write',1795271822015,1795271822017);
INSERT INTO "statement" VALUES(6,'00006_bcoftgmn',1,2623117709,6,'queued','ann','cli','default','blue','blue-1',1,'read',1795271822020,NULL);
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    owner INTEGER NOT NULL,      -- the newest owner number that was given out
    is_closed INTEGER NOT NULL,  -- whether the last run ended cleanly and lost no history
    probes INTEGER NOT NULL      -- raised to find out whether the file can be written
) STRICT;
INSERT INTO "store" VALUES(1,1,1,0);
CREATE TABLE tag_key (
    made INTEGER PRIMARY KEY,    -- milliseconds since 1970, as all times here
    id INTEGER NOT NULL,
    secret BLOB NOT NULL         -- 16 bytes
) STRICT;
INSERT INTO "tag_key" VALUES(1795271817923,1,X'9DDE63FE4C373A4E1394689EC17508A9');
CREATE TABLE tombstone (
    owner INTEGER NOT NULL,
    owner_random INTEGER NOT NULL,
    statement INTEGER NOT NULL,
    query_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (owner, owner_random, statement)
) STRICT, WITHOUT ROWID;
INSERT INTO "tombstone" VALUES(1,2623117709,5,'20261121_143702_00004_gncew',1795271822019);
CREATE UNIQUE INDEX registration_name ON registration (name) WHERE retired IS NULL;
CREATE UNIQUE INDEX flip_epoch ON flip (group_name, epoch);
CREATE INDEX tombstone_at ON tombstone (at);
CREATE INDEX statement_submitted ON statement (submitted);
CREATE INDEX statement_user ON statement (user, submitted);
CREATE INDEX statement_unusual ON statement (state, submitted) WHERE state <> 'finished';
CREATE INDEX query_id_id ON query_id (id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('registration',1);
COMMIT;
PRAGMA user_version = 1;
