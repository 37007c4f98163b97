import Model

extension Verb {
    /// One statement with its attempts.
    static let statement = Verb(
        name: "statement", aliases: ["query"], section: .look, summary: "One statement with its attempts",
        details: "ID is the gateway's, or any query id that an engine gave it.",
        operands: [Operand(name: "ID")], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "statements", arguments.operands[0]], as: StatementBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        let body = answer.body
        let elapsed = (body.ended ?? surroundings.clock.now()).milliseconds - body.submitted.milliseconds
        let lines = [
            ("statement", body.id), ("state", body.state.rawValue), ("user", body.user), ("source", body.source),
            ("group", body.group), ("kind", body.kind?.rawValue ?? "unknown"),
            ("query ids", body.queryIDs.joined(separator: ", ")),
            ("submitted", Shown.moment(body.submitted) ?? ""), ("ended", Shown.moment(body.ended) ?? "-"),
            ("elapsed", Shown.span(milliseconds: elapsed)),
        ]
        for (name, value) in lines {
            surroundings.show(name + String(repeating: " ", count: 12 - name.count) + value)
        }
        surroundings.show("")
        var table = Table(.number("ATTEMPT"), "POOL", "COORDINATOR", "QUERY ID", "STARTED", "ENDED", "FAILURE")
        for attempt in body.attempts {
            table.add(
                .init(attempt.number), .init(attempt.pool), .init(attempt.coordinator), .init(attempt.queryID),
                .init(Shown.moment(attempt.started)), .init(Shown.moment(attempt.ended)), .init(attempt.failure, .bad))
        }
        surroundings.show(table)
        for attempt in body.attempts {
            if let message = attempt.message { surroundings.show("\nattempt \(attempt.number): \(message)") }
        }
        return .done
    }
}
