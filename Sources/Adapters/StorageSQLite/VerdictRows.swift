import Engine
import Model
import SQLite

/// The columns of a verdict, in the order of its initializer.
private let columns = """
    verdict.number, verdict.at, verdict.last, verdict.attempt, verdict.pool, verdict.coordinator, verdict.failure,
    verdict.message, verdict.rule, verdict.class, verdict.action, verdict.gate, verdict.wait, verdict.cost,
    verdict.times, verdict.outcome
    """

/// A statement's verdicts, in order of time.
func selectVerdicts(_ connection: borrowing Connection, of statement: Value) throws(SQLiteError) -> [VerdictRecord] {
    try connection.rows("SELECT \(columns) FROM verdict WHERE statement = ? ORDER BY last, number", statement)
        .compactMap { VerdictRecord(row: $0[...]) }
}

/// A statement's waits, in order of time.
func selectWaits(_ connection: borrowing Connection, of statement: Value) throws(SQLiteError) -> [WaitRecord] {
    try connection.rows("SELECT began, ended, reason FROM wait WHERE statement = ? ORDER BY position", statement)
        .compactMap(WaitRecord.init(row:))
}

/// The lines of the retry log that a filter asks for, newest first.
func selectRetries(_ connection: borrowing Connection, _ filter: RetryFilter) throws(SQLiteError) -> [RetryRecord] {
    let clause = filter.clause
    let statement = try connection.prepare(
        """
        SELECT statement.id, statement.user, statement.group_name, \(columns)
        FROM verdict JOIN statement ON statement.number = verdict.statement \(clause.text)
        """)
    try statement.bind(clause.values)
    var found: [RetryRecord] = []
    while try statement.step() {
        let row = statement.row()
        guard let id = row[0].text, let user = row[1].text, let group = row[2].text,
            let verdict = VerdictRecord(row: row[3...])
        else { continue }
        found.append(RetryRecord(statement: id, user: user, group: group, verdict: verdict))
    }
    return found
}

extension RetryFilter {
    /// The most that one list may have.
    private static let maximumLimit = 1000

    fileprivate var clause: (text: String, values: [Value]) {
        var conditions = Conditions()
        if let since { conditions.add("verdict.at >= ?", [since.value]) }
        if let until { conditions.add("verdict.at < ?", [until.value]) }
        conditions.add("verdict.rule", isOneOf: rules)
        conditions.add("verdict.class", isOneOf: classes)
        conditions.add("verdict.action", isOneOf: actions)
        conditions.add("verdict.gate", isOneOf: gates)
        conditions.add("verdict.outcome", isOneOf: outcomes)
        if let id = statement {
            conditions.add(
                "(statement.id = ? OR statement.number IN (SELECT statement FROM query_id WHERE id = ?))",
                [.text(id), .text(id)])
        }
        conditions.add("statement.user", is: user)
        conditions.add("statement.group_name", is: group)
        conditions.add("verdict.pool", is: pool)
        conditions.add("verdict.coordinator", is: coordinator)
        if let after {
            // The first of the two lets the index find the place.
            conditions.add("verdict.at <= ?", [after.at.value])
            conditions.add(
                "(verdict.at, statement.id, verdict.number) < (?, ?, ?)",
                [after.at.value, .text(after.statement), Value(after.number)])
        }
        conditions.values.append(Value(min(max(limit, 1), RetryFilter.maximumLimit)))
        let order = "ORDER BY verdict.at DESC, statement.id DESC, verdict.number DESC LIMIT ?"
        return ("\(conditions.text) \(order)", conditions.values)
    }
}

extension SQLiteStorage {
    /// Writes a statement's verdicts. They only become more, or others in the middle: none are none yet.
    func save(
        _ verdicts: [VerdictRecord], of statement: Value, _ connection: borrowing Connection
    ) throws(SQLiteError) {
        guard !verdicts.isEmpty else { return }
        try connection.run("DELETE FROM verdict WHERE statement = ?", statement)
        for verdict in verdicts {
            try connection.run(
                "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", statement,
                Value(verdict.number), verdict.at.value, verdict.last.value, Value(verdict.attempt),
                .text(verdict.pool), .text(verdict.coordinator), .text(verdict.failure), Value(verdict.message),
                Value(verdict.rule), .text(verdict.failureClass.rawValue), .text(verdict.action.rawValue),
                Value(verdict.gate?.rawValue), .integer(verdict.wait), .integer(verdict.cost), Value(verdict.times),
                .text(verdict.outcome.rawValue))
        }
    }

    /// Writes a statement's waits, of which the same holds.
    func save(_ waits: [WaitRecord], of statement: Value, _ connection: borrowing Connection) throws(SQLiteError) {
        guard !waits.isEmpty else { return }
        try connection.run("DELETE FROM wait WHERE statement = ?", statement)
        for (position, wait) in waits.enumerated() {
            try connection.run(
                "INSERT INTO wait VALUES (?, ?, ?, ?, ?)", statement, Value(position), wait.began.value,
                Value(wait.ended), .text(wait.reason.rawValue))
        }
    }
}

extension VerdictRecord {
    fileprivate init?(row: ArraySlice<Value>) {
        let row = Array(row)
        guard let number = row[0].integer, let at = Timestamp(row[1]), let last = Timestamp(row[2]),
            let attempt = row[3].integer, let pool = row[4].text, let coordinator = row[5].text,
            let failure = row[6].text, let failureClass = row[9].text.flatMap(FailureClass.init(rawValue:)),
            let action = row[10].text.flatMap(RetryAction.init(rawValue:)), let wait = row[12].integer,
            let cost = row[13].integer, let times = row[14].integer,
            let outcome = row[15].text.flatMap(RetryOutcome.init(rawValue:))
        else { return nil }
        let verdict = Verdict(
            attempt: Int(attempt), failure: failure, message: row[7].text, rule: row[8].text,
            failureClass: failureClass, action: action, gate: row[11].text.flatMap(RetryGate.init(rawValue:)),
            isRetried: outcome != .surfaced, wait: wait, cost: cost)
        self.init(verdict, pool: pool, coordinator: coordinator, at: at)
        self.number = Int(number)
        self.last = last
        self.times = Int(times)
        self.outcome = outcome
    }
}

extension WaitRecord {
    fileprivate init?(row: [Value]) {
        guard let began = Timestamp(row[0]), let reason = row[2].text.flatMap(WaitReason.init(rawValue:)) else {
            return nil
        }
        self.init(began: began, ended: Timestamp(row[1]), reason: reason)
    }
}
