import Engine

extension Rule {
    /// The rule as a policy file has it, in one line; its id and what it leaves out are left out.
    public var text: String {
        var members: [String] = []
        func add(_ key: String, _ value: String?) {
            if let value { members.append("\(key): \(value)") }
        }
        func list(_ items: [String]) -> String? { items.isEmpty ? nil : "[\(items.joined(separator: ", "))]" }
        add("step", step?.rawValue)
        add("event", list(events.map(\.rawValue)))
        add("status", list(statuses.map(\.description)))
        add("names", list(names))
        add("type", type?.rawValue)
        add("not_type", notType?.rawValue)
        add("match", match.map { "'\($0.source.replacing("'", with: "''"))'" })
        add("when", when == .nameAndText ? nil : when.rawValue)
        add("class", failureClass.rawValue)
        add("action", action.rawValue)
        add("retries", action == .none ? nil : retries.description)
        add("wait", wait.map { $0 == .retryAfterElseShort ? "\"\($0.rawValue)\"" : $0.rawValue })
        add("opt_in", optIn ? "true" : nil)
        add("alert", alert ? "true" : nil)
        return "{ \(members.joined(separator: ", ")) }"
    }

    /// The events among what must have happened.
    public var events: [FailureEvent] {
        occurrences.compactMap { occurrence in
            switch occurrence {
            case .event(let event): event
            case .status, .anyStatus: nil
            }
        }
    }

    /// The statuses among what must have happened.
    public var statuses: [RuleStatus] {
        occurrences.compactMap { occurrence in
            switch occurrence {
            case .event: nil
            case .status(let status): .number(status)
            case .anyStatus: .other
            }
        }
    }
}

/// An HTTP status that a rule is about, as a policy file has it: a number, or `other` for any but 200.
public enum RuleStatus: Equatable, Sendable, CustomStringConvertible {
    /// This one.
    case number(Int)
    /// Any but 200.
    case other

    /// The number, or the word.
    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .other: "other"
        }
    }
}
