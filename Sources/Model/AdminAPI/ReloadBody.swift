/// What `POST /v1/reload` answers once the settings hold.
public struct ReloadBody: Codable, Equatable, Sendable {
    /// What is different from before.
    public var changed: [ChangeBody]
    /// What the file says and the store overrules: the store keeps what operators did.
    public var differs: [DifferenceBody]

    /// What a reload did.
    public init(changed: [ChangeBody], differs: [DifferenceBody]) {
        self.changed = changed
        self.differs = differs
    }
}

/// A setting that a reload changed.
public struct ChangeBody: Codable, Equatable, Sendable {
    /// The key, as `limits.head_time`.
    public var path: String
    /// What held before, as the file would write it; null if it was not there.
    @OrNull public var from: String?
    /// What holds now; null if it is gone.
    @OrNull public var to: String?

    /// A change.
    public init(path: String, from: String?, to: String?) {
        self.path = path
        self.from = from
        self.to = to
    }
}

/// Something that the file says and the store knows otherwise.
public struct DifferenceBody: Codable, Equatable, Sendable {
    /// What it is about, as `groups[default].active`.
    public var path: String
    /// What the file says; null if it does not speak of it.
    @OrNull public var settings: String?
    /// What the store has, which holds; null if it has nothing.
    @OrNull public var store: String?

    /// A difference.
    public init(path: String, settings: String?, store: String?) {
        self.path = path
        self.settings = settings
        self.store = store
    }
}

/// A problem of a settings file.
public struct SettingsProblemBody: Codable, Equatable, Sendable {
    /// The file, or the override of the command line; null where there is none.
    @OrNull public var file: String?
    /// The key, as `groups[0].pools[1].dialect`; that of a rule as `policy[R01].names`.
    public var path: String
    /// The line in the file, from 1; null where there is none.
    @OrNull public var line: Int?
    /// What is wrong.
    public var message: String
    /// What to write instead.
    @OrNull public var suggestion: String?

    /// A problem.
    public init(file: String? = nil, path: String, line: Int?, message: String, suggestion: String?) {
        self.file = file
        self.path = path
        self.message = message
        self.line = line
        self.suggestion = suggestion
    }
}
