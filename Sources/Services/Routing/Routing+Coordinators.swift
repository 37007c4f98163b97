import Engine
import Model

/// What operators do to coordinators, and what probes and loops find out about them.
extension Routing {
    /// Registers a coordinator that no settings name.
    func add(_ request: CoordinatorRequest) async throws(AdminProblem) -> Coordinator {
        guard let url = ServerURL(request.url), url.scheme == .http else {
            throw .malformed("'\(request.url)' is no URL of the form http://HOST:PORT.")
        }
        guard CoordinatorRequest.isName(request.name) else {
            throw .malformed("'\(request.name)' is no name: 1 to 64 letters, digits, '.', '_' or '-'.")
        }
        let wanted = StoredRegistration(
            number: 0, name: request.name, group: request.group, pool: request.pool, url: url.description, origin: .api)
        return try await turns.take { () async throws(AdminProblem) in
            guard let group = traffic.table.group(request.group) else { throw .unknown("group", request.group) }
            guard group.pool(request.pool) != nil else { throw .unknown("pool", request.pool) }
            guard state.withLock({ $0.live(request.name) }) == nil else { throw .taken(request.name) }
            let registered: StoredRegistration
            do throws(StorageProblem) {
                registered = try await register(wanted)
            } catch {
                throw AdminProblem(error, name: request.name)
            }
            publish { _ in }
            log.info("coordinator added", LogField("coordinator", request.name), LogField("url", registered.url))
            return try coordinator(registered.number, named: request.name)
        }
    }

    /// Retires a coordinator: it takes nothing new and answers what carries its tags.
    func remove(_ name: String) async throws(AdminProblem) -> Coordinator {
        let now = clock.now()
        let removed = try await change(name) { $0.retired = now }
        log.info("coordinator removed", LogField("coordinator", name))
        return removed
    }

    /// Sets or takes off an operator's drain mark.
    func drain(_ name: String, _ isDrained: Bool) async throws(AdminProblem) -> Coordinator {
        let drained = try await change(name) { $0.isDrained = isDrained }
        log.info(
            isDrained ? "coordinator drains" : "coordinator takes statements again", LogField("coordinator", name))
        return drained
    }

    private func change(
        _ name: String, _ body: (inout StoredRegistration) -> Void
    ) async throws(AdminProblem) -> Coordinator {
        try await turns.take { () async throws(AdminProblem) in
            guard var registration = state.withLock({ $0.live(name) }) else { throw .unknown("coordinator", name) }
            let before = registration
            body(&registration)
            if registration != before {
                do throws(StorageProblem) {
                    try await storage.update(registration)
                } catch {
                    throw AdminProblem(error, name: name)
                }
                let now = clock.monotonic()
                publish { state in
                    state.put(registration)
                    state.findings[registration.number]?.busy = now
                }
            }
            return try coordinator(registration.number, named: name)
        }
    }

    private func coordinator(_ number: UInt32, named name: String) throws(AdminProblem) -> Coordinator {
        guard let found = traffic.table.coordinator(number) else { throw .unknown("coordinator", name) }
        return found
    }

    // MARK: Findings

    /// What is to be probed, and how: every registration of the table.
    func probeTargets() -> [ProbeTarget] {
        state.withLock { state in
            state.visible.compactMap { registration in
                guard let url = ServerURL(registration.url) else { return nil }
                let pool = state.pool(of: registration)
                return ProbeTarget(
                    registration: registration.number, name: registration.name, url: url, dialect: pool.dialect,
                    settings: pool.probe, address: state.findings[registration.number]?.address)
            }
        }
    }

    /// Takes what a probe brought, and publishes it.
    /// - Parameter address: the address that answered, if one did.
    /// - Returns: whether the coordinator is in doubt now: it fails probes, but not enough of them yet to be down.
    func observe(
        _ registration: UInt32, _ result: ProbeResult, address: CoordinatorAddress?, asked: Timestamp
    ) async -> Bool {
        var change: HealthChange?
        var isInDoubt = false
        let now = clock.monotonic()
        publish { state in
            change = state.findings[registration]?.standing.onProbe(result, asked: asked, now: now)
            if let address { state.findings[registration]?.address = address }
            isInDoubt = state.findings[registration]?.standing.probes.isInDoubt ?? false
        }
        if let change { await report(change, registration) }
        return isInDoubt
    }

    /// Takes the suffix of a query id that a coordinator just gave.
    /// - Returns: whether the coordinator is to be probed now, because it said otherwise before.
    func observe(suffix: String, of registration: UInt32) async -> Bool {
        let now = clock.monotonic()
        let change = state.withLock { $0.findings[registration]?.standing.onSuffix(suffix, now: now) }
        guard let change else { return false }
        if change.suffix != nil { publish { _ in } }
        await report(change, registration)
        return change.isDoubtful
    }

    /// Statements failed there. What does not change the table is not published: a coordinator that fails everything
    /// fails many in a second.
    func observe(_ failures: FailureCount, of registration: UInt32) {
        let inFlight = traffic.inFlight()[registration]?.total ?? 0
        let submitted = traffic.submitted()[registration] ?? 0
        let now = clock.monotonic()
        let isNews = state.withLock { state in
            state.onFailures(failures, of: registration, submitted: submitted, inFlight: inFlight, now: now)
        }
        if isNews { publish { _ in } }
    }

    /// A statement failed there for want of workers.
    func observe(tooFewWorkersOn registration: UInt32) {
        step(registration) { $0.onTooFewWorkers(now: $1) }
    }

    /// A statement that was let through there has left the queue.
    func observe(leftQueueOf registration: UInt32) {
        step(registration) { $0.onLeftQueue(now: $1) }
    }

    private func step(_ registration: UInt32, _ change: (inout Standing, Int64) -> Void) {
        let now = clock.monotonic()
        let isNews = state.withLock { state in state.judge(registration) { change(&$0, now) } }
        if isNews { publish { _ in } }
    }

    /// Lets coordinators back whose time has come.
    func review() {
        let now = clock.monotonic()
        if state.withLock({ $0.review(now: now) }) { publish { _ in } }
    }

    /// A pool ran a statement in its POST: it counts as `starts: post` from now on.
    func observe(startOnPost start: StoredPoolStart) async {
        await turns.take {
            guard !state.withLock({ $0.poolStarts.contains(start) }) else { return }
            publish { $0.poolStarts.append(start) }
            log.warning(
                "pool runs statements in the POST", LogField("group", start.group), LogField("pool", start.pool))
            do throws(StorageProblem) {
                try await storage.note(start)
            } catch {
                log.warning("store did not take how a pool starts statements", LogField("problem", error.text))
            }
        }
    }

    private func report(_ change: HealthChange, _ number: UInt32) async {
        let name = state.withLock { state in state.registrations.first { $0.number == number }?.name } ?? ""
        if change.isRestart { log.warning("coordinator restarted", LogField("coordinator", name)) }
        guard let suffix = change.suffix else { return }
        await turns.take {
            guard var registration = state.withLock({ $0.registrations.first { $0.number == number } }),
                registration.idSuffixes.last != suffix
            else { return }
            registration.idSuffixes.removeAll { $0 == suffix }
            registration.idSuffixes = Array((registration.idSuffixes + [suffix]).suffix(8))
            let changed = registration
            state.withLock { $0.put(changed) }
            do throws(StorageProblem) {
                try await storage.update(changed)
            } catch {
                // Known until the process ends; the next start learns it again from the first probe or id.
                log.debug("id suffix was not stored", LogField("problem", error.text))
            }
        }
    }
}

extension CoordinatorRequest {
    /// Whether a text can name a coordinator.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }
}

extension AdminProblem {
    /// 409: the name is taken.
    static func taken(_ name: String) -> AdminProblem {
        .conflict("There is a coordinator '\(name)' already; remove it first, or choose another name.")
    }

    /// What the store could not do for an operator.
    init(_ problem: StorageProblem, name: String) {
        switch problem {
        case .away, .damaged, .epochMismatch: self = .storeAway(problem.text)
        case .duplicate(let taken): self = .taken(taken)
        case .unknown: self = .unknown("coordinator", name)
        }
    }
}
