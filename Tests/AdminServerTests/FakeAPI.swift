import Engine
import Model
import Synchronization
import Wire

/// An admin API with one group, one coordinator and one statement, that notes what it was asked to do.
final class FakeAPI: AdminAPI {
    private let state = Mutex((calls: [String](), isReady: true))

    var calls: [String] { state.withLock { $0.calls } }

    func setReady(_ ready: Bool) { state.withLock { $0.isReady = ready } }

    private func note(_ call: String) { state.withLock { $0.calls.append(call) } }

    static let moment = Timestamp(milliseconds: 1_767_225_600_007)

    static let store = StorageCondition(kind: "sqlite", isWritable: true, problem: nil, location: "/s/db", bytes: 4096)

    static var coordinator: CoordinatorBody {
        var coordinator = Coordinator(
            registration: 3, name: "blue-1", group: "default", pool: "blue", url: "http://h:1", authority: "h:1")
        coordinator.health = .ready
        return CoordinatorBody(coordinator, drain: .none, inFlight: 2, openTransactions: 0)
    }

    static var group: GroupBody {
        let pool = PoolBody(
            name: "blue", isActive: true, isHealthy: true, share: 1, dialect: "trino", drain: .none, drainsFor: [],
            inFlight: InFlightBody(queued: 1, running: 1), openTransactions: 0, versions: [],
            coordinators: [coordinator])
        return GroupBody(name: "default", active: "blue", epoch: 7, pools: [pool])
    }

    static func statement(_ id: String) -> StatementBody {
        let key = StatementKey(owner: Owner(counter: 1, random: 2), number: 3)
        var record = StatementRecord(id: id, key: key, submitted: moment)
        record.user = "anna"
        record.attempts = [AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: moment)]
        return StatementBody(record)
    }

    static func flip(_ number: Int64) -> FlipLine {
        FlipLine(
            FlipRecord(
                number: number, group: "default", from: "blue", to: "green", epoch: 8, reason: nil, by: "admin",
                at: moment, forced: false))
    }

    func isReady() async -> Bool { state.withLock { $0.isReady } }

    func status() async -> StatusBody {
        StatusBody(
            version: "1", started: Self.moment, uptimeMilliseconds: 93_500, isReady: true, replicas: [], groups: [],
            inFlight: InFlightBody(), retries: RetryStateBody(mode: .shadow, RetryState()),
            store: StoreBody(Self.store), warnings: [])
    }

    func groups() async -> [GroupBody] { [Self.group] }

    func group(_ name: String) async throws(AdminProblem) -> GroupBody {
        guard name == "default" else { throw .unknown("group", name) }
        return Self.group
    }

    func flip(group: String, _ request: FlipRequest, by: String) async throws(AdminProblem) -> FlipBody {
        note("flip \(group) \(request) \(by)")
        guard request.expectEpoch ?? 7 == 7 else {
            throw AdminProblem(.epochMismatch, detail: "The group has epoch 7.")
        }
        return FlipBody(
            flip: request.dryRun ? nil : 12, group: group, active: request.to, previous: "blue", epoch: 8,
            acknowledged: ["owner-1"], isDryRun: request.dryRun)
    }

    func rollback(group: String, _ request: RollbackRequest, by: String) async throws(AdminProblem) -> FlipBody {
        note("rollback \(group) \(request) \(by)")
        throw AdminProblem(.nothingToRollBack, detail: "The newest flip was a rollback.")
    }

    func flips(group: String?, before: Int64?, limit: Int) async throws(AdminProblem) -> [FlipLine] {
        note("flips \(group ?? "-") \(before ?? -1) \(limit)")
        return (1...3).map(Self.flip).reversed().filter { $0.flip < before ?? .max }.prefix(limit).map { $0 }
    }

    func flip(_ number: Int64) async throws(AdminProblem) -> FlipLine { Self.flip(number) }

    func coordinators() async -> [CoordinatorBody] { [Self.coordinator] }

    func coordinator(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        note("coordinator \(name)")
        guard name == "blue-1" else { throw .unknown("coordinator", name) }
        return Self.coordinator
    }

    func add(_ request: CoordinatorRequest) async throws(AdminProblem) -> CoordinatorBody {
        note("add \(request)")
        guard request.name != "blue-1" else { throw .conflict("There is a coordinator 'blue-1' already.") }
        return Self.coordinator
    }

    func remove(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        note("remove \(name)")
        return Self.coordinator
    }

    func drain(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        note("drain \(name)")
        return Self.coordinator
    }

    func undrain(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        note("undrain \(name)")
        return Self.coordinator
    }

    func statements(_ filter: StatementFilter) async throws(AdminProblem) -> [StatementBody] {
        note("statements \(filter.states.map(\.rawValue)) \(filter.user ?? "-") \(filter.limit) \(filter.after ?? "-")")
        if !filter.rules.isEmpty || filter.isRetried != nil {
            note(
                "retried \(filter.classes.map(\.rawValue)) \(filter.rules) \(filter.isRetried.map(String.init) ?? "-")")
        }
        return ["c", "b", "a"].filter { $0 < filter.after ?? "d" }.prefix(filter.limit).map(Self.statement)
    }

    func statement(_ id: String) async throws(AdminProblem) -> StatementBody { Self.statement(id) }

    static let line: RetryLine = {
        let verdict = Verdict(
            attempt: 1, failure: "CLUSTER_OUT_OF_MEMORY", rule: "R01", failureClass: .resource, action: .other,
            isRetried: true, wait: 4000, cost: 2100)
        let record = VerdictRecord(verdict, pool: "blue", coordinator: "blue-1", at: moment)
        return RetryLine(RetryRecord(statement: "s", user: "anna", group: "default", verdict: record))
    }()

    func retries(_ filter: RetryFilter) async throws(AdminProblem) -> ListBody<RetryLine> {
        let words = [
            filter.classes.map(\.rawValue), filter.rules, filter.gates.map(\.rawValue),
            filter.actions.map(\.rawValue), filter.outcomes.map(\.rawValue),
        ]
        let after = filter.after.map(\.text) ?? "-"
        note("retries \(words) \(filter.statement ?? "-") \(filter.pool ?? "-") \(filter.limit) \(after)")
        return ListBody([Self.line], nextCursor: "1767225600007-s-1")
    }

    static let rule: Rule = {
        var rule = Rule(id: "H03", failureClass: .unavailable, action: .other)
        rule.step = .submit
        rule.occurrences = [.event(.cut), .status(503), .anyStatus]
        rule.retries = .unbounded
        rule.wait = .retryAfterElseShort
        return rule
    }()

    func rules() async -> [RuleBody] { [RuleBody(Self.rule)] }

    func explain(_ request: ExplainRequest) async -> ExplainBody {
        note("explain \(request.failure)")
        return ExplainBody(Policy([Self.rule]).explain(request.failure), RetrySettings())
    }

    func reload() async throws(AdminProblem) -> ReloadBody {
        throw .invalidSettings([
            SettingsProblemBody(
                file: "penstock.yaml", path: "listen.prot", line: 2, message: "unknown key", suggestion: "write `port`")
        ])
    }

    func reading() async -> MetricsReading {
        MetricsReading(version: "1", started: Self.moment, isReady: true, groups: [], store: Self.store)
    }
}
