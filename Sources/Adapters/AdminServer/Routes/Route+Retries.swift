import Engine
import Model

extension Route {
    /// The retry log.
    static let retries = [
        Route(
            .get, "/v1/retries", "The retry log, newest first: each failure, its verdict, and how it went on",
            parameters: filters + ListQuery.parameters, answer: ListBody<RetryLine>.self
        ) { (call) throws(AdminProblem) in
            try await call.api.retries(try filter(call))
        }
    ]

    private static let filters = [
        Parameter(name: "since", summary: "Only judged then or later, RFC 3339"),
        Parameter(name: "until", summary: "Only judged before, RFC 3339"),
        several("class", "Only of this class"),
        several("rule", "Only judged by this rule"),
        several("gate", "Only stopped by this gate"),
        several("action", "Only where the rule asked for this"),
        several("outcome", "Only those that went on so"),
        Parameter(name: "statement", summary: "Only of this statement, by the gateway's id or any query id"),
        Parameter(name: "user", summary: "Only of this user's statements"),
        Parameter(name: "group", summary: "Only of this group"),
        Parameter(name: "pool", summary: "Only failures in this pool"),
        Parameter(name: "coordinator", summary: "Only failures on this coordinator"),
    ]

    private static func several(_ name: String, _ summary: String) -> Parameter {
        Parameter(name: name, summary: "\(summary); several, or with commas, add up", repeats: true)
    }
}

/// The filter that a query asks for.
private func filter(_ call: Route.Call) throws(AdminProblem) -> RetryFilter {
    var filter = RetryFilter()
    filter.since = try ListQuery.moment("since", call)
    filter.until = try ListQuery.moment("until", call)
    filter.classes = try ListQuery.words("class", call)
    filter.rules = ListQuery.texts("rule", call)
    filter.gates = try ListQuery.words("gate", call)
    filter.actions = try ListQuery.words("action", call)
    filter.outcomes = try ListQuery.words("outcome", call)
    filter.statement = call.value("statement")
    filter.user = call.value("user")
    filter.group = call.value("group")
    filter.pool = call.value("pool")
    filter.coordinator = call.value("coordinator")
    filter.limit = try ListQuery.limit(call)
    if let cursor = call.value("cursor") {
        guard let after = RetryPosition(text: cursor) else { throw ListQuery.badCursor }
        filter.after = after
    }
    return filter
}
