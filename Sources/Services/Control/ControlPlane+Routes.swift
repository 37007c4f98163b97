import Engine
import Model

/// The routes of interface 3.
extension ControlPlane: AdminAPI {
    /// Characters of a flip's reason.
    private static let reasonLength = 1000

    /// Whether clients are served.
    public func isReady() async -> Bool { state.withLock { $0.isReady } }

    // MARK: Status

    /// `GET /v1/status`
    public func status() async -> StatusBody {
        let (isReady, front) = state.withLock { ($0.isReady, $0.front) }
        let view = view()
        let condition = await storage.condition()
        let waiting = view.waiting.values.reduce(0, +)
        return StatusBody(
            version: version, started: started.at, uptimeMilliseconds: clock.monotonic() - started.monotonic,
            isReady: isReady, replicas: [ReplicaBody(name: replica, front: front, started: started.at)],
            groups: view.table.groups.map { GroupLine(name: $0.name, active: $0.active, epoch: $0.epoch) },
            inFlight: InFlightBody(view.total, waiting: waiting),
            retries: RetryStateBody(mode: services.routing.settings.retries.mode, traffic.retryState()),
            store: StoreBody(condition),
            warnings: warnings(view.table, condition))
    }

    private func warnings(_ table: RoutingTable, _ store: StorageCondition) -> [String] {
        var warnings: [String] = []
        if !store.isWritable {
            let why = store.problem.map { " (\($0))" } ?? ""
            warnings.append("The store cannot be written\(why): routing goes on, flips are refused.")
        }
        let inMemory = services.attending.unwritten
        if inMemory > 0 {
            warnings.append("\(inMemory) pins and tombstones are in memory only until the store is back.")
        }
        let unwritten = services.history.unwritten
        if unwritten > 0 { warnings.append("\(unwritten) records of statements wait for the store.") }
        let dropped = services.history.dropped
        if dropped > 0 { warnings.append("\(dropped) records of statements were dropped since the start.") }
        if !services.history.isCertain {
            warnings.append(
                "The last run did not end cleanly: what still runs of it may not be counted, so drains say 'unknown' "
                    + "until five minutes after the start.")
        }
        for group in table.groups {
            let active = table.coordinators.filter {
                $0.group == group.name && $0.pool == group.active && !$0.isRetired
            }
            if active.isEmpty {
                warnings.append(
                    "Pool \(group.active), the active one of group \(group.name), has no coordinator: "
                        + "penstock add NAME \(group.name)/\(group.active) http://HOST:PORT.")
            } else if !active.contains(where: \.isReady) {
                warnings.append(
                    "No coordinator of pool \(group.active), the active one of group \(group.name), takes statements.")
            }
            // What an operator drained, and what was not probed yet, needs nobody's eye.
            warnings += active.lazy.filter { !$0.isDrained && $0.health != .ready && $0.health != .unknown }.map {
                "Of pool \(group.active), the active one of group \(group.name), \($0.summary)."
            }
        }
        return warnings + retryWarnings(traffic.retryState()) + services.routing.warnings
    }

    private func retryWarnings(_ state: RetryState) -> [String] {
        var warnings = state.openBreakers.map { rule in
            "The breaker of rule \(rule) is open, because too few of its retries succeeded: its failures are shown to "
                + "clients. See: penstock retries --rule \(rule)."
        }
        if state.budgetLimit > 0, state.budgetLeft <= 0 {
            warnings.append(
                "The retry budget is spent (\(state.budgetLimit) retries in retries.budget.window): what is unavailable "
                    + "waits for its turn, other failures are shown to clients.")
        }
        return warnings
    }

    /// What `GET /metrics` shows.
    public func reading() async -> MetricsReading {
        let view = view()
        var reading = MetricsReading(
            version: version, started: started.at, isReady: await isReady(),
            groups: view.table.groups.map { view.body(of: $0) }, store: await storage.condition())
        reading.counters = await traffic.counters()
        reading.ended = services.history.ended
        reading.retries = services.history.retryCounts
        reading.retryState = traffic.retryState()
        let flips = services.flipping.counts
        reading.flips = flips.committed
        reading.refusedFlips = flips.refused
        reading.droppedRecords = services.history.dropped
        return reading
    }

    // MARK: Groups and flips

    /// `GET /v1/groups`
    public func groups() async -> [GroupBody] {
        let view = view()
        return view.table.groups.map { view.body(of: $0) }
    }

    /// `GET /v1/groups/{group}`
    public func group(_ name: String) async throws(AdminProblem) -> GroupBody {
        let view = view()
        guard let group = view.table.group(name) else { throw .unknown("group", name) }
        return view.body(of: group)
    }

    /// `POST /v1/groups/{group}/flip`
    public func flip(group: String, _ request: FlipRequest, by: String) async throws(AdminProblem) -> FlipBody {
        let order = FlipOrder(
            target: .pool(request.to), expectedEpoch: request.expectEpoch, isForced: request.force)
        let reason = try checked(request.reason)
        return try await services.flipping.flip(group, order, reason: reason, by: by, isDryRun: request.dryRun)
    }

    /// `POST /v1/groups/{group}/rollback`
    public func rollback(group: String, _ request: RollbackRequest, by: String) async throws(AdminProblem) -> FlipBody {
        let order = FlipOrder(target: .back, expectedEpoch: request.expectEpoch, isForced: request.force)
        let reason = try checked(request.reason)
        return try await services.flipping.flip(group, order, reason: reason, by: by, isDryRun: false)
    }

    private func checked(_ reason: String?) throws(AdminProblem) -> String? {
        guard let reason, reason.count > Self.reasonLength else { return reason }
        throw .malformed("A reason has at most \(Self.reasonLength) characters.")
    }

    /// The flip log, newest first.
    public func flips(group: String?, before: Int64?, limit: Int) async throws(AdminProblem) -> [FlipLine] {
        if let group, traffic.table.group(group) == nil { throw .unknown("group", group) }
        do throws(StorageProblem) {
            return try await storage.flips(group: group, before: before, limit: limit).map(line)
        } catch {
            throw .storeAway(error.text)
        }
    }

    /// `GET /v1/flips/{id}`
    public func flip(_ number: Int64) async throws(AdminProblem) -> FlipLine {
        let found: FlipRecord?
        do throws(StorageProblem) {
            found = try await storage.flip(number)
        } catch {
            throw .storeAway(error.text)
        }
        guard let found else { throw .unknown("flip", "\(number)") }
        return line(found)
    }

    /// One gateway over one file: it acknowledged each flip that is in the log.
    private func line(_ record: FlipRecord) -> FlipLine { FlipLine(record, acknowledged: [replica]) }

    // MARK: Coordinators

    /// `GET /v1/coordinators`
    public func coordinators() async -> [CoordinatorBody] { view().coordinators }

    /// `GET /v1/coordinators/{name}`
    public func coordinator(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        guard let found = view().coordinator(name) else { throw .unknown("coordinator", name) }
        return found
    }

    /// `POST /v1/coordinators`
    public func add(_ request: CoordinatorRequest) async throws(AdminProblem) -> CoordinatorBody {
        body(try await services.routing.add(request))
    }

    /// `DELETE /v1/coordinators/{name}`
    public func remove(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        body(try await services.routing.remove(name))
    }

    /// `POST /v1/coordinators/{name}/drain`
    public func drain(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        body(try await services.routing.drain(name, true))
    }

    /// `POST /v1/coordinators/{name}/undrain`
    public func undrain(_ name: String) async throws(AdminProblem) -> CoordinatorBody {
        body(try await services.routing.drain(name, false))
    }

    private func body(_ coordinator: Coordinator) -> CoordinatorBody { view().body(of: coordinator) }

    // MARK: Statements and settings

    /// `GET /v1/statements`
    public func statements(_ filter: StatementFilter) async throws(AdminProblem) -> [StatementBody] {
        do throws(StorageProblem) {
            return try await services.history.statements(filter).map(StatementBody.init)
        } catch {
            if case .unknown = error { throw .malformed("The cursor names no statement: '\(filter.after ?? "")'.") }
            throw .storeAway(error.text)
        }
    }

    /// `GET /v1/statements/{id}`
    public func statement(_ id: String) async throws(AdminProblem) -> StatementBody {
        let found: StatementRecord?
        do throws(StorageProblem) {
            found = try await services.history.statement(id)
        } catch {
            throw .storeAway(error.text)
        }
        guard let found else { throw .unknown("statement", id) }
        return StatementBody(found)
    }

    /// `GET /v1/policy/rules`
    public func rules() async -> [RuleBody] { services.routing.settings.policy.rules.rules.map(RuleBody.init) }

    /// `POST /v1/policy/explain`
    public func explain(_ request: ExplainRequest) async -> ExplainBody {
        let settings = services.routing.settings
        return ExplainBody(settings.policy.rules.explain(request.failure), settings.retries)
    }

    /// `GET /v1/retries`
    public func retries(_ filter: RetryFilter) async throws(AdminProblem) -> ListBody<RetryLine> {
        do throws(StorageProblem) {
            let lines = try await services.history.retries(filter)
            let cursor = lines.count == filter.limit ? lines.last?.position.text : nil
            return ListBody(lines.map(RetryLine.init), nextCursor: cursor)
        } catch {
            throw .storeAway(error.text)
        }
    }

    /// `POST /v1/reload`
    public func reload() async throws(AdminProblem) -> ReloadBody { try await services.reloading.reload() }
}
