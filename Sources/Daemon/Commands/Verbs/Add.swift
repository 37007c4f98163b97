import Model

extension Verb {
    /// Registers a coordinator.
    static let add = Verb(
        name: "add", section: .act, summary: "Register a coordinator",
        details: "It takes statements as soon as probes find it ready, and stays registered over restarts.",
        operands: [Operand(name: "COORDINATOR"), Operand(name: "GROUP/POOL"), Operand(name: "URL")], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let place = arguments.operands[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard place.count == 2, !place.contains("") else {
            throw .usage("'\(arguments.operands[1])' is no place such as default/blue")
        }
        let request = CoordinatorRequest(
            name: arguments.operands[0], group: place[0], pool: place[1], url: arguments.operands[2])
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.post(["v1", "coordinators"], request, as: CoordinatorBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        let body = answer.body
        surroundings.show("\(body.name) is registered in \(body.group)/\(body.pool) at \(body.url)")
        return .done
    }

    /// Removes a registration.
    static let remove = Verb(
        name: "remove", section: .act, summary: "Remove a coordinator's registration",
        details: "It takes nothing new and answers for what it has until nothing is in flight there.",
        operands: [Operand(name: "COORDINATOR")], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.delete(["v1", "coordinators", arguments.operands[0]], as: CoordinatorBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        surroundings.show("\(answer.body.name) is removed; \(answer.body.inFlight) still in flight there")
        return .done
    }
}
