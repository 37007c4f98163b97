/// Why a submission got no page.
public enum SubmissionFailure: Equatable, Sendable {
    /// The connect reached nobody: not a byte was written.
    case refused
    /// The connection was reset, or ended before a whole answer.
    case cut
    /// No answer within `limits.submit_answer`.
    case noAnswer
    /// A status that says "not now": 429, 502, 503, 504.
    case status(Int)
    /// An answer that is no page of the protocol.
    case notProtocol

    /// The word that records use (interface 5), or the status.
    public var word: String {
        switch self {
        case .refused: "refused"
        case .cut: "cut"
        case .noAnswer: "no-answer"
        case .status(let status): "\(status)"
        case .notProtocol: "not-protocol"
        }
    }
}

/// Where a submission goes: to one coordinator after the other until one answers (design 4.2, 4.4; no judge yet).
public struct SubmissionMachine: Equatable, Sendable {
    /// What to do after a failure.
    public enum Step: Equatable, Sendable {
        /// Select another coordinator, without those tried. `isAttempt`: the failed one counts as an attempt.
        case elsewhere(isAttempt: Bool)
        /// The statement ends.
        case end(OwnError)
        /// Relay what the coordinator answered.
        case relay
    }

    /// Whether the pool it goes to runs statements in the POST.
    public private(set) var startsOnPost: Bool
    /// Whether the statement only reads.
    public let reads: Bool
    /// Whether it belongs to an open transaction, which lives on one coordinator.
    public let isBound: Bool
    /// Registrations that were tried.
    public private(set) var tried: [UInt32] = []
    /// Failures so far, for the text of an error.
    public private(set) var failures: [SubmissionFailure] = []

    /// A submission that was sent nowhere yet.
    public init(startsOnPost: Bool, reads: Bool, isBound: Bool) {
        self.startsOnPost = startsOnPost
        self.reads = reads
        self.isBound = isBound
    }

    /// A coordinator was selected; after a flip it may be one of another pool.
    public mutating func onSelected(_ registration: UInt32, startsOnPost: Bool) {
        tried.append(registration)
        self.startsOnPost = startsOnPost
    }

    /// The selected coordinator did not answer with a page.
    public mutating func onFailure(_ failure: SubmissionFailure) -> Step {
        failures.append(failure)
        switch failure {
        case .refused:
            return isBound ? .end(.noCoordinator) : .elsewhere(isAttempt: false)
        case .cut, .noAnswer:
            if startsOnPost { return .end(reads ? .coordinatorLost : .outcomeUnknown) }
            return isBound ? .end(.noCoordinator) : .elsewhere(isAttempt: true)
        case .notProtocol:
            if startsOnPost { return .end(reads ? .coordinatorLost : .outcomeUnknown) }
            return isBound ? .end(.coordinatorLost) : .elsewhere(isAttempt: true)
        case .status:
            if startsOnPost || isBound { return .relay }
            return .elsewhere(isAttempt: true)
        }
    }
}
