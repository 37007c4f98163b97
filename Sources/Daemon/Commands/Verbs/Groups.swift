import Engine
import Model

extension Verb {
    /// The groups.
    static let groups = Verb(
        name: "groups", section: .look, summary: "The groups: active pool, epoch, what is in flight", isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "groups"], as: ListBody<GroupBody>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        var table = Table("GROUP", "ACTIVE", .number("EPOCH"), "POOLS", .number("IN FLIGHT"), "DRAINING")
        for group in answer.body.items {
            let draining = group.pools.filter { $0.drain == .draining || $0.drain == .unknown }.map(\.name)
            table.add(
                .init(group.name), .init(group.active), .init(group.epoch),
                .init(group.pools.map(\.name).joined(separator: ", ")),
                .init(group.pools.map(\.inFlight.total).reduce(0, +)),
                .init(draining.joined(separator: ", "), .attention))
        }
        surroundings.show(table)
        return .done
    }
}
