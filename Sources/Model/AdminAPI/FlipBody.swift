import Engine

/// What a flip and a rollback answer.
public struct FlipBody: Codable, Equatable, Sendable {
    /// Its number in the flip log; null of a dry run, which leaves no line there.
    @OrNull public var flip: Int64?
    /// The group.
    public var group: String
    /// The pool that is active now.
    public var active: String
    /// The pool that was.
    public var previous: String
    /// The group's epoch now.
    public var epoch: UInt64
    /// The gateways that route by it.
    public var acknowledged: [String]
    /// The gateways that did not answer; their lease has run out.
    public var silent: [String]
    /// Whether this only says what would be.
    public var isDryRun: Bool

    private enum CodingKeys: String, CodingKey {
        case flip, group, active, previous, epoch, acknowledged, silent
        case isDryRun = "dry_run"
    }

    /// What a flip did, or would do.
    public init(
        flip: Int64?, group: String, active: String, previous: String, epoch: UInt64, acknowledged: [String],
        silent: [String] = [], isDryRun: Bool = false
    ) {
        self.group = group
        self.active = active
        self.previous = previous
        self.epoch = epoch
        self.acknowledged = acknowledged
        self.silent = silent
        self.isDryRun = isDryRun
        self.flip = flip
    }
}

/// A line of the flip log.
public struct FlipLine: Codable, Equatable, Sendable {
    /// Its number.
    public var flip: Int64
    /// The group.
    public var group: String
    /// The pool that was active before.
    public var from: String
    /// The pool that is active after it.
    public var to: String
    /// The group's epoch after it.
    public var epoch: UInt64
    /// How the traffic moved.
    public var mode: String
    /// What the operator gave as a reason.
    @OrNull public var reason: String?
    /// Who asked.
    public var by: String
    /// When it was committed.
    public var at: Timestamp
    /// Whether guards were overruled.
    public var isForced: Bool
    /// The flip that this one undoes, if it is a rollback.
    @OrNull public var undoes: Int64?
    /// The gateways that acknowledged it.
    public var acknowledged: [String]
    /// The gateways that did not answer.
    public var silent: [String]

    private enum CodingKeys: String, CodingKey {
        case flip, group, from, to, epoch, mode, reason, by, at
        case isForced = "forced"
        case undoes, acknowledged, silent
    }

    /// A line as the store has it.
    public init(_ record: FlipRecord, acknowledged: [String] = [], silent: [String] = []) {
        flip = record.number
        group = record.group
        from = record.from
        to = record.to
        epoch = record.epoch
        mode = record.mode
        by = record.by
        at = record.at
        isForced = record.forced
        self.acknowledged = acknowledged
        self.silent = silent
        reason = record.reason
        undoes = record.undoes
    }
}

/// The body of `POST /v1/groups/{group}/flip`.
public struct FlipRequest: RequestBody, Equatable {
    /// The pool that is to be active.
    public var to: String
    /// How the traffic moves.
    public var mode: FlipMode
    /// Why, for the log; at most 1,000 characters.
    public var reason: String?
    /// Only if the group has this epoch.
    public var expectEpoch: UInt64?
    /// Also to a pool that is not healthy.
    public var force: Bool
    /// Only say what would be.
    public var dryRun: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case to, mode, reason
        case expectEpoch = "expect_epoch"
        case force
        case dryRun = "dry_run"
    }

    /// Its members.
    public static var members: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// A flip that is asked for.
    public init(
        to: String, mode: FlipMode = .now, reason: String? = nil, expectEpoch: UInt64? = nil, force: Bool = false,
        dryRun: Bool = false
    ) {
        self.to = to
        self.mode = mode
        self.reason = reason
        self.expectEpoch = expectEpoch
        self.force = force
        self.dryRun = dryRun
    }

    /// Reads a request; only `to` has no default.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        to = try members.decode(String.self, forKey: .to)
        mode = try members.decodeIfPresent(FlipMode.self, forKey: .mode) ?? .now
        reason = try members.decodeIfPresent(String.self, forKey: .reason)
        expectEpoch = try members.decodeIfPresent(UInt64.self, forKey: .expectEpoch)
        force = try members.decodeIfPresent(Bool.self, forKey: .force) ?? false
        dryRun = try members.decodeIfPresent(Bool.self, forKey: .dryRun) ?? false
    }
}

/// The body of `POST /v1/groups/{group}/rollback`.
public struct RollbackRequest: RequestBody, Equatable {
    /// Why, for the log; at most 1,000 characters.
    public var reason: String?
    /// Only if the group has this epoch.
    public var expectEpoch: UInt64?
    /// Also to a pool that is not healthy.
    public var force: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case reason
        case expectEpoch = "expect_epoch"
        case force
    }

    /// Its members.
    public static var members: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// A rollback that is asked for.
    public init(reason: String? = nil, expectEpoch: UInt64? = nil, force: Bool = false) {
        self.reason = reason
        self.expectEpoch = expectEpoch
        self.force = force
    }

    /// Reads a request; every member has a default.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        reason = try members.decodeIfPresent(String.self, forKey: .reason)
        expectEpoch = try members.decodeIfPresent(UInt64.self, forKey: .expectEpoch)
        force = try members.decodeIfPresent(Bool.self, forKey: .force) ?? false
    }
}
