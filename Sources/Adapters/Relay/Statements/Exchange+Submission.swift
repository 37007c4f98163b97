import Engine
import Model
import Network
import SQL
import Wire

/// Submitting a statement: at its POST, or in a poll's place when it has waited (design 4).
extension Exchange {
    /// Routes a statement whose text is whole and sends it (design 4.1).
    func submit(_ head: RequestHead, _ bytes: Span<UInt8>) {
        relay.counters.submissions += 1
        relay.hub.retries.onStatement(relay.snapshot.retries, now: now)
        let facts = readFacts(head, bytes)
        let wall = relay.hub.clock.now()
        let key = StatementKey(owner: relay.hub.owner, number: relay.hub.nextNumber())
        let group = relay.snapshot.table.group(for: facts)
        relay.report(
            key, .submitted(user: facts.user, source: facts.source, group: group?.name ?? "", kind: facts.kind))

        let transaction = transactionID(head, bytes)
        let pin = transaction.flatMap { relay.usePin($0) }
        var named: String?
        var refusal: OwnError? = group == nil ? .noCoordinator : nil
        if pin == nil, let field = head.first(.penstockPool) {
            named = text(bytes, field.value)
            refusal = objection(toPool: named ?? "", in: group, user: facts.user)
        }
        let capsule = makeCapsule(
            head, bytes, facts, group: group?.name ?? "", pool: named, transaction: transaction, at: wall)
        let cell = Cell(
            key: key,
            machine: StatementMachine(
                reads: facts.kind.reads, startsOnPost: false,
                traits: readTraits(head, bytes, transaction: transaction), now: now),
            placement: Placement(group: capsule.group, submitted: wall), waiting: relay.hub.waiting)
        self.cell = cell
        self.capsule = capsule
        isSubmitting = true
        if let refusal { return endSubmission(refusal) }
        if capsule.body.count > relay.limits.kindText, capsule.kind == .write { readWholeText(of: cell, capsule) }
        if let reservation = ByteReservation(
            capsule.size, of: relay.hub.capsuleBytes, limit: relay.limits.capsules)
        {
            cell.keep(capsule, reservation: reservation)
        }
        let target: RetryTarget = pin.map { .pinned(registration: $0) } ?? .any
        guard let found = resolve(target) else { return waitForTarget(target) }
        send(to: found, head)
    }

    /// A long text was lexed in part and counts as a write until all of it is known, which a loop has no time for.
    private func readWholeText(of cell: Cell, _ capsule: Capsule) {
        Task.detached(priority: .utility) {
            let text = capsule.body
            if statementKind(of: text.span, limit: text.count, prepared: { _ in nil }).reads { cell.wholeTextReads() }
        }
    }

    private func makeCapsule(
        _ head: RequestHead, _ bytes: Span<UInt8>, _ facts: SubmissionFacts, group: String, pool: String?,
        transaction: String?, at wall: Timestamp
    ) -> Capsule {
        var copied: [UInt8] = []
        copied.reserveCapacity(head.end)
        copied.append(contentsOf: bytes.extracting(0..<head.end))
        return Capsule(
            bytes: copied, body: requestBody, kind: facts.kind, group: group, fixedPool: pool,
            user: facts.user, transaction: transaction, submitted: wall)
    }

    /// Whether the client may name this pool: nil if it may.
    private func objection(toPool pool: String, in group: Group?, user: String) -> OwnError? {
        guard let group, let found = group.pool(pool) else { return .poolNotAllowed }
        guard found.pinnedUsers.contains(where: { Glob.matches($0, user) }) else { return .poolNotAllowed }
        return group.takesPinned(pool) ? nil : .poolNotAllowed
    }

    /// Where the statement could go now.
    func resolve(_ target: RetryTarget) -> Target? {
        guard let capsule else { return nil }
        return resolve(target, of: capsule)
    }

    func resolve(_ target: RetryTarget, of capsule: Capsule) -> Target? {
        let snapshot = relay.snapshot
        relay.rotation &+= 1
        let index = snapshot.table.resolve(
            target, group: capsule.group, fixedPool: capsule.fixedPool, rotation: relay.rotation & 0xffff, now: now,
            inFlight: { snapshot.loads[$0].total }, queued: { snapshot.loads[$0].parts.queued })
        return index.flatMap { snapshot.targets[snapshot.table.coordinators[$0].registration] }
    }

    /// Sends the statement's current attempt to a coordinator.
    /// - Parameter head: the capsule's, where it was read just now.
    func send(to target: Target, _ head: RequestHead? = nil) {
        guard let capsule, let cell else { return end() }
        var placement = Placement(group: capsule.group, submitted: capsule.submitted)
        placement.pool = target.coordinator.pool
        placement.coordinator = target.coordinator.name
        placement.registration = target.coordinator.registration
        placement.incarnation = target.coordinator.incarnation
        placement.transaction = capsule.transaction
        placement.load = target.load
        // What has waited is younger than its POST.
        if cell.hasPast { placement.sent = relay.hub.clock.now() }
        guard let attempt = cell.submit(placement: placement, startsOnPost: target.startsOnPost, now: now) else {
            return answerCurrent()
        }
        self.attempt = attempt
        relay.report(
            cell.key,
            .attempted(
                number: Int(attempt), pool: placement.pool, coordinator: placement.coordinator,
                registration: placement.registration))
        wasReplayed = false
        repeats = 0
        requestBody = capsule.body
        isSubmitting = true
        let head = head ?? capsule.readHead()
        let bytes = capsule.bytes
        buildRequest(head, bytes.span, path: head.target, target: target)
        send(fresh: false)
    }

    /// The statement ends before any coordinator took it.
    func endSubmission(_ error: OwnError) {
        guard let cell else { return end() }
        cell.end(error)
        endHere(error, cell)
    }

    /// The gateway has ended the statement: records it and answers its own last page.
    func endHere(_ error: OwnError, _ cell: Cell) {
        relay.counters.ownErrors += 1
        let message = explanation(error)
        relay.report(cell.key, .ended(cell.machine.state, failure: error.rawValue, message: message))
        answerPage(
            OwnPages.errorPage(id: shownID, infoURI: infoURI(shownID), error: error.queryError(message)))
    }

    // MARK: The first page

    /// The coordinator has answered with a page: the attempt has an id and, if it goes on, a cell that polls find.
    func noteSubmitted(isLast: Bool) {
        guard let cell, let target, let capsule else { return }
        let queryID = String(decoding: scanner.idBytes, as: UTF8.self)
        let suffix = idSuffix(queryID)
        let knownSuffix = target.coordinator.idSuffix
        cell.named(queryID, isNewIncarnation: suffix != nil && knownSuffix != nil && suffix != knownSuffix)
        relay.report(cell.key, .answered(number: Int(attempt), queryID: queryID))
        noteShown(queryID, of: cell, at: target)
        if let suffix, suffix != knownSuffix {
            relay.noteSuffix(target.coordinator.registration, suffix)
        }
        let ran = scanner.hasColumns || scanner.hasRows || (isLast && !scanner.hasError)
        if ran, !target.startsOnPost {
            relay.hub.sink.accept(.startsOnPost(group: capsule.group, pool: target.coordinator.pool))
        }
        if !isLast { _ = relay.hub.cells.add(cell) }
    }

    /// The client is about to be shown an engine's id: it names the statement from now on.
    func noteShown(_ queryID: String, of cell: Cell, at target: Target) {
        let cells = relay.hub.cells
        relay.hub.shownIDs.add(
            queryID, key: cell.key, registration: target.coordinator.registration,
            hasKnownSuffix: idSuffix(queryID).map { $0 == target.coordinator.idSuffix } ?? false, at: relay.wall,
            remembered: relay.limits.remembered, isLive: { cells.cell($0) != nil })
    }

    /// Where a POST with this head would go.
    func targetOfSubmission(_ head: RequestHead, _ bytes: Span<UInt8>) -> Target? {
        let facts = readFacts(head, bytes)
        guard let group = relay.snapshot.table.group(for: facts) else { return nil }
        return resolve(
            .any,
            of: makeCapsule(head, bytes, facts, group: group.name, pool: nil, transaction: nil, at: relay.wall))
    }

    /// Puts the lines that a submission adds to the client's. The statement's id goes into the trace token where the
    /// client sent none (interface 4).
    func putSubmissionLines(_ head: RequestHead) {
        let out = relay.out
        if let name = traceName(head), let cell {
            out.put(name)
            out.put(cell.idBytes)
            out.put("\r\n")
        }
        if attempt > 1 {
            out.put("X-Penstock-Attempt: ")
            out.put(decimal: Int(attempt))
            out.put("\r\n")
        }
    }
}
