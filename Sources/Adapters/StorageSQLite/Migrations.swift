import Model
import SQLite

/// The schema's history: each entry takes a file from the version before it, the first from an empty file. What has
/// been released is never edited; what changes is appended. The version is SQLite's `user_version`.
let migrations = [
    // 1: operational state (one row or few rows each) and history (statements and what belongs to them).
    """
    CREATE TABLE store (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        owner INTEGER NOT NULL,      -- the newest owner number that was given out
        is_closed INTEGER NOT NULL,  -- whether the last run ended cleanly and lost no history
        probes INTEGER NOT NULL      -- raised to find out whether the file can be written
    ) STRICT;
    INSERT INTO store VALUES (1, 0, 1, 0);

    CREATE TABLE tag_key (
        made INTEGER PRIMARY KEY,    -- milliseconds since 1970, as all times here
        id INTEGER NOT NULL,
        secret BLOB NOT NULL         -- 16 bytes
    ) STRICT;

    CREATE TABLE routing_group (
        name TEXT PRIMARY KEY,
        active TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        rolled_back TEXT
    ) STRICT, WITHOUT ROWID;

    -- AUTOINCREMENT: the number of a registration that is gone is never given out again.
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
    CREATE UNIQUE INDEX registration_name ON registration (name) WHERE retired IS NULL;

    CREATE TABLE id_suffix (
        registration INTEGER NOT NULL REFERENCES registration ON DELETE CASCADE,
        position INTEGER NOT NULL,
        suffix TEXT NOT NULL,
        PRIMARY KEY (registration, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pool_start (
        group_name TEXT NOT NULL,
        pool TEXT NOT NULL,
        PRIMARY KEY (group_name, pool)
    ) STRICT, WITHOUT ROWID;

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
    CREATE UNIQUE INDEX flip_epoch ON flip (group_name, epoch);

    CREATE TABLE pin (
        id TEXT PRIMARY KEY,
        registration INTEGER NOT NULL,
        used INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- An owner's random part and a statement's number are unsigned 64 bits, kept as the signed number of those bits.
    CREATE TABLE tombstone (
        owner INTEGER NOT NULL,
        owner_random INTEGER NOT NULL,
        statement INTEGER NOT NULL,
        query_id TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (owner, owner_random, statement)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tombstone_at ON tombstone (at);

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
    CREATE INDEX statement_submitted ON statement (submitted);
    CREATE INDEX statement_user ON statement (user, submitted);
    CREATE INDEX statement_unusual ON statement (state, submitted) WHERE state <> 'finished';

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

    CREATE TABLE query_id (
        statement INTEGER NOT NULL REFERENCES statement ON DELETE CASCADE,
        position INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (statement, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX query_id_id ON query_id (id);
    """,
    // 2: what befell a statement: verdicts and waits. What ended before keeps the error of its last attempt.
    """
    ALTER TABLE statement ADD COLUMN failure TEXT;
    ALTER TABLE statement ADD COLUMN message TEXT;
    ALTER TABLE statement ADD COLUMN is_retried INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE statement ADD COLUMN dropped_verdicts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE statement ADD COLUMN dropped_waits INTEGER NOT NULL DEFAULT 0;
    UPDATE statement SET (failure, message) = (
            SELECT failure, message FROM attempt WHERE attempt.statement = statement.number
            ORDER BY attempt.number DESC LIMIT 1)
        WHERE state <> 'finished' AND ended IS NOT NULL;
    CREATE INDEX statement_retried ON statement (submitted) WHERE is_retried = 1;

    CREATE TABLE verdict (
        statement INTEGER NOT NULL REFERENCES statement ON DELETE CASCADE,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        last INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        pool TEXT NOT NULL,
        coordinator TEXT NOT NULL,
        failure TEXT NOT NULL,
        message TEXT,
        rule TEXT,
        class TEXT NOT NULL,
        action TEXT NOT NULL,
        gate TEXT,
        wait INTEGER NOT NULL,       -- milliseconds, as cost
        cost INTEGER NOT NULL,
        times INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        PRIMARY KEY (statement, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verdict_at ON verdict (at);
    CREATE INDEX verdict_rule ON verdict (rule, at);

    CREATE TABLE wait (
        statement INTEGER NOT NULL REFERENCES statement ON DELETE CASCADE,
        position INTEGER NOT NULL,
        began INTEGER NOT NULL,
        ended INTEGER,
        reason TEXT NOT NULL,
        PRIMARY KEY (statement, position)
    ) STRICT, WITHOUT ROWID;
    """,
    // 3: attempts that were superseded and submissions that may have taken effect are remembered as cancels are.
    """
    ALTER TABLE tombstone RENAME TO canceled;
    CREATE TABLE tombstone (
        owner INTEGER NOT NULL,
        owner_random INTEGER NOT NULL,
        statement INTEGER NOT NULL,
        kind TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        query_id TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (owner, owner_random, statement, kind)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO tombstone SELECT owner, owner_random, statement, 'canceled', 0, query_id, at FROM canceled;
    DROP TABLE canceled;
    CREATE INDEX tombstone_at ON tombstone (at);
    """,
    // 4: a statement with one attempt, of which there is nothing to tell but when it was sent, has no row beside its
    // own: most are so. What was written before keeps its rows.
    """
    ALTER TABLE statement ADD COLUMN sent INTEGER;
    ALTER TABLE statement ADD COLUMN query_id TEXT;
    CREATE INDEX statement_query_id ON statement (query_id) WHERE query_id IS NOT NULL;
    """,
]

/// Brings the schema to the newest version, each step in a transaction of its own with its number.
func migrate(_ connection: borrowing Connection) throws(StorageProblem) {
    let version = try schemaVersion(connection)
    do throws(SQLiteError) {
        for (index, step) in migrations.enumerated().dropFirst(version) {
            try connection.execute("BEGIN IMMEDIATE;\(step);PRAGMA user_version = \(index + 1);COMMIT")
        }
    } catch {
        throw StorageProblem(error)
    }
}

/// The version of the file's schema.
/// - Throws: `damaged` if a newer Penstock made it.
func schemaVersion(_ connection: borrowing Connection) throws(StorageProblem) -> Int {
    let version: Int
    do throws(SQLiteError) {
        version = Int(try connection.rows("PRAGMA user_version").first?.first?.integer ?? 0)
    } catch {
        throw StorageProblem(error)
    }
    guard version <= migrations.count else {
        throw .damaged(
            "the file has schema version \(version), this Penstock knows \(migrations.count): "
                + "start the newer Penstock, or give state.directory another folder")
    }
    return version
}
