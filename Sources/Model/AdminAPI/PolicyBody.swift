import Engine

/// A rule of the failure policy: an entry of `GET /v1/policy/rules`. Its members are the keys of a policy file.
public struct RuleBody: Codable, Equatable, Sendable {
    /// What it is called.
    public var id: String
    /// At which step it holds; null: at each.
    @OrNull public var step: FailureStep?
    /// Of these and of the statuses one must have happened.
    public var event: [FailureEvent]
    /// Numbers, or `other` for any but 200.
    public var status: [RuleStatus]
    /// The engine's names for errors; empty: any name or none.
    public var names: [String]
    /// The type must be this one; null: whatever it is.
    @OrNull public var type: ErrorType?
    /// The type must not be this one.
    @OrNull public var notType: ErrorType?
    /// The regex that the message and its causes must hold.
    @OrNull public var match: String?
    /// How names and regex go together.
    public var when: Rule.Matching
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What to do.
    public var action: RetryAction
    /// How often: a number, or `unbounded`.
    public var retries: RetryCount
    /// After how long; null where nothing is done.
    @OrNull public var wait: WaitProfile?
    /// Whether it acts only where `retries.opt_in` names it.
    public var optIn: Bool
    /// Whether somebody should be told.
    public var alert: Bool

    private enum CodingKeys: String, CodingKey {
        case id, step, event, status, names, type
        case notType = "not_type"
        case match, when
        case failureClass = "class"
        case action, retries, wait
        case optIn = "opt_in"
        case alert
    }

    /// A rule as the policy has it.
    public init(_ rule: Rule) {
        id = rule.id
        event = rule.events
        status = rule.statuses
        names = rule.names
        when = rule.when
        failureClass = rule.failureClass
        action = rule.action
        retries = rule.retries
        optIn = rule.optIn
        alert = rule.alert
        step = rule.step
        type = rule.type
        notType = rule.notType
        match = rule.match?.source
        wait = rule.wait
    }
}

/// The body of `POST /v1/policy/explain`: a failure. What did not come is absent.
public struct ExplainRequest: RequestBody, Equatable {
    /// Where it happened; a poll, if absent.
    public var step: FailureStep
    /// What happened on the way.
    public var event: FailureEvent?
    /// The answer's HTTP status.
    public var status: Int?
    /// The engine's name for the error.
    public var errorName: String?
    /// The engine's type of the error.
    public var errorType: String?
    /// The engine's number, which no rule looks at.
    public var errorCode: Int?
    /// The message; those of its causes may follow, one a line.
    public var message: String?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case step, event, status
        case errorName = "error_name"
        case errorType = "error_type"
        case errorCode = "error_code"
        case message
    }

    /// Its members.
    public static var members: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// A failure at a step, of which nothing else is known yet.
    public init(step: FailureStep = .poll) {
        self.step = step
    }

    /// Reads a failure.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        step = try members.decodeIfPresent(FailureStep.self, forKey: .step) ?? .poll
        event = try members.decodeIfPresent(FailureEvent.self, forKey: .event)
        status = try members.decodeIfPresent(Int.self, forKey: .status)
        errorName = try members.decodeIfPresent(String.self, forKey: .errorName)
        errorType = try members.decodeIfPresent(String.self, forKey: .errorType)
        errorCode = try members.decodeIfPresent(Int.self, forKey: .errorCode)
        message = try members.decodeIfPresent(String.self, forKey: .message)
    }

    /// The failure, as rules are held against it.
    public var failure: Failure {
        Failure(
            step: step, event: event, status: status, errorName: errorName, errorType: errorType,
            errorCode: errorCode, message: message ?? "")
    }
}

/// What `POST /v1/policy/explain` answers: the verdict before any gate that depends on the statement, and why the
/// rules before it do not judge.
public struct ExplainBody: Codable, Equatable, Sendable {
    /// The rule that judges; null: none does.
    @OrNull public var rule: String?
    /// Whose fault it is.
    public var failureClass: FailureClass
    /// What to do.
    public var action: RetryAction
    /// How often: a number, or `unbounded`.
    public var retries: RetryCount
    /// After how long; null where nothing is done.
    @OrNull public var wait: WaitProfile?
    /// Whether somebody should be told.
    public var alert: Bool
    /// What the settings forbid of this already: `opt-in`, `mode-off` or `shadow`; null: nothing.
    @OrNull public var gate: RetryGate?
    /// The rules before it, or all of them, in order.
    public var skipped: [SkippedRuleBody]

    private enum CodingKeys: String, CodingKey {
        case rule
        case failureClass = "class"
        case action, retries, wait, alert, gate, skipped
    }

    /// An explanation under these settings.
    public init(_ explanation: Explanation, _ settings: RetrySettings) {
        let judgement = explanation.judgement
        failureClass = judgement.failureClass
        action = judgement.action
        retries = judgement.retries
        alert = judgement.alert
        skipped = explanation.skipped.map { SkippedRuleBody(rule: $0.rule, why: "\($0.miss)") }
        rule = judgement.rule
        wait = judgement.wait
        gate = settings.gate(closedTo: judgement)
    }
}

/// A rule that was passed over.
public struct SkippedRuleBody: Codable, Equatable, Sendable {
    /// The rule.
    public var rule: String
    /// Why it does not judge the failure, to be read after the rule's id.
    public var why: String

    /// A rule that was passed over.
    public init(rule: String, why: String) {
        self.rule = rule
        self.why = why
    }
}

extension RetrySettings {
    /// The gate that these settings close to a verdict, whatever the statement is.
    fileprivate func gate(closedTo judgement: Judgement) -> RetryGate? {
        if judgement.action == .none { return nil }
        if judgement.optIn, !optIn.contains(judgement.rule ?? "") { return .optIn }
        switch mode {
        case .on: return nil
        case .shadow: return .shadow
        case .off: return .modeOff
        }
    }
}
