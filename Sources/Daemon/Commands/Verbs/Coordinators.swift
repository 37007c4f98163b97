import Engine
import Model

extension Verb {
    /// The registrations.
    static let coordinators = Verb(
        name: "coordinators", section: .look, summary: "The coordinators: health, drain, what is in flight",
        isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "coordinators"], as: ListBody<CoordinatorBody>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        var table = Table(
            "COORDINATOR", "POOL", "URL", "HEALTH", "DRAIN", .number("IN FLIGHT"), .number("OPEN TX"),
            .number("WORKERS"), "VERSION", "WHY")
        for body in answer.body.items {
            table.add(
                .init(body.name + (body.isRetired ? " (retired)" : "")), .init("\(body.group)/\(body.pool)"),
                .init(body.url), .init(body.health), .init(body.drain), .init(body.inFlight),
                .init(body.openTransactions), .init(body.workers.map(String.init)), .init(body.version),
                .init(body.why))
        }
        surroundings.show(table)
        return .done
    }
}

extension CoordinatorBody {
    /// Why it is not ready, and until when.
    fileprivate var why: String? {
        guard let reason else { return nil }
        return Shown.moment(until).map { "\(reason), until \($0)" } ?? reason
    }
}
