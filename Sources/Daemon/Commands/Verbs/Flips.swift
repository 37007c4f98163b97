import Engine
import Model

extension Verb {
    /// The flip log.
    static let flips = Verb(
        name: "flips", section: .look, summary: "The flip log, newest first",
        operands: [Operand(name: "GROUP", isOptional: true)],
        options: [
            Option(name: "--limit", value: "N", help: "At most so many (100)"),
            Option(name: "--cursor", value: "CURSOR", help: "Go on where an earlier list ended"),
        ], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let path = arguments.operand(0).map { ["v1", "groups", $0, "flips"] } ?? ["v1", "flips"]
        let query = try ListQuery.query(arguments)
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(path, query: query, as: ListBody<FlipLine>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        var table = Table(.number("FLIP"), "AT", "GROUP", "FROM", "TO", .number("EPOCH"), "BY", "KIND", "REASON")
        for line in answer.body.items {
            let kind = (line.undoes.map { "undoes \($0)" } ?? "flip") + (line.isForced ? ", forced" : "")
            table.add(
                .init(line.flip), .init(Shown.moment(line.at)), .init(line.group), .init(line.from), .init(line.to),
                .init(line.epoch), .init(line.by), .init(kind), .init(line.reason))
        }
        surroundings.show(table)
        if let cursor = answer.body.nextCursor { surroundings.show("there are more: --cursor \(cursor)") }
        return .done
    }
}
