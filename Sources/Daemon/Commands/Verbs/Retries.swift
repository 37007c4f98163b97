import Engine
import Model

extension Verb {
    /// The retry log.
    static let retries = Verb(
        name: "retries", section: .look, summary: "The retry log: each failure, its verdict, and how it went on",
        details: """
            FAILURE is the engine's name for the error, an HTTP status, or what happened on the way:
            \(legend(FailureEvent.allCases) { Shown.event($0) })

            RULE (moved): nothing had failed, a query left the queue of a coordinator that could take nothing.
            COST is how long the attempt had run, WAIT how long to wait before the next.
            \(ListQuery.timeHelp)

            GATE is what forbade a retry that the rule had asked for:
            \(legend(RetryGate.allCases) { Shown.gate($0) })

            OUTCOME is how it went on: surfaced, the client got the failure; waiting, for another attempt; retried, and not
            over yet; finished; failed. Classes: \(ListQuery.list(FailureClass.self)).
            """,
        options: [
            Option(name: "--since", value: "TIME", help: "Only those judged then or later"),
            Option(name: "--until", value: "TIME", help: "Only those judged before"),
            Option(name: "--class", value: "CLASS", help: "Only those of this class; several add up", repeats: true),
            Option(
                name: "--rule", value: "RULE", help: "Only those that this rule judged; several add up", repeats: true),
            Option(
                name: "--gate", value: "GATE", help: "Only those that this gate stopped; several add up", repeats: true),
            Option(name: "--outcome", value: "WORD", help: "Only those that went on so; several add up", repeats: true),
            Option(name: "--statement", value: "ID", help: "Only those of this statement"),
            Option(name: "--user", value: "USER", help: "Only those of this user's statements"),
            Option(name: "--group", value: "GROUP", help: "Only those of this group"),
            Option(name: "--pool", value: "POOL", help: "Only failures in this pool"),
            Option(name: "--coordinator", value: "NAME", help: "Only failures on this coordinator"),
            Option(name: "--limit", value: "N", help: "At most so many (100)"),
            Option(name: "--cursor", value: "CURSOR", help: "Go on where an earlier list ended"),
        ], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let query = try retryQuery(arguments, now: surroundings.clock.now())
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "retries"], query: query, as: ListBody<RetryLine>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        guard !answer.body.items.isEmpty else {
            surroundings.show(query.isEmpty ? "the retry log is empty" : "nothing in the retry log matches")
            return .done
        }
        var table = Table(
            "AT", "STATEMENT", .number("ATTEMPT"), "COORDINATOR", "FAILURE", "RULE", "CLASS", "ACTION", "GATE",
            .number("WAIT"), .number("COST"), "OUTCOME")
        for line in answer.body.items {
            table.add(
                .init(Shown.moment(line.at)), .init(line.statement), .init(line.attempt), .init(line.coordinator),
                .init(line.failure + (line.times > 1 ? " x\(line.times)" : "")), .init(Shown.rule(line)),
                .init(line.failureClass.rawValue), .init(line.action.rawValue), .init(line.gate?.rawValue),
                .init(line.outcome == .surfaced ? nil : Shown.span(milliseconds: line.waitMilliseconds)),
                .init(Shown.span(milliseconds: line.costMilliseconds)), .init(line.outcome))
        }
        surroundings.show(table)
        if let cursor = answer.body.nextCursor { surroundings.show("there are more: --cursor \(cursor)") }
        return .done
    }
}

/// Words and what they mean, a line each.
private func legend<Word: RawRepresentable<String>>(_ words: [Word], _ meaning: (Word) -> String) -> String {
    let width = words.map(\.rawValue.count).max() ?? 0
    return words.map { word in
        "  \(word.rawValue)\(String(repeating: " ", count: width - word.rawValue.count))  \(meaning(word))"
    }.joined(separator: "\n")
}

/// The filters as the API has them.
private func retryQuery(_ arguments: Arguments, now: Timestamp) throws(Failure) -> ListQuery.Query {
    var query = try ListQuery.query(arguments)
    try ListQuery.add(words: "class", as: FailureClass.self, arguments, to: &query)
    try ListQuery.add(words: "gate", as: RetryGate.self, arguments, to: &query)
    try ListQuery.add(words: "outcome", as: RetryOutcome.self, arguments, to: &query)
    ListQuery.add(["rule", "statement", "user", "group", "pool", "coordinator"], arguments, to: &query)
    try ListQuery.add(moments: ["since", "until"], arguments, now: now, to: &query)
    return query
}
