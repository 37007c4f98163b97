import Patterns

/// One line of the failure policy: which failures it judges, and its verdict on them.
public struct Rule: Equatable, Sendable {
    /// What a rule that is about the way, not about the engine's error, holds for.
    public enum Occurrence: Equatable, Sendable {
        /// This event.
        case event(FailureEvent)
        /// This status of an answer that came whole; an event says more than the status that it came with.
        case status(Int)
        /// Any status but 200 of an answer that came whole.
        case anyStatus
    }

    /// How names and pattern go together.
    public enum Matching: String, CaseIterable, Sendable {
        /// The name decides; the pattern serves only where the engine sent no name.
        case nameOrText = "name-or-text"
        /// Both must hold; what is not given holds.
        case nameAndText = "name-and-text"
    }

    /// What it is called in records, metrics and settings.
    public var id: String
    /// At which step it holds; nil: at all.
    public var step: FailureStep?
    /// One of these must have happened; empty: whatever happened.
    public var occurrences: [Occurrence] = []
    /// The engine's names for errors; empty: any name or none.
    public var names: [String] = []
    /// The type must be this one.
    public var type: ErrorType?
    /// The type must not be this one; a failure without a type holds.
    public var notType: ErrorType?
    /// What the failure's text must hold.
    public var match: Pattern?
    /// How `names` and `match` go together.
    public var when = Matching.nameAndText

    /// The verdict: whose fault it is.
    public var failureClass: FailureClass
    /// What to do.
    public var action: RetryAction
    /// How often.
    public var retries = RetryCount.limited(0)
    /// After how long; nil where nothing is done.
    public var wait: WaitProfile?
    /// Whether it acts only where the settings name it (`retries.opt_in`).
    public var optIn = false
    /// Whether somebody should be told.
    public var alert = false

    /// A rule that judges every failure, until conditions are set.
    public init(id: String, failureClass: FailureClass, action: RetryAction) {
        self.id = id
        self.failureClass = failureClass
        self.action = action
    }

    /// Whether a failure must show something for this rule to judge it. A rule that asks for nothing would judge
    /// failures of which nothing is known, and these meet no rule.
    public var asksForSomething: Bool {
        !occurrences.isEmpty || !names.isEmpty || type != nil || match != nil
    }
}

/// Why a rule does not judge a failure.
public enum Miss: Equatable, Sendable {
    /// It holds at another step.
    case step(FailureStep)
    /// It is about another event or status.
    case occurrence
    /// It is about another type.
    case type(ErrorType)
    /// It is about any type but this.
    case notType(ErrorType)
    /// The failure has this name, or none, and that is not one of its names.
    case name(String?)
    /// Its pattern is not in the text.
    case text
    /// Its pattern reached a limit on this text, which counts as not being there.
    case gaveUp
    /// A text never earns a USER_ERROR a retry: a user can raise any text. Only a rule that names the error may.
    case unnamedUserError
}

extension Rule {
    /// Why this rule does not judge a failure; nil: it does.
    /// - Parameter text: the failure's text.
    func miss(of failure: Failure, in text: Span<UInt8>) -> Miss? {
        if let step, step != failure.step { return .step(step) }
        if !occurrences.isEmpty, !occurrences.contains(where: { $0.covers(failure) }) { return .occurrence }
        if let type, failure.errorType != type.rawValue { return .type(type) }
        if let notType, failure.errorType == notType.rawValue { return .notType(notType) }
        let isNamed = failure.errorName.map(names.contains) ?? false
        if action != .none, failure.errorType == ErrorType.userError.rawValue, !isNamed { return .unnamedUserError }
        switch when {
        case .nameOrText:
            if isNamed { return nil }
            return failure.errorName == nil ? missOfText(in: text) : .name(failure.errorName)
        case .nameAndText:
            return names.isEmpty || isNamed ? missOfText(in: text) : .name(failure.errorName)
        }
    }

    private func missOfText(in text: Span<UInt8>) -> Miss? {
        switch match?.search(text) {
        case .found, nil: nil
        case .absent: .text
        case .gaveUp: .gaveUp
        }
    }
}

extension Rule.Occurrence {
    fileprivate func covers(_ failure: Failure) -> Bool {
        switch self {
        case .event(let event): failure.event == event
        case .status(let status): failure.event == nil && failure.status == status
        case .anyStatus: failure.event == nil && failure.status != nil && failure.status != 200
        }
    }
}
