import Model

extension Verb {
    /// The pools of all groups.
    static let pools = Verb(
        name: "pools", section: .look, summary: "The pools: health, share, drain, what is in flight", isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "groups"], as: ListBody<GroupBody>.self)
        guard !arguments.has("--json") else {
            let lines = answer.body.items.flatMap { group in
                group.pools.map { PoolLine(group: group.name, pool: $0) }
            }
            try surroundings.show(body: ListBody(lines))
            return .done
        }
        var table = Table(
            "GROUP", "POOL", "STATE", .number("SHARE"), .number("QUEUED"), .number("RUNNING"), .number("PRESUMED"),
            .number("OPEN TX"), "DRAIN", "VERSIONS")
        for group in answer.body.items {
            for pool in group.pools {
                let health = pool.isHealthy ? "healthy" : "not healthy"
                table.add(
                    .init(group.name), .init(pool.name),
                    .init(pool.isActive ? "active, \(health)" : health, pool.isHealthy ? .good : .bad),
                    .init("\(Int((pool.share * 100).rounded())) %"), .init(pool.inFlight.queued),
                    .init(pool.inFlight.running), .init(pool.inFlight.presumed), .init(pool.openTransactions),
                    .init(pool.drain), .init(pool.versions.joined(separator: ", ")))
            }
        }
        surroundings.show(table)
        for group in answer.body.items {
            for pool in group.pools where !pool.drainsFor.isEmpty {
                surroundings.show("\n\(group.name)/\(pool.name) drains: \(pool.drainsFor.joined(separator: " "))")
            }
        }
        return .done
    }
}

/// A pool with the group it belongs to.
private struct PoolLine: Codable, Equatable, Sendable {
    let group: String
    let pool: PoolBody
}
