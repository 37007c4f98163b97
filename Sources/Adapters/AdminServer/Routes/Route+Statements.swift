import Engine
import Model

extension Route {
    /// Statements, live and past. `/v1/queries` is another name for them.
    static let statements = [
        Route(
            .get, "/v1/statements", "Statements, newest first", parameters: filters + ListQuery.parameters,
            answer: ListBody<StatementBody>.self
        ) { (call) throws(AdminProblem) in
            let filter = try filter(call)
            let bodies = try await call.api.statements(filter)
            return ListBody(bodies, nextCursor: bodies.count == filter.limit ? bodies.last?.id : nil)
        },
        Route(
            .get, "/v1/statements/{id}", "A statement with its attempts, by the gateway's id or any query id",
            answer: StatementBody.self
        ) { (call) throws(AdminProblem) in
            try await call.api.statement(call.name("id"))
        },
    ]

    private static let filters = [
        Parameter(name: "state", summary: "Only in this state; several, or with commas, add up", repeats: true),
        Parameter(name: "user", summary: "Only this user's"),
        Parameter(name: "source", summary: "Only of this source"),
        Parameter(name: "group", summary: "Only of this group"),
        Parameter(name: "pool", summary: "Only of this pool"),
        Parameter(name: "coordinator", summary: "Only of this coordinator"),
        Parameter(
            name: "class", summary: "Only with a failure of this class; several, or with commas, add up", repeats: true),
        Parameter(
            name: "rule", summary: "Only with a failure that this rule judged; several, or with commas, add up",
            repeats: true),
        Parameter(name: "retried", summary: "`true`: only submitted more than once; `false`: only the others"),
        Parameter(name: "since", summary: "Only submitted then or later, RFC 3339"),
        Parameter(name: "until", summary: "Only submitted before, RFC 3339"),
    ]
}

/// The filter that a query asks for.
private func filter(_ call: Route.Call) throws(AdminProblem) -> StatementFilter {
    var filter = StatementFilter()
    filter.states = try ListQuery.words("state", call)
    filter.classes = try ListQuery.words("class", call)
    filter.rules = ListQuery.texts("rule", call)
    filter.isRetried = try ListQuery.flag("retried", call)
    filter.user = call.value("user")
    filter.source = call.value("source")
    filter.group = call.value("group")
    filter.pool = call.value("pool")
    filter.coordinator = call.value("coordinator")
    filter.since = try ListQuery.moment("since", call)
    filter.until = try ListQuery.moment("until", call)
    filter.limit = try ListQuery.limit(call)
    if let cursor = call.value("cursor") {
        guard (1...128).contains(cursor.utf8.count), cursor.utf8.allSatisfy(isOfAnID) else {
            throw ListQuery.badCursor
        }
        filter.after = cursor
    }
    return filter
}

/// Whether ids of statements have such a character.
private func isOfAnID(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x7A, 0x5F: true
    default: false
    }
}

/// What the queries of lists have in common.
enum ListQuery {
    /// Of every list that may be long.
    static let parameters = [
        Route.Parameter(name: "limit", summary: "At most so many, 1 to 1000; 100 if absent"),
        Route.Parameter(name: "cursor", summary: "The next_cursor of the list that this one goes on from"),
    ]

    static let badCursor = AdminProblem.malformed("'cursor' must be the next_cursor of an earlier answer.")

    static func limit(_ call: Route.Call) throws(AdminProblem) -> Int {
        guard let text = call.value("limit") else { return 100 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw .malformed("'limit' must be a whole number from 1 to 1000.")
        }
        return limit
    }

    static func moment(_ name: String, _ call: Route.Call) throws(AdminProblem) -> Timestamp? {
        guard let text = call.value(name) else { return nil }
        guard let moment = Timestamp(text: text) else {
            throw .malformed("'\(name)' must be an RFC 3339 time such as 2026-01-31T08:30:00Z.")
        }
        return moment
    }

    static func flag(_ name: String, _ call: Route.Call) throws(AdminProblem) -> Bool? {
        guard let text = call.value(name) else { return nil }
        guard let flag = Bool(text) else { throw .malformed("'\(name)' must be true or false.") }
        return flag
    }

    /// All values of a parameter that may be given several times, or with commas.
    static func texts(_ name: String, _ call: Route.Call) -> [String] {
        call.query.filter { $0.name == name }.flatMap { $0.value.split(separator: ",").map(String.init) }
    }

    /// The same where only some words have a meaning.
    static func words<Word: CaseIterable & RawRepresentable<String>>(
        _ name: String, _ call: Route.Call
    ) throws(AdminProblem) -> [Word] {
        var words: [Word] = []
        for text in texts(name, call) {
            guard let word = Word(rawValue: text) else {
                throw unknown(name, text, among: Word.allCases.map(\.rawValue))
            }
            words.append(word)
        }
        return words
    }
}
