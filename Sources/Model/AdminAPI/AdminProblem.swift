import Engine

/// Why the admin API did not do what it was asked: an RFC 9457 problem, with the members of interface 3.
public struct AdminProblem: Error, Equatable, Sendable, Codable {
    /// What tells one kind of problem from another; `about:blank` when the status says it all.
    public var type: String
    /// The kind of problem in words; the same for each problem of the type.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened this time, and what to do about it.
    public var detail: String
    /// The guard that refused, if one did.
    public var `guard`: FlipGuard?
    /// Each problem of a settings file that was refused; empty for all other problems.
    public var problems: [SettingsProblemBody]

    /// A problem that its status describes.
    public init(status: Int, title: String, detail: String, problems: [SettingsProblemBody] = []) {
        type = "about:blank"
        self.title = title
        self.status = status
        self.detail = detail
        self.problems = problems
    }

    /// A guard refused: 409, or 422 where the settings did.
    public init(_ guard: FlipGuard, detail: String, problems: [SettingsProblemBody] = []) {
        type = "urn:penstock:\(`guard`.rawValue)"
        title = `guard`.title
        status = `guard` == .needsRestart ? 422 : 409
        self.detail = detail
        self.`guard` = `guard`
        self.problems = problems
    }

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, `guard`, problems
    }

    /// Reads a problem; what a foreign server left out is empty.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        status = try members.decode(Int.self, forKey: .status)
        type = try members.decodeIfPresent(String.self, forKey: .type) ?? "about:blank"
        title = try members.decodeIfPresent(String.self, forKey: .title) ?? ""
        detail = try members.decodeIfPresent(String.self, forKey: .detail) ?? ""
        `guard` = try members.decodeIfPresent(String.self, forKey: .guard).flatMap(FlipGuard.init(rawValue:))
        problems = try members.decodeIfPresent([SettingsProblemBody].self, forKey: .problems) ?? []
    }

    /// Writes a problem; `guard` and `problems` stand only where there are some.
    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(type, forKey: .type)
        try members.encode(title, forKey: .title)
        try members.encode(status, forKey: .status)
        try members.encode(detail, forKey: .detail)
        try members.encodeIfPresent(`guard`, forKey: .guard)
        if !problems.isEmpty { try members.encode(problems, forKey: .problems) }
    }
}

extension AdminProblem {
    /// 404: nothing of that name. `kind` is a word of the vocabulary: group, pool, coordinator, statement, flip.
    public static func unknown(_ kind: String, _ name: String) -> AdminProblem {
        AdminProblem(status: 404, title: "Not Found", detail: "There is no \(kind) '\(name)'.")
    }

    /// 400: the request makes no sense.
    public static func malformed(_ detail: String) -> AdminProblem {
        AdminProblem(status: 400, title: "Bad Request", detail: detail)
    }

    /// 409: what is there already stands in the way.
    public static func conflict(_ detail: String) -> AdminProblem {
        AdminProblem(status: 409, title: "Conflict", detail: detail)
    }

    /// 422: the settings are not valid; nothing of them was applied.
    public static func invalidSettings(_ problems: [SettingsProblemBody]) -> AdminProblem {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return AdminProblem(
            status: 422, title: "Unprocessable Content",
            detail: "The settings have \(count); nothing was changed.", problems: problems)
    }

    /// 503: the store cannot be read or written now, and this needs it.
    public static func storeAway(_ why: String) -> AdminProblem {
        AdminProblem(status: 503, title: "Service Unavailable", detail: "The store cannot be used now: \(why).")
    }
}
