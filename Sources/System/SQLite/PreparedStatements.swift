/// Prepared statements by their text, so that what is run again and again is compiled once. A statement in use is
/// not in here, so a nested use of the same text compiles its own.
final class PreparedStatements {
    private var free: [String: Box] = [:]
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    func take(_ sql: String) -> Statement? {
        free.removeValue(forKey: sql)?.take()
    }

    func keep(_ statement: consuming Statement, _ sql: String) {
        if free.count >= limit { free.removeAll() }
        free[sql] = Box(statement)
    }

    func removeAll() {
        free.removeAll()
    }

    /// A dictionary cannot hold what cannot be copied.
    private final class Box {
        private var statement: Statement?

        init(_ statement: consuming Statement) {
            self.statement = consume statement
        }

        func take() -> Statement? {
            statement.take()
        }
    }
}
