import Engine
import Model

extension Verb {
    /// Statements, live and past.
    static let statements = Verb(
        name: "statements", aliases: ["queries"], section: .look, summary: "Statements, newest first",
        details: "\(ListQuery.timeHelp) States: \(ListQuery.list(StatementState.self)). "
            + "Classes: \(ListQuery.list(FailureClass.self)).",
        options: [
            Option(name: "--state", value: "STATE", help: "Only those in this state; several add up", repeats: true),
            Option(name: "--user", value: "USER", help: "Only this user's"),
            Option(name: "--source", value: "SOURCE", help: "Only those of this source"),
            Option(name: "--group", value: "GROUP", help: "Only those of this group"),
            Option(name: "--pool", value: "POOL", help: "Only those of this pool"),
            Option(name: "--coordinator", value: "NAME", help: "Only those of this coordinator"),
            Option(
                name: "--class", value: "CLASS", help: "Only those with such a failure; several add up", repeats: true),
            Option(
                name: "--rule", value: "RULE", help: "Only those that this rule judged; several add up", repeats: true),
            Option(name: "--retried", value: nil, help: "Only those that were submitted more than once"),
            Option(name: "--since", value: "TIME", help: "Only those submitted then or later"),
            Option(name: "--until", value: "TIME", help: "Only those submitted before"),
            Option(name: "--limit", value: "N", help: "At most so many (100)"),
            Option(name: "--cursor", value: "CURSOR", help: "Go on where an earlier list ended"),
        ], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let query = try statementQuery(arguments, now: surroundings.clock.now())
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "statements"], query: query, as: ListBody<StatementBody>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        var table = Table(
            "STATEMENT", "STATE", "USER", "SOURCE", "POOL", "COORDINATOR", "SUBMITTED", .number("ELAPSED"),
            .number("ATTEMPTS"), "FAILURE")
        let now = surroundings.clock.now()
        for body in answer.body.items {
            let elapsed = (body.ended ?? now).milliseconds - body.submitted.milliseconds
            table.add(
                .init(body.id), .init(body.state), .init(body.user), .init(body.source), .init(body.pool),
                .init(body.coordinator), .init(Shown.moment(body.submitted)), .init(Shown.span(milliseconds: elapsed)),
                .init(body.attempts.count), .init(body.failure ?? body.attempts.last?.failure))
        }
        surroundings.show(table)
        if let cursor = answer.body.nextCursor { surroundings.show("there are more: --cursor \(cursor)") }
        return .done
    }
}

/// The filters as the API has them.
private func statementQuery(
    _ arguments: Arguments, now: Timestamp
) throws(Failure) -> [(name: String, value: String)] {
    var query = try ListQuery.query(arguments)
    try ListQuery.add(words: "state", as: StatementState.self, arguments, to: &query)
    try ListQuery.add(words: "class", as: FailureClass.self, arguments, to: &query)
    ListQuery.add(["rule", "user", "source", "group", "pool", "coordinator"], arguments, to: &query)
    if arguments.has("--retried") { query.append(("retried", "true")) }
    try ListQuery.add(moments: ["since", "until"], arguments, now: now, to: &query)
    return query
}
