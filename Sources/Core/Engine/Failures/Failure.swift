import Wire

/// Where in a statement's life something failed. A failed connect belongs to the step that it was for.
public enum FailureStep: String, CaseIterable, Sendable {
    /// The POST.
    case submit
    /// A GET or HEAD of a page.
    case poll
    /// The DELETE.
    case cancel
}

/// What went wrong on the way, where the status alone does not say it.
public enum FailureEvent: String, CaseIterable, Sendable {
    /// Nobody was reached: refused, no route, no name, no TLS session; nothing was written.
    case refused
    /// The connection was reset after something was written.
    case reset
    /// The answer ended before its end.
    case cut
    /// No answer came in time.
    case noAnswer = "no-answer"
    /// 200 with an empty body.
    case empty
    /// 200 with a body that is not the protocol's JSON.
    case notProtocol = "not-protocol"
    /// 404 of another incarnation than the one that took the statement.
    case forgotten
    /// The coordinator has not answered for so long that it is given up.
    case gone
}

/// The engine's four types of errors.
public enum ErrorType: String, CaseIterable, Sendable {
    /// The statement is at fault.
    case userError = "USER_ERROR"
    /// The engine is.
    case internalError = "INTERNAL_ERROR"
    /// It wanted more than there was.
    case insufficientResources = "INSUFFICIENT_RESOURCES"
    /// What the engine reads from or writes to is at fault.
    case external = "EXTERNAL"
}

/// What went wrong with a statement, as far as it is known.
public struct Failure: Equatable, Sendable {
    /// Where.
    public var step: FailureStep
    /// What happened on the way; nil where the answer came whole.
    public var event: FailureEvent?
    /// The answer's HTTP status; nil where none came, or nobody told.
    public var status: Int?
    /// The engine's name for the error; nil where it sent none.
    public var errorName: String?
    /// The engine's type of the error, as it was sent; nil where it sent none.
    public var errorType: String?
    /// The number. It is kept for the record and never matched: the engines give the same one to different errors.
    public var errorCode: Int?
    /// The error's message, or the body of an answer that is not the protocol's; may be empty.
    public var message: String
    /// The messages of its causes, outermost first.
    public var causes: [String]

    /// Bytes of text that rules look at.
    public static let maximumText = 64 << 10

    /// A failure of these parts; an empty name or type counts as none.
    public init(
        step: FailureStep, event: FailureEvent? = nil, status: Int? = nil, errorName: String? = nil,
        errorType: String? = nil, errorCode: Int? = nil, message: String = "", causes: [String] = []
    ) {
        self.step = step
        self.event = event
        self.status = status
        self.errorName = errorName?.isEmpty == true ? nil : errorName
        self.errorType = errorType?.isEmpty == true ? nil : errorType
        self.errorCode = errorCode
        self.message = message
        self.causes = causes
    }

    /// The failure that a page's error is.
    public init(step: FailureStep, error: QueryError) {
        self.init(
            step: step, errorName: error.name, errorType: error.type, errorCode: error.code, message: error.message,
            causes: error.causes)
    }

    /// What rules look at: the message and the causes' messages, one a line, cut at `maximumText`. Throttling and
    /// time-outs often stand in a cause only.
    public var text: [UInt8] {
        var text = Array(message.utf8.prefix(Self.maximumText))
        for cause in causes where text.count < Self.maximumText {
            text.append(UInt8(ascii: "\n"))
            text += cause.utf8.prefix(Self.maximumText - text.count)
        }
        return text
    }
}
