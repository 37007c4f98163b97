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
            registration, kind, submitted, ended, failure, message, dropped_verdicts, dropped_waits, sent, query_id
        FROM statement \(clause)
        """)
    try statement.bind(values)
    var found: [StatementRecord] = []
    while try statement.step() {
        let row = statement.row()
        guard var record = StatementRecord(row: row) else { continue }
        if let sent = Timestamp(row[19]) {
            record.attempts = [AttemptRecord(only: sent, queryID: row[20].text, of: record)]
            record.queryIDs = row[20].text.map { [$0] } ?? []
            found.append(record)
            continue
        }
        let number = row[0]
        record.attempts = try connection.rows(
            """
            SELECT number, pool, coordinator, query_id, failure, message, rule, class, action, gate, started, ended
            FROM attempt WHERE statement = ? ORDER BY number
            """, number
        ).compactMap(AttemptRecord.init(row:))
        record.queryIDs = try connection.rows(
            "SELECT id FROM query_id WHERE statement = ? ORDER BY position", number
        ).compactMap { $0[0].text }
        record.verdicts = try selectVerdicts(connection, of: number)
        record.waits = try selectWaits(connection, of: number)
        found.append(record)
    }
    return found
}

extension StatementFilter {
    /// The most that one list may have.
    private static let maximumLimit = 1000

    /// The filter as a clause and its values; `position` is where the list goes on, by time and row.
    func clause(after position: (submitted: Value, number: Value)?) -> (text: String, values: [Value]) {
        var conditions = Conditions()
        conditions.add("state", isOneOf: states)
        // The index of what is not finished serves only where the statement says so too.
        if !states.isEmpty, !states.contains(.finished) { conditions.add("state <> 'finished'") }
        conditions.add("user", is: user)
        conditions.add("source", is: source)
        conditions.add("group_name", is: group)
        conditions.add("pool", is: pool)
        conditions.add("coordinator", is: coordinator)
        if let isRetried { conditions.add("is_retried = \(isRetried ? 1 : 0)") }
        if !classes.isEmpty || !rules.isEmpty {
            var ofVerdict = Conditions()
            ofVerdict.add("class", isOneOf: classes)
            ofVerdict.add("rule", isOneOf: rules)
            conditions.add("number IN (SELECT statement FROM verdict \(ofVerdict.text))", ofVerdict.values)
        }
        if let since { conditions.add("submitted >= ?", [since.value]) }
        if let until { conditions.add("submitted < ?", [until.value]) }
        if let position { conditions.add("(submitted, number) < (?, ?)", [position.submitted, position.number]) }
        conditions.values.append(Value(min(max(limit, 1), StatementFilter.maximumLimit)))
        return ("\(conditions.text) ORDER BY submitted DESC, number DESC LIMIT ?", conditions.values)
    }
}

/// What a query restricts, with the values for its question marks.
struct Conditions {
    private var all: [String] = []
    /// In the order of the question marks.
    var values: [Value] = []

    /// The clause; empty where nothing is restricted.
    var text: String { all.isEmpty ? "" : "WHERE \(all.joined(separator: " AND "))" }

    mutating func add(_ condition: String, _ more: [Value] = []) {
        all.append(condition)
        values += more
    }

    /// The column must have this value; nil restricts nothing.
    mutating func add(_ column: String, is value: String?) {
        if let value { add("\(column) = ?", [.text(value)]) }
    }

    /// The column must have one of these values; none restrict nothing.
    mutating func add(_ column: String, isOneOf words: [String]) {
        guard !words.isEmpty else { return }
        add("\(column) IN (\(words.map { _ in "?" }.joined(separator: ", ")))", words.map { .text($0) })
    }

    mutating func add(_ column: String, isOneOf words: [some RawRepresentable<String>]) {
        add(column, isOneOf: words.map(\.rawValue))
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
        failure = row[15].text
        message = row[16].text
        droppedVerdicts = Int(row[17].integer ?? 0)
        droppedWaits = Int(row[18].integer ?? 0)
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
