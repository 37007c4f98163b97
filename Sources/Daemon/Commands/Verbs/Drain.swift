import Engine
import Model

extension Verb {
    /// Lets a coordinator finish what it has.
    static let drain = Verb(
        name: "drain", section: .act, summary: "Give a coordinator nothing new",
        operands: [Operand(name: "COORDINATOR")], options: Waiting.options, isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let bound = try Waiting.bound(arguments)
        let name = arguments.operands[0]
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.post(["v1", "coordinators", name, "drain"], as: CoordinatorBody.self)
        show(answer, arguments, surroundings)
        guard let bound else { return .done }
        return try await Waiting.wait(bound, surroundings) { () throws(Failure) in
            let now = try await client.get(["v1", "coordinators", name], as: CoordinatorBody.self).body
            guard now.isDrained else {
                throw Failure(code: .refused, message: "\(name) was undrained in between")
            }
            return now.drain == .done ? nil : sentence(now)
        }
    }

    /// Ends a drain.
    static let undrain = Verb(
        name: "undrain", section: .act, summary: "Give a drained coordinator statements again",
        operands: [Operand(name: "COORDINATOR")], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let path = ["v1", "coordinators", arguments.operands[0], "undrain"]
        show(try await client.post(path, as: CoordinatorBody.self), arguments, surroundings)
        return .done
    }
}

private func show(
    _ answer: AdminClient.Answer<CoordinatorBody>, _ arguments: Arguments, _ surroundings: Surroundings
) {
    guard !arguments.has("--json") else { return surroundings.show(json: answer.bytes) }
    surroundings.show(sentence(answer.body))
}

private func sentence(_ body: CoordinatorBody) -> String {
    let left = "\(body.inFlight) in flight, \(body.openTransactions) open transactions"
    switch body.drain {
    case .none: return "\(body.name) takes statements (\(body.health.rawValue)); \(left)"
    case .draining: return "\(body.name) drains; \(left)"
    case .done: return "\(body.name) is drained"
    case .unknown: return "\(body.name) drains; what a crash left there is not known yet"
    }
}
