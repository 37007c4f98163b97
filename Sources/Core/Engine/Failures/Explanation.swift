/// Why a failure is judged as it is.
public struct Explanation: Equatable, Sendable {
    /// A rule that was passed over, and why.
    public struct Skipped: Equatable, Sendable {
        /// The rule.
        public var rule: String
        /// Why it does not judge the failure.
        public var miss: Miss
    }

    /// The verdict; the same as `judge` gives.
    public var judgement: Judgement
    /// The rules before the one that judged, in order; all rules where none did.
    public var skipped: [Skipped]
}

extension Policy {
    /// The verdict on a failure, and why the earlier rules do not give it.
    public func explain(_ failure: Failure) -> Explanation {
        let text = failure.text
        var skipped: [Explanation.Skipped] = []
        var judge: Rule?
        for rule in rules {
            guard let miss = rule.miss(of: failure, in: text.span) else {
                judge = rule
                break
            }
            skipped.append(Explanation.Skipped(rule: rule.id, miss: miss))
        }
        let gaveUp = skipped.filter { $0.miss == .gaveUp }.map(\.rule)
        return Explanation(judgement: Judgement(of: judge, gaveUp: gaveUp), skipped: skipped)
    }
}

extension Miss: CustomStringConvertible {
    /// The reason for people, to be read after the rule's id.
    public var description: String {
        switch self {
        case .step(let step): "holds at step \(step.rawValue) only"
        case .occurrence: "is about another event or status"
        case .type(let type): "is about errorType \(type.rawValue) only"
        case .notType(let type): "is about any errorType but \(type.rawValue)"
        case .name(nil): "is about errors with a name, and this one has none"
        case .name(let name?): "does not name \(name)"
        case .text: "its pattern is not in the message and its causes"
        case .gaveUp: "its pattern reached a limit on this text, which counts as no match"
        case .unnamedUserError: "a USER_ERROR is retried only by a rule that names it"
        }
    }
}
