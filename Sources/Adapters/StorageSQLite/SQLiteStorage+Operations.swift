import Engine
import Model
import SQLite
import Wire

/// What must be durable before it takes effect.
extension SQLiteStorage {
    /// Everything operational, in one snapshot. Pins and tombstones older than 15 minutes are left out.
    public func load(now: Timestamp) async throws(StorageProblem) -> OperationalState {
        var state = OperationalState()
        state.endedUncleanly = try lastEnd()
        let oldest = now.adding(milliseconds: -SQLiteStorage.memory)
        return try read { connection throws(SQLiteError) in
            state.groups = try connection.rows(
                "SELECT name, active, epoch, rolled_back FROM routing_group ORDER BY name"
            )
            .compactMap(StoredGroup.init(row:))
            state.registrations = try registrations(connection)
            state.poolStarts = try connection.rows("SELECT group_name, pool FROM pool_start").map { row in
                StoredPoolStart(group: row[0].text ?? "", pool: row[1].text ?? "")
            }
            state.pins = try connection.rows("SELECT id, registration, used FROM pin WHERE used >= ?", oldest.value)
                .compactMap(TransactionPin.init(row:))
            state.tombstones = try connection.rows(
                "SELECT owner, owner_random, statement, kind, attempt, query_id, at FROM tombstone WHERE at >= ?",
                oldest.value
            ).compactMap(Tombstone.init(row:))
            // The second condition says nothing new: it lets the index of what is not finished serve.
            state.unfinished = try selectStatements(
                connection, "WHERE state IN ('waiting', 'queued', 'running') AND state <> 'finished'")
            return state
        }
    }

    /// Writes groups that the settings newly name; one that is there stays as it is.
    public func declare(_ groups: [StoredGroup]) async throws(StorageProblem) {
        try write { connection throws(SQLiteError) in
            for group in groups {
                try connection.run(
                    "INSERT OR IGNORE INTO routing_group VALUES (?, ?, ?, ?)", .text(group.name), .text(group.active),
                    Value(bits: group.epoch), Value(group.rolledBack))
            }
        }
    }

    /// Registers a coordinator. Its name must be that of no registration that still takes statements.
    public func register(_ registration: StoredRegistration) async throws(StorageProblem) -> StoredRegistration {
        let number: Int64? = try write { connection throws(SQLiteError) in
            if registration.retired == nil,
                try !connection.rows(
                    "SELECT 1 FROM registration WHERE name = ? AND retired IS NULL", .text(registration.name)
                ).isEmpty
            {
                return nil
            }
            try connection.run(
                """
                INSERT INTO registration (name, group_name, pool, url, origin, is_drained, retired)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """, .text(registration.name), .text(registration.group), .text(registration.pool),
                .text(registration.url), .text(registration.origin.rawValue), Value(registration.isDrained),
                Value(registration.retired))
            let number = connection.lastInsertRowID
            try save(registration.idSuffixes, number, connection)
            return number
        }
        guard let number else { throw .duplicate(registration.name) }
        // AUTOINCREMENT counts from 1; four thousand million registrations are out of reach.
        guard let number = UInt32(exactly: number) else { throw .damaged("the registration numbers are used up") }
        var registered = registration
        registered.number = number
        return registered
    }

    /// Writes everything of a registration but its name.
    public func update(_ registration: StoredRegistration) async throws(StorageProblem) {
        let isThere = try write { connection throws(SQLiteError) in
            try connection.run(
                """
                UPDATE registration
                SET group_name = ?, pool = ?, url = ?, origin = ?, is_drained = ?, retired = ? WHERE number = ?
                """, .text(registration.group), .text(registration.pool), .text(registration.url),
                .text(registration.origin.rawValue), Value(registration.isDrained), Value(registration.retired),
                Value(registration.number))
            guard connection.changes == 1 else { return false }
            try connection.run("DELETE FROM id_suffix WHERE registration = ?", Value(registration.number))
            try save(registration.idSuffixes, Int64(registration.number), connection)
            return true
        }
        guard isThere else { throw .unknown("registration \(registration.number)") }
    }

    /// Forgets a registration; its number is never given out again.
    public func forget(registration: UInt32) async throws(StorageProblem) {
        try write { connection throws(SQLiteError) in
            try connection.run("DELETE FROM registration WHERE number = ?", Value(registration))
        }
    }

    /// Notes that a pool runs statements in the POST.
    public func note(_ start: StoredPoolStart) async throws(StorageProblem) {
        try write { connection throws(SQLiteError) in
            try connection.run("INSERT OR IGNORE INTO pool_start VALUES (?, ?)", .text(start.group), .text(start.pool))
        }
    }

    /// Forgets what was noted of a pool's start.
    public func forget(_ start: StoredPoolStart) async throws(StorageProblem) {
        try write { connection throws(SQLiteError) in
            try connection.run(
                "DELETE FROM pool_start WHERE group_name = ? AND pool = ?", .text(start.group), .text(start.pool))
        }
    }

    /// Writes pins and removes those that ended.
    public func save(pins: [TransactionPin], ended: [String]) async throws(StorageProblem) {
        try write { connection throws(SQLiteError) in
            for pin in pins {
                try connection.run(
                    "INSERT OR REPLACE INTO pin VALUES (?, ?, ?)", .text(pin.id), Value(pin.registration),
                    pin.used.value)
            }
            for id in ended {
                try connection.run("DELETE FROM pin WHERE id = ?", .text(id))
            }
        }
    }

    /// Writes tombstones and removes those that are 15 minutes older than the newest. Of one kind a statement has one,
    /// with the highest attempt.
    public func save(_ tombstones: [Tombstone]) async throws(StorageProblem) {
        guard let newest = tombstones.map(\.at).max() else { return }
        try write { connection throws(SQLiteError) in
            for tombstone in tombstones {
                try connection.run(
                    """
                    INSERT INTO tombstone VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (owner, owner_random, statement, kind) DO UPDATE SET
                        attempt = max(attempt, excluded.attempt), query_id = excluded.query_id,
                        at = max(at, excluded.at)
                    """,
                    Value(tombstone.key.owner.counter), Value(bits: tombstone.key.owner.random),
                    Value(bits: tombstone.key.number), .text(tombstone.kind.rawValue),
                    .integer(Int64(tombstone.attempt)), .text(tombstone.queryID), tombstone.at.value)
            }
            try connection.run(
                "DELETE FROM tombstone WHERE at < ?", newest.adding(milliseconds: -SQLiteStorage.memory).value)
        }
    }

    private func save(
        _ suffixes: [String], _ registration: Int64, _ connection: borrowing Connection
    ) throws(SQLiteError) {
        for (position, suffix) in suffixes.enumerated() {
            try connection.run(
                "INSERT INTO id_suffix VALUES (?, ?, ?)", .integer(registration), Value(position), .text(suffix))
        }
    }

    private func registrations(_ connection: borrowing Connection) throws(SQLiteError) -> [StoredRegistration] {
        var suffixes: [Int64: [String]] = [:]
        for row in try connection.rows("SELECT registration, suffix FROM id_suffix ORDER BY registration, position") {
            suffixes[row[0].integer ?? 0, default: []].append(row[1].text ?? "")
        }
        let rows = try connection.rows(
            "SELECT number, name, group_name, pool, url, origin, is_drained, retired FROM registration ORDER BY number")
        return rows.compactMap { row in
            StoredRegistration(row: row, suffixes: suffixes[row[0].integer ?? 0] ?? [])
        }
    }
}

extension StoredGroup {
    init?(row: [Value]) {
        guard let name = row[0].text, let active = row[1].text, let epoch = row[2].bits else { return nil }
        self.init(name: name, active: active, epoch: epoch, rolledBack: row[3].text)
    }
}

extension StoredRegistration {
    init?(row: [Value], suffixes: [String]) {
        guard let number = row[0].integer.flatMap(UInt32.init(exactly:)), let name = row[1].text,
            let group = row[2].text, let pool = row[3].text, let url = row[4].text,
            let origin = row[5].text.flatMap(Origin.init(rawValue:))
        else { return nil }
        self.init(
            number: number, name: name, group: group, pool: pool, url: url, origin: origin, isDrained: row[6].isTrue,
            retired: Timestamp(row[7]), idSuffixes: suffixes)
    }
}

extension TransactionPin {
    init?(row: [Value]) {
        guard let id = row[0].text, let registration = row[1].integer.flatMap(UInt32.init(exactly:)),
            let used = Timestamp(row[2])
        else { return nil }
        self.init(id: id, registration: registration, used: used)
    }
}

extension Tombstone {
    init?(row: [Value]) {
        guard let key = StatementKey(row[0], row[1], row[2]), let kind = row[3].text.flatMap(Kind.init(rawValue:)),
            let attempt = row[4].integer.flatMap(UInt16.init(exactly:)), let queryID = row[5].text,
            let at = Timestamp(row[6])
        else { return nil }
        self.init(key: key, kind: kind, attempt: attempt, queryID: queryID, at: at)
    }
}
