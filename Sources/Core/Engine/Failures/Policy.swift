/// What the policy says of a failure: the verdict, before any gate.
public struct Judgement: Equatable, Sendable {
    /// The rule that judged; nil: the failure met none.
    public var rule: String?
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What to do.
    public var action: RetryAction
    /// How often.
    public var retries: RetryCount
    /// After how long; nil where nothing is done.
    public var wait: WaitProfile?
    /// Whether the action holds only where the settings name the rule.
    public var optIn: Bool
    /// Whether somebody should be told.
    public var alert: Bool
    /// Rules before it whose pattern reached a limit on this failure's text. They count as not met; who drives this
    /// counts and logs them.
    public var gaveUp: [String]
}

/// The failure policy: rules in order, the first that a failure meets judges it.
///
/// The rules look at the engine's name for an error and at the text, never at its number. A failure that meets none is
/// taken for internal and is not retried.
public struct Policy: Equatable, Sendable {
    /// The rules, in order.
    public let rules: [Rule]

    /// A policy of rules whose ids differ.
    public init(_ rules: [Rule]) {
        self.rules = rules
    }

    /// The verdict on a failure.
    public func judge(_ failure: Failure) -> Judgement {
        let text = failure.text
        var gaveUp: [String] = []
        for rule in rules {
            switch rule.miss(of: failure, in: text.span) {
            case nil: return Judgement(of: rule, gaveUp: gaveUp)
            case .gaveUp: gaveUp.append(rule.id)
            case .step, .occurrence, .type, .notType, .name, .text, .unnamedUserError: continue
            }
        }
        return Judgement(of: nil, gaveUp: gaveUp)
    }
}

extension Judgement {
    init(of rule: Rule?, gaveUp: [String]) {
        self.init(
            rule: rule?.id, failureClass: rule?.failureClass ?? .internal, action: rule?.action ?? .none,
            retries: rule?.retries ?? .limited(0), wait: rule?.wait, optIn: rule?.optIn ?? false,
            alert: rule?.alert ?? false, gaveUp: gaveUp)
    }
}
