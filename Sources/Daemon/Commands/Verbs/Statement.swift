import Engine
import Model

extension Verb {
    /// One statement with all that befell it.
    static let statement = Verb(
        name: "statement", aliases: ["query"], section: .look, summary: "One statement, and all that befell it",
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
        for (name, value) in overview(body, now: surroundings.clock.now()) {
            surroundings.show(name + String(repeating: " ", count: 12 - name.count) + (value.isEmpty ? "-" : value))
        }
        surroundings.show("")
        for line in Story(body, now: surroundings.clock.now()).lines { surroundings.show(line) }
        if body.droppedVerdicts > 0 || body.droppedWaits > 0 {
            surroundings.show(
                "left out in the middle: \(body.droppedVerdicts) verdicts, \(body.droppedWaits) waits")
        }
        for message in messages(body) { surroundings.show("\n\(message)") }
        return .done
    }
}

/// The statement in short, by names.
private func overview(_ body: StatementBody, now: Timestamp) -> [(name: String, value: String)] {
    let elapsed = (body.ended ?? now).milliseconds - body.submitted.milliseconds
    var lines = [
        ("statement", body.id), ("state", body.state.rawValue), ("user", body.user), ("source", body.source),
        ("group", body.group), ("kind", body.kind?.rawValue ?? "unknown"),
        ("query ids", body.queryIDs.joined(separator: ", ")),
        ("submitted", Shown.moment(body.submitted) ?? ""), ("ended", Shown.moment(body.ended) ?? "-"),
        ("elapsed", Shown.span(milliseconds: elapsed)), ("attempts", "\(body.attempts.count)"),
    ]
    if !body.waits.isEmpty {
        let waited = body.waits.reduce(0) { $0 + ($1.ended ?? now).milliseconds - $1.began.milliseconds }
        lines.append(("waited", Shown.span(milliseconds: waited)))
    }
    return lines
}

/// What the errors said, each once.
private func messages(_ body: StatementBody) -> [String] {
    var told: Set<String> = []
    var messages: [String] = []
    func tell(_ whose: String, _ message: String?) {
        guard let message, !message.isEmpty, told.insert(message).inserted else { return }
        messages.append("\(whose): \(message)")
    }
    for line in body.verdicts { tell("attempt \(line.attempt)", line.message) }
    for attempt in body.attempts { tell("attempt \(attempt.number)", attempt.message) }
    tell("the client got", body.message)
    return messages
}
