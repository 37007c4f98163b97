import Glibc
import SQLite
import Testing

@Suite("A connection to SQLite")
struct ConnectionTests {
    @Test func givesBackWhatWasBoundInEveryStorageClass() throws {
        let connection = try Connection.inMemory()
        let values: [Value] = [
            .null, .integer(.min), .integer(.max), .real(-0.5), .text(""), .text("a\0ü😀"), .blob([]), .blob([0, 255]),
        ]
        for value in values {
            #expect(try connection.rows("SELECT ?", value) == [[value]])
        }
    }

    @Test func tellsNamesAndDeclaredTypesOfColumns() throws {
        let connection = try Connection.inMemory()
        try connection.execute("CREATE TABLE t (id INTEGER, price DECIMAL(10,2))")
        let statement = try connection.prepare("SELECT id, price AS cost, 1 + 1 FROM t WHERE id = ?")
        #expect(
            statement.columns.map { "\($0.name): \($0.declaredType ?? "-")" } == [
                "id: INTEGER", "cost: DECIMAL(10,2)", "1 + 1: -",
            ])
        #expect(statement.parameterCount == 1)
        let isReadOnly = statement.isReadOnly
        #expect(isReadOnly)
        let writes = try connection.prepare("DELETE FROM t").isReadOnly == false
        #expect(writes)
    }

    @Test func stepsThroughRowsAndCanBeRunAgain() throws {
        let connection = try Connection.inMemory()
        let statement = try connection.prepare("SELECT value FROM json_each(?)")
        for expected in [[1, 2, 3], [7]] {
            try statement.bind([.text("\(expected)")])
            var found: [Int64?] = []
            while try statement.step() { found.append(statement.value(0).integer) }
            #expect(found == expected.map(Int64.init))
        }
    }

    @Test func bindsAnewWhatDiffersFromTheLastRow() throws {
        let connection = try Connection.inMemory()
        try connection.execute("CREATE TABLE t (a TEXT, b INTEGER, c TEXT)")
        let rows: [[Value]] = [
            [.text("x"), .integer(1), .null], [.text("x"), .integer(2), .text("ü")], [.null, .integer(2), .text("ü")],
        ]
        try connection.withStatement("INSERT INTO t VALUES (?, ?, ?)") { statement throws(SQLiteError) in
            for row in rows {
                for (index, value) in row.enumerated() { try statement.rebind(value, at: index) }
                while try statement.step() {}
            }
        }
        #expect(try connection.rows("SELECT a, b, c FROM t ORDER BY rowid") == rows)
    }

    @Test func preparesExactlyOneStatement() throws {
        let connection = try Connection.inMemory()
        #expect(try connection.rows("SELECT 1; -- and no more\n") == [[.integer(1)]])
        #expect(throws: SQLiteError.self) { try connection.run("SELECT 1; SELECT 2") }
        #expect(throws: SQLiteError.self) { try connection.run("SELECT 1; nonsense") }
        #expect(throws: SQLiteError.self) { try connection.run("-- nothing") }
    }

    @Test func saysWhereASyntaxErrorLies() throws {
        let connection = try Connection.inMemory()
        let error = try #require(throws: SQLiteError.self) { try connection.run("SELECT 1 FRM t") }
        #expect(error.message.contains("near \"t\""))
        #expect(error.offset == 13)
    }

    @Test func rollsATransactionBackThatThrows() throws {
        let connection = try Connection.inMemory()
        try connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
        #expect(throws: SQLiteError.self) {
            try connection.transaction { () throws(SQLiteError) in
                try connection.run("INSERT INTO t VALUES (1)")
                try connection.run("INSERT INTO t VALUES (1)")
            }
        }
        let isOpen = connection.isInTransaction
        #expect(!isOpen)
        #expect(try connection.rows("SELECT * FROM t") == [])
        try connection.transaction { () throws(SQLiteError) in try connection.run("INSERT INTO t VALUES (5)") }
        let (changes, row) = (connection.changes, connection.lastInsertRowID)
        #expect(changes == 1)
        #expect(row == 5)
    }

    @Test func tellsConstraintFullReadOnlyAndNoDatabaseApart() throws {
        let folder = try TemporaryFolder()
        let connection = try Connection(path: folder.path + "/a.db")
        try connection.execute("CREATE TABLE t (a UNIQUE, b); INSERT INTO t VALUES (1, NULL)")
        #expect(
            try failure { () throws(SQLiteError) in try connection.run("INSERT INTO t VALUES (1, 2)") }.isConstraint)
        try connection.execute("PRAGMA max_page_count = 1")
        let blob = Value.blob([UInt8](repeating: 1, count: 100_000))
        #expect(
            try failure { () throws(SQLiteError) in try connection.run("INSERT INTO t VALUES (2, ?)", blob) }.isFull)

        let reader = try Connection(path: folder.path + "/a.db", access: .read)
        let isReadOnly = reader.isReadOnly
        #expect(isReadOnly)
        #expect(try failure { () throws(SQLiteError) in try reader.run("DELETE FROM t") }.isReadOnly)
        let immutable = try Connection(path: folder.path + "/a.db", access: .immutable)
        #expect(try immutable.rows("SELECT a FROM t") == [[.integer(1)]])

        folder.write("this is not a database, whatever its name may promise", to: "b.db")
        let other = try Connection(path: folder.path + "/b.db")
        #expect(try failure { () throws(SQLiteError) in try other.run("SELECT * FROM sqlite_schema") }.isCorrupt)
        let absent = folder.path + "/none/c.db"
        #expect(try failure { () throws(SQLiteError) in _ = try Connection(path: absent) }.isCannotOpen)
    }

    @Test func waitsNoLongerThanTheBusyTimeout() throws {
        let folder = try TemporaryFolder()
        let first = try Connection(path: folder.path + "/a.db")
        let second = try Connection(path: folder.path + "/a.db")
        second.setBusyTimeout(milliseconds: 1)
        try first.execute("BEGIN IMMEDIATE")
        #expect(try failure { () throws(SQLiteError) in try second.execute("BEGIN IMMEDIATE") }.isBusy)
    }

    @Test func endsAStatementWhenTheProgressCheckSaysSo() throws {
        let connection = try Connection.inMemory()
        var checks = 0
        connection.setProgressCheck(everyInstructions: 1000) {
            checks += 1
            return checks < 10
        }
        #expect(try failure { () throws(SQLiteError) in try connection.run(Self.endless) }.isInterrupted)
        #expect(checks == 10)
        connection.setProgressCheck(everyInstructions: 1000, nil)
        #expect(try connection.rows("SELECT 1") == [[.integer(1)]])
    }

    @Test func interruptsFromAnotherThreadAndDoesNothingAfterTheClose() async throws {
        let (starts, start) = AsyncStream<Void>.makeStream()
        let (handles, handle) = AsyncStream<InterruptHandle>.makeStream()
        async let isInterrupted = {
            let connection = try Connection.inMemory()
            handle.yield(connection.interruptHandle)
            // The statement itself tells that it runs, so that the interrupt meets it.
            try connection.addFunction("tell", arguments: 0, isDeterministic: false) { _ in
                start.yield()
                return .integer(1)
            }
            let sql = "WITH RECURSIVE n(i) AS (SELECT tell() UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
            return try failure { () throws(SQLiteError) in try connection.run(sql) }.isInterrupted
        }()
        var nextHandle = handles.makeAsyncIterator()
        let interrupt = try #require(await nextHandle.next())
        var nextStart = starts.makeAsyncIterator()
        await nextStart.next()
        interrupt.interrupt()
        #expect(try await isInterrupted)
        interrupt.interrupt()
    }

    @Test func callsScalarFunctionsAndShowsTheirErrors() throws {
        struct Refusal: Error, CustomStringConvertible { let description = "refused by the function" }
        let connection = try Connection.inMemory()
        try connection.addFunction("glue", arguments: -1) { arguments in
            .text(arguments.map { $0.text ?? "-" }.joined(separator: "+"))
        }
        try connection.addFunction("refuse", arguments: 1) { _ in throw Refusal() }
        #expect(try connection.rows("SELECT glue('a', 1, 'c')") == [[.text("a+-+c")]])
        let error = try failure { () throws(SQLiteError) in try connection.run("SELECT refuse(1)") }
        #expect(error.message == "refused by the function")
    }

    @Test func attachesNothingOnceItIsDefended() throws {
        let connection = try Connection.inMemory()
        connection.defend()
        #expect(throws: SQLiteError.self) { try connection.run("ATTACH ':memory:' AS other") }
    }

    @Test func keepsAStatementUsableBeyondTheConnection() throws {
        func statement() throws -> Statement {
            let connection = try Connection.inMemory()
            connection.setProgressCheck(everyInstructions: 1) { true }
            return try connection.prepare("SELECT 42")
        }
        let left = try statement()
        #expect(try left.step())
        let row = left.row()
        #expect(row == [.integer(42)])
    }

    private static let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    private func failure(_ body: () throws(SQLiteError) -> Void) throws -> SQLiteError {
        do throws(SQLiteError) { try body() } catch { return error }
        throw SQLiteError(extendedCode: 0, message: "nothing was thrown")
    }
}

/// A folder that goes with its test.
private final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/sqlite-XXXXXX".utf8CString)
        path = try #require(unsafe mkdtemp(&template).map { unsafe String(cString: $0) })
    }

    func write(_ text: String, to name: String) {
        let descriptor = unsafe open(path + "/" + name, O_WRONLY | O_CREAT, 0o600)
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    deinit {
        for name in ["a.db", "b.db"] { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }
}
