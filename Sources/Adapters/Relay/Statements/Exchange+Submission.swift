import Engine
import Model
import Network
import SQL
import Wire

/// Submitting a statement: at its POST, or in a poll's place when it has waited (design 4).
extension Exchange {
    /// Routes a statement whose text is whole and sends it (design 4.1).
    func submit(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        relay.counters.submissions += 1
        let hub = relay.hub
        let snapshot = relay.snapshot
        hub.retries.onStatement(window: snapshot.retries.budgetWindow, now: now)
        let facts = readFacts(head, bytes)
        let wall = hub.clock.now()
        let key = StatementKey(owner: hub.owner, number: hub.nextNumber())
        let group = snapshot.table.groupIndex(for: facts)
        let place = group.map { snapshot.unplaced[$0] } ?? snapshot.nowhere
        let submission = Submission(user: facts.user, source: facts.source, group: place.group, kind: facts.kind)

        let transaction = transactionID(head, bytes)
        let pin = transaction.flatMap { relay.usePin($0) }
        var named: String?
        var refusal: OwnError? = group == nil ? .noCoordinator : nil
        if pin == nil, let field = head.first(.penstockPool) {
            named = text(bytes, field.value)
            refusal = objection(toPool: named ?? "", in: group.map { snapshot.table.groups[$0] }, user: facts.user)
        }
        let capsule = Capsule(
            bytes: request, headEnd: sql.lowerBound, submission: submission, fixedPool: named,
            transaction: transaction, submitted: wall, budget: hub.capsuleBytes, limit: relay.limits.capsules)
        let cell = Cell(
            key: key,
            machine: StatementMachine(
                reads: facts.kind.reads, startsOnPost: false,
                traits: readTraits(head, bytes, transaction: transaction), now: now),
            placement: Placement(place, submitted: wall), capsule: refusal == nil ? capsule : nil,
            waiting: hub.waiting)
        self.cell = cell
        self.capsule = capsule
        isSubmitting = true
        let target: RetryTarget = pin.map { .pinned(registration: $0) } ?? .any
        let found = refusal == nil ? resolve(target) : nil
        relay.report(key, .submitted(submission, sentTo: found?.place), at: wall)
        if let refusal { return endSubmission(refusal) }
        if sql.count > relay.limits.kindText, facts.kind == .write { readWholeText(of: cell, capsule) }
        guard let found else { return waitForTarget(target) }
        begin(on: found, at: wall, head, isFirst: true)
    }

    /// A long text was lexed in part and counts as a write until all of it is known, which a loop has no time for.
    private func readWholeText(of cell: Cell, _ capsule: Capsule) {
        Task.detached(priority: .utility) {
            let bytes = capsule.bytes
            let text = bytes.span.extracting(capsule.text)
            if statementKind(of: text, limit: text.count, prepared: { _ in nil }).reads { cell.wholeTextReads() }
        }
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
        resolve(target, group: capsule.submission.group, fixedPool: capsule.fixedPool)
    }

    private func resolve(_ target: RetryTarget, group: String, fixedPool: String?) -> Target? {
        let snapshot = relay.snapshot
        let targets = snapshot.targets.all
        relay.rotation &+= 1
        let index = snapshot.table.resolve(
            target, group: group, fixedPool: fixedPool, rotation: relay.rotation & 0xffff, now: now,
            inFlight: { targets[$0].load.total }, queued: { targets[$0].load.parts.queued })
        return index.map { targets[$0] }
    }

    /// Sends the statement's current attempt to a coordinator.
    func send(to target: Target) {
        guard let capsule else { return end() }
        begin(on: target, at: relay.hub.clock.now(), capsule.readHead())
    }

    /// Places the statement's current attempt on a coordinator and sends it.
    /// - Parameters:
    ///   - moment: when it is sent.
    ///   - head: the capsule's.
    ///   - isFirst: it is sent with its POST, and was reported so.
    private func begin(
        on target: Target, at moment: Timestamp, _ head: borrowing RequestHead, isFirst: Bool = false
    ) {
        guard let capsule, let cell else { return end() }
        var placement = Placement(target.place, submitted: capsule.submitted)
        placement.incarnation = target.coordinator.incarnation
        placement.transaction = capsule.transaction
        // What has waited is younger than its POST.
        if cell.hasPast { placement.sent = moment }
        guard let attempt = cell.submit(placement: placement, startsOnPost: target.startsOnPost, now: now) else {
            return answerCurrent()
        }
        self.attempt = attempt
        if !isFirst { relay.report(cell.key, .attempted(number: Int(attempt), target.place), at: moment) }
        wasReplayed = false
        repeats = 0
        request = capsule.bytes
        sql = capsule.text
        isSubmitting = true
        let bytes = capsule.bytes
        buildRequest(head, bytes.span, path: head.target, target: target)
        send(fresh: false, on: target)
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
        let id = scanner.idBytes
        let queryID = String(decoding: id, as: UTF8.self)
        let newSuffix = target.hasGiven(id.span) ? nil : idSuffix(id.span)
        cell.named(queryID, isNewIncarnation: newSuffix != nil && !target.idSuffix.isEmpty)
        relay.report(cell.key, .answered(number: Int(attempt), queryID: queryID))
        noteShown(id, of: cell, at: target)
        if let newSuffix { relay.noteSuffix(target.coordinator.registration, text(id.span, newSuffix)) }
        let ran = scanner.hasColumns || scanner.hasRows || (isLast && !scanner.hasError)
        if ran, !target.startsOnPost {
            let place = target.place
            relay.hub.sink.accept(.startsOnPost(group: capsule.submission.group, pool: place.pool))
        }
        if !isLast { relay.hub.cells.add(cell) }
    }

    /// The client is about to be shown an engine's id: it names the statement from now on.
    func noteShown(_ id: [UInt8], of cell: Cell, at target: Target) {
        let cells = relay.hub.cells
        relay.hub.shownIDs.add(
            id.span, key: cell.key, registration: target.coordinator.registration,
            hasKnownSuffix: target.hasGiven(id.span), at: relay.wall, remembered: relay.limits.remembered,
            isLive: { cells.cell($0) != nil })
    }

    /// Where a POST with this head would go.
    func targetOfSubmission(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Target? {
        let facts = readFacts(head, bytes)
        let table = relay.snapshot.table
        return table.groupIndex(for: facts).flatMap { resolve(.any, group: table.groups[$0].name, fixedPool: nil) }
    }

    /// Puts the lines that a submission adds to the client's. The statement's id goes into the trace token where the
    /// client sent none (interface 4).
    func putSubmissionLines(_ head: borrowing RequestHead) {
        if let name = traceName(head), let cell {
            out.put(name)
            relay.putID(of: cell.key)
            out.put("\r\n")
        }
        if attempt > 1 {
            out.put("X-Penstock-Attempt: ")
            out.put(decimal: Int(attempt))
            out.put("\r\n")
        }
    }
}
