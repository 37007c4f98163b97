/// A failed query, as Trino describes it. A value: failing is one of a statement's ends.
struct QueryFailure: Error, Equatable, Sendable {
    /// Where in the statement's text the fault lies, both from 1.
    struct Location: Equatable, Sendable {
        let line: Int
        let column: Int
    }

    /// What a failure was caused by.
    struct Cause: Equatable, Sendable {
        /// The Java class.
        let exception: String
        /// Its message; may be empty.
        let message: String
    }

    let name: String
    let type: String
    let code: Int
    let message: String
    let location: Location?
    /// The Java class that `failureInfo` names.
    let exception: String
    /// What it was caused by, outermost first.
    let causes: [Cause]

    init(
        _ name: String, _ type: String, _ code: Int, _ message: String, at location: Location? = nil,
        exception: String = "io.trino.spi.TrinoException", causes: [Cause] = []
    ) {
        self.name = name
        self.type = type
        self.code = code
        self.message = location.map { "line \($0.line):\($0.column): \(message)" } ?? message
        self.location = location
        self.exception = exception
        self.causes = causes
    }

    /// A fault of the user: most are.
    static func user(
        _ name: String, _ code: Int, _ message: String, at location: Location? = nil
    ) -> QueryFailure {
        QueryFailure(name, "USER_ERROR", code, message, at: location)
    }

    static func syntax(_ message: String, at location: Location?) -> QueryFailure {
        QueryFailure(
            "SYNTAX_ERROR", "USER_ERROR", 1, message, at: location ?? Location(line: 1, column: 1),
            exception: "io.trino.sql.parser.ParsingException",
            causes: [Cause(exception: "org.antlr.v4.runtime.InputMismatchException", message: "")])
    }

    static func notSupported(_ message: String, at location: Location? = nil) -> QueryFailure {
        user("NOT_SUPPORTED", 13, message, at: location)
    }

    static let divisionByZero = QueryFailure(
        "DIVISION_BY_ZERO", "USER_ERROR", 8, "Division by zero",
        causes: [Cause(exception: "java.lang.ArithmeticException", message: "/ by zero")])
    static let canceled = user("USER_CANCELED", 3, "Query was canceled")
    static let startingUp = QueryFailure(
        "SERVER_STARTING_UP", "INTERNAL_ERROR", 65_548, "Trino server is still initializing")
    static let noTransaction = user("NOT_IN_TRANSACTION", 21, "No transaction in progress")
    static let abortedTransaction = user(
        "TRANSACTION_ALREADY_ABORTED", 22,
        "Current transaction is aborted, commands ignored until end of transaction block")
    static let incompatibleClient = user("INCOMPATIBLE_CLIENT", 27, "Client does not support transactions")

    static func unknownTransaction(_ id: String) -> QueryFailure {
        QueryFailure(
            "UNKNOWN_TRANSACTION", "USER_ERROR", 20,
            "Unknown transaction ID: \(id). Possibly expired? Commands ignored until end of transaction block",
            exception: "io.trino.NotInTransactionException")
    }

    static func noWorkers(after waited: String) -> QueryFailure {
        QueryFailure(
            "GENERIC_INSUFFICIENT_RESOURCES", "INSUFFICIENT_RESOURCES", 131_072,
            "Insufficient active worker nodes. Waited \(waited) for at least 1 workers, but only 0 workers are active")
    }

    static func abandoned(id: String, since: String, now: String) -> QueryFailure {
        user(
            "ABANDONED_QUERY", 2,
            "Query \(id) was abandoned by the client, as it may have exited or stopped checking for query results. "
                + "Query results have not been accessed since \(since): currentTime \(now)")
    }

    /// Appends the members of an `error` object's value, failureInfo included.
    func write(to bytes: inout [UInt8]) {
        bytes.append(ascii: "{")
        bytes.append(member: "message", message)
        bytes.append(member: "errorCode", code)
        bytes.append(member: "errorName", name)
        bytes.append(member: "errorType", type)
        writeLocation(to: &bytes)
        bytes.append(member: "failureInfo")
        bytes.append(ascii: "{")
        bytes.append(member: "type", exception)
        bytes.append(member: "message", message)
        writeCauses(to: &bytes)
        bytes.append(member: "suppressed")
        bytes.append(ascii: "[]")
        bytes.append(member: "stack")
        bytes.append(ascii: "[")
        for (offset, frame) in Self.stack.enumerated() {
            if offset > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(json: frame)
        }
        bytes.append(ascii: "]")
        bytes.append(member: "errorInfo")
        bytes.append(ascii: "{")
        bytes.append(member: "code", code)
        bytes.append(member: "name", name)
        bytes.append(member: "type", type)
        bytes.append(ascii: "}")
        writeLocation(to: &bytes)
        bytes.append(ascii: "}}")
    }

    /// Appends the causes, each inside the one before.
    private func writeCauses(to bytes: inout [UInt8]) {
        for cause in causes {
            bytes.append(member: "cause")
            bytes.append(ascii: "{")
            bytes.append(member: "type", cause.exception)
            if !cause.message.isEmpty { bytes.append(member: "message", cause.message) }
        }
        for _ in causes {
            bytes.append(member: "suppressed")
            bytes.append(ascii: "[]")
            bytes.append(member: "stack")
            bytes.append(ascii: "[]}")
        }
    }

    private func writeLocation(to bytes: inout [UInt8]) {
        guard let location else { return }
        bytes.append(member: "errorLocation")
        bytes.append(ascii: "{")
        bytes.append(member: "lineNumber", location.line)
        bytes.append(member: "columnNumber", location.column)
        bytes.append(ascii: "}")
    }

    /// Engines always send a stack. This one has none, and says so in the form that clients read.
    private static let stack = [
        "penstock.coordinator.Statement.run(Statement.swift)", "penstock.coordinator.Server.answer(Server.swift)",
    ]
}
