import Engine
import Model

extension Verb {
    /// The failure policy.
    static let rules = Verb(
        name: "rules", section: .look, summary: "The failure policy: the first rule that a failure meets judges it",
        details: "'penstock explain' says which one a given failure meets. Waits: "
            + WaitProfile.allCases.map { "\($0.rawValue) (\(Shown.wait($0)))" }.joined(separator: ", ") + ".",
        isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.get(["v1", "policy", "rules"], as: ListBody<RuleBody>.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        var table = Table("RULE", "CLASS", "ACTION", .number("RETRIES"), "WAIT", "NOTE", "JUDGES")
        for rule in answer.body.items {
            let notes = (rule.optIn ? ["opt-in"] : []) + (rule.alert ? ["alert"] : [])
            table.add(
                .init(rule.id), .init(rule.failureClass.rawValue), .init(rule.action.rawValue),
                .init(rule.action == .none ? nil : rule.retries.description), .init(rule.wait?.rawValue),
                .init(notes.joined(separator: ", ")), .init(conditions(of: rule)))
        }
        surroundings.show(table)
        return .done
    }
}

/// What a failure must be for a rule to judge it, in one line.
private func conditions(of rule: RuleBody) -> String {
    var parts: [String] = []
    if let step = rule.step { parts.append("at \(step.rawValue)") }
    let occurrences = rule.event.map(\.rawValue) + rule.status.map { "status \($0)" }
    if !occurrences.isEmpty { parts.append(occurrences.joined(separator: " or ")) }
    if let type = rule.type { parts.append("any \(type.rawValue)") }
    if let type = rule.notType { parts.append("no \(type.rawValue)") }
    var error = rule.names
    if let match = rule.match {
        switch (rule.when, rule.names.isEmpty) {
        case (.nameOrText, _): error.append("or, without a name, /\(match)/")
        case (.nameAndText, false): error.append("with /\(match)/")
        case (.nameAndText, true): error.append("/\(match)/")
        }
    }
    if !error.isEmpty { parts.append(error.joined(separator: " ")) }
    return parts.joined(separator: ", ")
}
