import Engine
import Model
import SQL
import SQLite

/// The statements that a clause selects, with their attempts and ids.
func selectStatements(
    _ connection: borrowing Connection, _ clause: String, _ values: [Value] = []
) throws(SQLiteError) -> [StatementRecord] {
    let statement = try connection.prepare(
        """
        SELECT number, id, owner, owner_random, owner_number, state, user, source, group_name, pool, coordinator,
            registration, kind, submitted, ended
        FROM statement \(clause)
        """)
    try statement.bind(values)
    var found: [StatementRecord] = []
    while try statement.step() {
        guard var record = StatementRecord(row: statement.row()) else { continue }
        let number = statement.value(0)
        record.attempts = try connection.rows(
            """
            SELECT number, pool, coordinator, query_id, failure, message, rule, class, action, gate, started, ended
            FROM attempt WHERE statement = ? ORDER BY number
            """, number
        ).compactMap(AttemptRecord.init(row:))
        record.queryIDs = try connection.rows(
            "SELECT id FROM query_id WHERE statement = ? ORDER BY position", number
        ).compactMap { $0[0].text }
        found.append(record)
    }
    return found
}

extension StatementFilter {
    /// The most that one list may have.
    private static let maximumLimit = 1000

    /// The filter as a clause and its values; `position` is where the list goes on, by time and row.
    func clause(after position: (submitted: Value, number: Value)?) -> (text: String, values: [Value]) {
        var conditions: [String] = []
        var values: [Value] = []
        func add(_ condition: String, _ more: Value...) {
            conditions.append(condition)
            values += more
        }
        if !states.isEmpty {
            conditions.append("state IN (\(states.map { _ in "?" }.joined(separator: ", ")))")
            values += states.map { .text($0.rawValue) }
            // The index of what is not finished serves only where the statement says so too.
            if !states.contains(.finished) { conditions.append("state <> 'finished'") }
        }
        if let user { add("user = ?", .text(user)) }
        if let source { add("source = ?", .text(source)) }
        if let group { add("group_name = ?", .text(group)) }
        if let pool { add("pool = ?", .text(pool)) }
        if let coordinator { add("coordinator = ?", .text(coordinator)) }
        if let since { add("submitted >= ?", since.value) }
        if let until { add("submitted < ?", until.value) }
        if let position { add("(submitted, number) < (?, ?)", position.submitted, position.number) }
        let restriction = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        values.append(Value(min(max(limit, 1), StatementFilter.maximumLimit)))
        return ("\(restriction) ORDER BY submitted DESC, number DESC LIMIT ?", values)
    }
}

extension StatementRecord {
    fileprivate init?(row: [Value]) {
        guard let id = row[1].text, let key = StatementKey(row[2], row[3], row[4]),
            let state = row[5].text.flatMap(StatementState.init(rawValue:)), let submitted = Timestamp(row[13])
        else { return nil }
        self.init(id: id, key: key, submitted: submitted)
        self.state = state
        user = row[6].text ?? ""
        source = row[7].text ?? ""
        group = row[8].text ?? ""
        pool = row[9].text ?? ""
        coordinator = row[10].text ?? ""
        registration = row[11].integer.flatMap(UInt32.init(exactly:)) ?? 0
        kind = row[12].text.flatMap(StatementKind.init(rawValue:))
        ended = Timestamp(row[14])
    }
}

extension AttemptRecord {
    fileprivate init?(row: [Value]) {
        guard let number = row[0].integer, let pool = row[1].text, let coordinator = row[2].text,
            let started = Timestamp(row[10])
        else { return nil }
        self.init(number: Int(number), pool: pool, coordinator: coordinator, started: started)
        queryID = row[3].text
        failure = row[4].text
        message = row[5].text
        rule = row[6].text
        failureClass = row[7].text
        action = row[8].text
        gate = row[9].text
        ended = Timestamp(row[11])
    }
}
