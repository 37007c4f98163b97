import Wire

@testable import Engine

/// What the gateway does with requests: as the relay does it, but for bytes, sockets and threads.
extension World {
    // MARK: Probes and time

    /// The prober looks at every coordinator; polls of those that can take nothing may move.
    func probe() {
        for (index, coordinator) in coordinators.enumerated() {
            var known = table.coordinators[index]
            let wasReady = known.health == .ready
            if coordinator.isAlive, !coordinator.isFrozen {
                known.checked = Timestamp(milliseconds: now)
                if known.incarnation != coordinator.process {
                    known.incarnation = coordinator.process
                    known.startedAfter = Timestamp(milliseconds: coordinator.started)
                }
            }
            known.health = coordinator.health
            if wasReady, known.health != .ready { episodes[index] += 1 }
            table.coordinators[index] = known
        }
        for exchange in exchanges { moves(exchange.number) }
    }

    func tick() {
        guard let cell else { return }
        let look = cell.look(abandoned: 300_000, remembered: 900_000, now: now)
        var later = cell.machine
        if look.due > now, later.onTick(abandoned: 300_000, remembered: 900_000, now: look.due - 1) != .none {
            referee.wrong("time did something to the statement before it was due")
        }
        switch look.tick {
        case .none, .remembered: break
        case .abandoned(let started):
            say("the statement is abandoned\(started ? " while it ran" : "")")
            referee.wasAbandoned = true
        case .forget:
            self.cell = nil
            referee.isForgotten = true
        }
    }

    func flip(isRolledBack: Bool) {
        let old = table.groups[0].active
        table.groups[0].active = old == "blue" ? "green" : "blue"
        table.groups[0].epoch += 1
        for index in 0..<2 { table.groups[0].pools[index].isRolledBack = false }
        table.groups[0].pools[old == "blue" ? 0 : 1].isRolledBack = isRolledBack
    }

    /// The process is gone, and another begins with what the store has.
    func restart() {
        owner += 1
        exchanges = []
        client.isCutOff()
        referee.restarted()
        cell = nil
        waiting = WaitingCount()
        capsules = ByteBudget()
        budget = RetryBudget()
        breaker = RetryBreaker()
        for coordinator in coordinators { loads[coordinator.registration] = CoordinatorLoad() }
        let placement = Placement(Place(group: "default"), submitted: Timestamp(milliseconds: 0))
        if store.isCanceled {
            cell = Cell(key: key(1), machine: StatementMachine(canceledAt: now), placement: placement)
        } else if let attempt = store.supersededAttempt {
            let machine = StatementMachine(
                presumedAttempt: attempt + 1, reads: false, startsOnPost: false, now: now)
            cell = Cell(key: key(1), machine: machine, placement: placement)
            _ = cell?.presumptionEnded()
        }
    }

    func key(_ owner: UInt32) -> StatementKey {
        StatementKey(owner: Owner(counter: owner, random: 0), number: 1)
    }

    // MARK: Polls

    /// A GET of a URI that was handed out arrives.
    func dispatch(_ uri: ClientURI, hold: Hold) -> Int {
        exchangeCount += 1
        let number = exchangeCount
        let isOwn = uri.owner == owner
        if uri.registration > 0, cell == nil, !isOwn { adopt(uri) }
        var exchange = ModelExchange(number: number, uri: uri, stage: .waiting, cell: cell)
        exchange.attempt = uri.attempt
        exchange.registration = uri.registration
        exchanges.append(exchange)
        if uri.registration == 0 {
            if let cell, isOwn || cell.machine.wasEndedHere {
                cell.waitPoll(now: now)
            } else if isOwn {
                reply(number, last: .status(404, query: nil))
            } else {
                reply(number, last: .own(store.isSubmitted ? .outcomeUnknown : .ownerLost))
            }
        } else {
            relay(number, uri)
        }
        run(number, hold: hold)
        return number
    }

    /// A statement of a gateway that is gone lives on here.
    func adopt(_ uri: ClientURI) {
        guard now - uri.made <= 14 * 60_000 else { return }
        let coordinator = coordinators[Int(uri.registration) - 1]
        let placement = Placement(place(coordinator), submitted: Timestamp(milliseconds: uri.made))
        let machine = StatementMachine(
            presumedAttempt: uri.attempt, reads: scenario.reads && scenario.isKindStored,
            startsOnPost: coordinator.startsOnPost, now: now)
        cell = Cell(key: key(uri.owner), machine: machine, placement: placement)
    }

    private func relay(_ number: Int, _ uri: ClientURI) {
        guard let cell else { return passOn(number, uri) }
        switch cell.poll(attempt: uri.attempt, sequence: uri.sequence, now: now) {
        case .relay(let isAdopted):
            if isAdopted { say("the statement is adopted") }
            change(number) {
                $0.isPoll = true
                $0.stage = .request(.get(query: uri.query, token: uri.token))
            }
            moves(number)
        case .rest(_, let sequence):
            var same = uri
            same.sequence = sequence
            same.owner = owner
            same.made = now
            reply(number, same, nil)
        case .superseded: answerCurrent(number)
        case .own(let error): reply(number, last: .own(error))
        case .kept: answerKept(number)
        case .notFound: reply(number, last: .status(404, query: nil))
        }
    }

    /// A tag without a cell: it is relayed, neither judged nor recorded.
    private func passOn(_ number: Int, _ uri: ClientURI) {
        referee.isForgotten = true
        guard now - uri.made <= 14 * 60_000 else { return reply(number, last: .status(404, query: nil)) }
        let request = ModelRequest.get(query: uri.query, token: uri.token)
        let answer = coordinators[Int(uri.registration) - 1].receive(request, script: scenario.script, now: now)
        var next = uri
        next.sequence += 1
        next.token += 1
        next.made = now
        switch answer {
        case .page(let page) where page.hasNext: reply(number, next, page)
        case .page(let page): reply(number, last: outcome(of: .page(page), uri))
        case .status(let status) where status < 500 && status != 429 && status != 401:
            reply(number, last: .status(status, query: uri.query))
        case .status, .event, .deleted, nil: reply(number, uri, nil)
        }
    }

    // MARK: Submissions

    /// The pool that the client named.
    var fixedPool: String? { scenario.isPoolFixed ? "blue" : nil }

    /// Where the statement could go now.
    func resolve(_ target: RetryTarget) -> Int? {
        rotation += 1
        return table.resolve(
            target, group: "default", fixedPool: fixedPool, rotation: rotation, now: now,
            inFlight: { loads[table.coordinators[$0].registration]?.total ?? 0 },
            queued: { loads[table.coordinators[$0].registration]?.parts.queued ?? 0 })
    }

    private func place(_ coordinator: ModelCoordinator) -> Place {
        Place(
            group: "default", pool: coordinator.pool, coordinator: coordinator.name,
            registration: coordinator.registration, load: loads[coordinator.registration])
    }

    /// Sends the statement's current attempt.
    func send(_ number: Int, to index: Int) {
        guard let cell = exchange(number)?.cell else { return }
        let coordinator = coordinators[index]
        var placement = Placement(place(coordinator), submitted: cell.placement.submitted)
        placement.incarnation = table.coordinators[index].incarnation
        guard let attempt = cell.submit(placement: placement, startsOnPost: coordinator.startsOnPost, now: now) else {
            return answerCurrent(number)
        }
        queryCount += 1
        let query = queryCount
        say("attempt \(attempt) is sent to \(coordinator.name) as query \(query)")
        referee.posted(attempt, at: now)
        change(number) {
            $0.attempt = attempt
            $0.registration = coordinator.registration
            $0.isSubmitting = true
            $0.stage = .request(.post(query: query, attempt: attempt))
        }
    }

    /// Looks whether the statement's turn has come.
    func attend(_ number: Int) {
        guard let cell = exchange(number)?.cell else { return reply(number, last: .status(404, query: nil)) }
        let step = cell.attend(
            terms: terms, now: now, isReachable: { resolve($0) != nil }, release: { budget.release(terms, now: now) })
        switch step {
        case .wait: answerWaitPage(number)
        case .submit(let target): takeTurn(number, target)
        case .current: answerCurrent(number)
        case .own(let error, let isNew):
            if isNew { referee.ended(error, in: self) }
            reply(number, last: .own(error))
        case .kept(let isNew):
            if isNew { referee.ended(.noCoordinator, in: self) }
            answerKept(number)
        case .notFound: reply(number, last: .status(404, query: nil))
        }
    }

    private func takeTurn(_ number: Int, _ target: RetryTarget) {
        guard let cell = exchange(number)?.cell, cell.capsule != nil else {
            return referee.wrong("a turn without a capsule")
        }
        guard let index = resolve(target) else { return giveBack(number, target, .noCoordinator) }
        if cell.machine.reads { return send(number, to: index) }
        change(number) { $0.stage = .storing(target, index: index) }
    }

    /// What must not be forgotten is stored before the POST of what may write.
    func stored(_ number: Int, _ target: RetryTarget, index: Int) {
        guard let cell = exchange(number)?.cell else { return }
        if store.isAway { return giveBack(number, target, .store) }
        let attempt = cell.machine.attempt
        if attempt > 1 { store.supersededAttempt = attempt - 1 }
        if coordinators[index].startsOnPost { store.isSubmitted = true }
        send(number, to: index)
    }

    private func giveBack(_ number: Int, _ target: RetryTarget, _ reason: WaitReason) {
        exchange(number)?.cell?.returnTurn(target, reason: reason, delay: reason == .store ? 1000 : 0, now: now)
        answerWaitPage(number)
    }

    // MARK: Answers of the gateway's own

    func answerWaitPage(_ number: Int) {
        guard let cell = exchange(number)?.cell else { return }
        let attempt = cell.machine.attempt
        reply(
            number,
            ClientURI(owner: owner, registration: 0, attempt: attempt, sequence: cell.nextSequence(), made: now),
            nil)
    }

    /// A poll of what is superseded, or of a statement that somebody else submits.
    func answerCurrent(_ number: Int) {
        guard let cell = exchange(number)?.cell else { return reply(number, last: .status(404, query: nil)) }
        switch cell.machine.phase {
        case .waiting, .submitting: answerWaitPage(number)
        case .ended(let error): reply(number, last: .own(error))
        case .surfaced: answerKept(number)
        case .abandoned: reply(number, last: .status(404, query: nil))
        case .open, .relayed, .presumed:
            guard let newest = cell.newest else { return answerNothingNewer(number, cell) }
            let place = place(newest.path)
            reply(
                number,
                ClientURI(
                    owner: owner, registration: cell.placement.registration, attempt: newest.attempt,
                    sequence: newest.sequence, query: place.query, token: place.token, made: now), nil)
        }
    }

    /// There is no newest URI to go on with.
    private func answerNothingNewer(_ number: Int, _ cell: Cell) {
        guard cell.key.owner.counter == owner else { return reply(number, last: .own(.ownerLost)) }
        // The page that has it is about to leave.
        if cell.machine.phase == .open { return answerWaitPage(number) }
        if cell.kept != nil { return answerKept(number) }
        reply(number, last: .own(cell.machine.reads ? .coordinatorLost : .outcomeUnknown))
    }

    /// A query's place as the path that a cell remembers, and back.
    func path(_ query: Int, _ token: Int) -> [UInt8] { [UInt8(query), UInt8(token >> 8), UInt8(token & 0xff)] }

    func place(_ path: [UInt8]) -> (query: Int, token: Int) {
        (Int(path[0]), Int(path[1]) << 8 | Int(path[2]))
    }

    func answerKept(_ number: Int) {
        guard let kept = exchange(number)?.cell?.kept else { return reply(number, last: .own(.coordinatorLost)) }
        reply(number, last: keptOutcomes[Int(kept.body[0])])
    }
}

extension ModelCoordinator {
    var health: CoordinatorHealth {
        if !isAlive || isFrozen { return .down }
        if isStarting { return .starting }
        if isShuttingDown { return .shuttingDown }
        return hasWorkers ? .ready : .noWorkers
    }
}
