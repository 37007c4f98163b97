import Engine
import Model

extension Verb {
    /// Makes another pool active.
    static let flip = Verb(
        name: "flip", section: .act, summary: "Make another pool of a group active",
        details: "With --wait, waits until the pool that was active has finished what it has.",
        operands: [Operand(name: "GROUP"), Operand(name: "POOL")],
        options: FlipOptions.all + [
            Option(name: "--dry-run", value: nil, help: "Only say what would be")
        ] + Waiting.options, isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let bound = try Waiting.bound(arguments)
        let (group, pool) = (arguments.operands[0], arguments.operands[1])
        let request = FlipRequest(
            to: pool, reason: arguments.value("--reason"),
            expectEpoch: try arguments.number("--expect-epoch", in: 0...UInt64.max), force: arguments.has("--force"),
            dryRun: arguments.has("--dry-run"))
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.post(["v1", "groups", group, "flip"], request, as: FlipBody.self)
        FlipOptions.show(answer, arguments, surroundings)
        guard let bound, !answer.body.isDryRun else { return .done }
        let previous = answer.body.previous
        return try await Waiting.wait(bound, surroundings) { () throws(Failure) in
            let now = try await client.get(["v1", "groups", group], as: GroupBody.self).body
            guard now.active == pool else {
                throw Failure(code: .refused, message: "\(now.active) became active while \(previous) drained")
            }
            guard let old = now.pools.first(where: { $0.name == previous }), old.drain != .done else { return nil }
            let why = old.drainsFor.isEmpty ? ["its drain is \(old.drain.rawValue)"] : old.drainsFor
            return "\(previous) still has \(Shown.inFlight(old.inFlight)) in flight; \(why.joined(separator: " "))"
        }
    }

    /// Undoes the newest flip.
    static let rollback = Verb(
        name: "rollback", section: .act, summary: "Undo the newest flip of a group",
        operands: [Operand(name: "GROUP")], options: FlipOptions.all, isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let request = RollbackRequest(
            reason: arguments.value("--reason"),
            expectEpoch: try arguments.number("--expect-epoch", in: 0...UInt64.max), force: arguments.has("--force"))
        let client = try AdminClient(arguments, surroundings)
        let path = ["v1", "groups", arguments.operands[0], "rollback"]
        FlipOptions.show(try await client.post(path, request, as: FlipBody.self), arguments, surroundings)
        return .done
    }
}

/// What a flip and a rollback have in common.
private enum FlipOptions {
    static let all = [
        Option(name: "--reason", value: "TEXT", help: "Why, for the flip log"),
        Option(name: "--expect-epoch", value: "N", help: "Only if the group has this epoch"),
        Option(name: "--force", value: nil, help: "Also to a pool that is not healthy"),
    ]

    static func show(_ answer: AdminClient.Answer<FlipBody>, _ arguments: Arguments, _ surroundings: Surroundings) {
        guard !arguments.has("--json") else { return surroundings.show(json: answer.bytes) }
        let body = answer.body
        let verb = body.isDryRun ? "would be" : "is"
        let number = body.flip.map { ", flip \($0)" } ?? ""
        surroundings.show(
            "\(body.group): \(body.active) \(verb) active, \(body.previous) was; epoch \(body.epoch)\(number)")
        if !body.silent.isEmpty {
            surroundings.show("no word from \(body.silent.joined(separator: ", ")): their leases have run out")
        }
    }
}
