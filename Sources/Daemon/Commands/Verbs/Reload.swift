import Model

extension Verb {
    /// Reads the settings anew.
    static let reload = Verb(
        name: "reload", section: .act, summary: "Read the settings file anew",
        details: "Applied whole or not at all; statements in flight notice nothing.", isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.post(["v1", "reload"], as: ReloadBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        if answer.body.changed.isEmpty { surroundings.show("nothing changed") }
        for change in answer.body.changed {
            surroundings.show("\(change.path): \(change.from ?? "-") -> \(change.to ?? "-")")
        }
        for difference in answer.body.differs {
            surroundings.show(
                "\(difference.path): the file says \(difference.settings ?? "nothing"), "
                    + "the store has \(difference.store ?? "nothing"), which holds")
        }
        return .done
    }
}
