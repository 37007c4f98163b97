import Model

extension Verb {
    /// The gateway as a whole.
    static let status = Verb(
        name: "status", section: .look, summary: "The gateway: version, store, groups, warnings", isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "status"], as: StatusBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        let body = answer.body
        let age = Duration(text: body.uptime).map { Shown.span(milliseconds: $0.wholeMilliseconds) } ?? body.uptime
        surroundings.show("penstock \(body.version), \(body.isReady ? "ready" : "not ready"), up \(age)")
        for replica in body.replicas { surroundings.show("front door  \(replica.front) (\(replica.name))") }
        let store = body.store
        surroundings.show(
            "store       \(store.kind), \(store.isWritable ? "writable" : "NOT writable"), "
                + "\(Shown.size(store.bytes)), \(store.location)")
        surroundings.show("in flight   \(Shown.inFlight(body.inFlight))")
        surroundings.show("retries     \(Shown.retries(body.retries))\n")
        var table = Table("GROUP", "ACTIVE", .number("EPOCH"))
        for group in body.groups { table.add(.init(group.name), .init(group.active), .init(group.epoch)) }
        surroundings.show(table)
        if !body.warnings.isEmpty { surroundings.show("") }
        for warning in body.warnings { surroundings.show("warning: \(warning)") }
        return .done
    }
}
