import Engine
import Model

extension Verb {
    /// Which rule judges a failure.
    static let explain = Verb(
        name: "explain", section: .look, summary: "Which rule of the policy judges a failure, and why no earlier one",
        details: "Describe the failure as far as it is known; the statement's page or record tells. Events: "
            + FailureEvent.allCases.map(\.rawValue).joined(separator: ", ") + ".",
        options: [
            Option(name: "--step", value: "STEP", help: "submit, poll (if absent) or cancel"),
            Option(name: "--event", value: "EVENT", help: "What happened on the way, where no answer came whole"),
            Option(name: "--error-name", value: "NAME", help: "The engine's name for the error"),
            Option(name: "--error-type", value: "TYPE", help: "The engine's type of the error"),
            Option(name: "--code", value: "N", help: "The engine's number, which no rule looks at"),
            Option(name: "--status", value: "N", help: "The answer's HTTP status"),
            Option(name: "--message", value: "TEXT", help: "The message; those of its causes after it, one a line"),
        ], isClient: true
    ) { (arguments, surroundings) throws(Failure) in
        let request = try failure(arguments)
        let client = try AdminClient(arguments, surroundings)
        let answer = try await client.post(["v1", "policy", "explain"], request, as: ExplainBody.self)
        guard !arguments.has("--json") else {
            surroundings.show(json: answer.bytes)
            return .done
        }
        show(answer.body, surroundings)
        return .done
    }
}

/// The failure that the options describe.
private func failure(_ arguments: Arguments) throws(Failure) -> ExplainRequest {
    guard Verb.explain.options.contains(where: { arguments.has($0.name) }) else {
        throw .usage("say what went wrong: at least one of --error-name, --error-type, --message, --status, --event")
    }
    var request = ExplainRequest(step: try word("--step", FailureStep.self, arguments) ?? .poll)
    request.event = try word("--event", FailureEvent.self, arguments)
    request.errorName = arguments.value("--error-name")
    request.errorType = arguments.value("--error-type")
    request.errorCode = try arguments.number("--code", in: Int.min...Int.max)
    request.status = try arguments.number("--status", in: 100...999)
    request.message = arguments.value("--message")
    return request
}

private func word<Word: RawRepresentable & CaseIterable>(
    _ option: String, _ type: Word.Type, _ arguments: Arguments
) throws(Failure) -> Word? where Word.RawValue == String {
    guard let text = arguments.value(option) else { return nil }
    if let word = Word(rawValue: text) { return word }
    let words = Word.allCases.map(\.rawValue)
    throw .usage(
        "'\(option)' wants one of \(words.joined(separator: ", "))"
            + (nearestName(to: text, among: words).map { "; did you mean '\($0)'?" } ?? ""))
}

private func show(_ body: ExplainBody, _ surroundings: Surroundings) {
    var lines = [
        ("rule", body.rule ?? "none judges it"),
        ("class", "\(body.failureClass.rawValue): \(Shown.fault(body.failureClass))"),
        ("action", "\(body.action.rawValue): \(Shown.action(body.action))"),
    ]
    if body.action != .none { lines.append(("retries", Shown.retries(body.retries))) }
    if let wait = body.wait { lines.append(("wait", "\(wait.rawValue): \(Shown.wait(wait)), at random")) }
    if body.alert { lines.append(("alert", "somebody should look, retried or not")) }
    if let gate = body.gate { lines.append(("gate", "\(gate.rawValue): \(sentence(on: gate, body.rule))")) }
    for (name, text) in lines { surroundings.show(name + String(repeating: " ", count: 10 - name.count) + text) }
    if body.action != .none, body.gate == nil {
        surroundings.show(
            "\nWhether it is done, the gates say: rows that have left, a write that has started, attempts, budget.")
    }
    show(body.skipped, before: body.rule, surroundings)
}

/// Rules that were passed over for the same reason stand together.
private func show(_ skipped: [SkippedRuleBody], before rule: String?, _ surroundings: Surroundings) {
    if skipped.isEmpty { return }
    surroundings.show("\n" + (rule == nil ? "Why no rule judges it:" : "Why no rule before \(rule ?? "") judges it:"))
    var reasons: [(why: String, rules: [String])] = []
    for line in skipped {
        if let index = reasons.firstIndex(where: { $0.why == line.why }) {
            reasons[index].rules.append(line.rule)
        } else {
            reasons.append((line.why, [line.rule]))
        }
    }
    for (why, rules) in reasons {
        surroundings.show("  \(why):")
        for start in stride(from: 0, to: rules.count, by: 16) {
            surroundings.show("    " + rules[start..<min(start + 16, rules.count)].joined(separator: " "))
        }
    }
}

/// What a gate that the settings close means, and what would open it.
private func sentence(on gate: RetryGate, _ rule: String?) -> String {
    switch gate {
    case .optIn: "not done: this rule acts only where retries.opt_in names it, and it does not name \(rule ?? "it")"
    case .modeOff: "not done: retries.mode is off"
    case .shadow: "not done, only recorded: retries.mode is shadow"
    case .rowsLeft, .columnsDiffer, .started, .transaction, .sessionHeader, .chained, .notDead, .attempts, .elapsed,
        .budget, .breaker, .noTarget, .noCapsule, .tombstonesFull:
        "not done"
    }
}
