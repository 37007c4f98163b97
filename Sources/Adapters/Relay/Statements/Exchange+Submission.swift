import Bytes
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
        let snapshot = relay.snapshot
        relay.hub.retries.onStatement(window: snapshot.retries.budgetWindow, now: now)
        let fields = SubmissionFields(head, bytes)
        let kind = readKind(head, bytes, fields)
        let group = groupIndex(head, bytes, kind, in: snapshot)
        let nowhere = if let group { snapshot.unplaced[group] } else { snapshot.nowhere }
        let transaction = fields.transaction.map { bounded(text(bytes, $0)) }
        let pin = transaction.flatMap { relay.usePin($0) }
        var pool: String?
        var refusal: OwnError? = group == nil ? .noCoordinator : nil
        if pin == nil, let field = fields.pool {
            let (name, user) = (text(bytes, field), bounded(text(bytes, fields.user)))
            pool = name
            refusal = objection(toPool: name, in: group.map { snapshot.table.groups[$0] }, of: user)
        }
        if !tellsAgain(fields, bytes, group: nowhere.group, kind: kind, pool: pool, transaction: transaction) {
            told = Submission(
                user: bounded(text(bytes, fields.user)), source: bounded(text(bytes, fields.source)),
                group: nowhere.group, kind: kind, fixedPool: pool, transaction: transaction)
        }
        let wanted: RetryTarget = pin.map { .pinned(registration: $0) } ?? .any
        let target =
            refusal == nil ? target(wanted, group: group, in: snapshot, nowhere.group, fixedPool: pool) : nil

        let moment = relay.hub.clock.now()
        var placement = Placement(target?.place ?? nowhere, submitted: moment)
        var machine = StatementMachine(reads: kind.reads, startsOnPost: false, traits: fields.traits, now: now)
        if let target {
            placement.incarnation = target.coordinator.incarnation
            machine.onSubmit(startsOnPost: target.startsOnPost, now: now)
        }
        let cell = Cell(
            key: StatementKey(owner: relay.hub.owner, number: relay.hub.nextNumber()), machine: consume machine,
            placement: consume placement, submission: told,
            capsule: refusal == nil
                ? Capsule(
                    bytes: request, headEnd: sql.lowerBound, budget: relay.hub.capsuleBytes,
                    limit: relay.limits.capsules)
                : nil,
            waiting: relay.hub.waiting)
        self.cell = cell
        isSubmitting = true
        untold = moment
        if let refusal { return endSubmission(refusal) }
        if kind == .write, sql.count > relay.limits.kindText { readWholeText(of: cell) }
        guard let target else { return waitForTarget(wanted) }
        buildRequest(head, bytes, path: head.target, target: target)
        send(fresh: false, on: target)
    }

    /// Whether the statement tells what the one before it on this connection told, as most do.
    private func tellsAgain(
        _ fields: SubmissionFields, _ bytes: Span<UInt8>, group: String, kind: StatementKind, pool: String?,
        transaction: String?
    ) -> Bool {
        told.lend { told in
            told.kind == kind && told.group == group && told.fixedPool == pool && told.transaction == transaction
                && spells(told.user, bytes, fields.user) && spells(told.source, bytes, fields.source)
        } ?? false
    }

    /// Where a new statement of the group goes.
    private func target(
        _ wanted: RetryTarget, group index: Int?, in snapshot: Snapshot, _ group: String, fixedPool: String?
    ) -> Target? {
        if case .any = wanted, fixedPool == nil, let index, let only = snapshot.onlyTargets[index] { return only }
        return resolve(wanted, group: group, fixedPool: fixedPool)
    }

    /// Tells history of a statement whose POST was taken: when its answer has come, with its id, else at the next tick
    /// or before anything else is told of it.
    func tellSubmission(queryID: String? = nil) {
        guard let moment = untold.take(), let key = cell.lend({ $0.key }), let told else { return }
        relay.report(key, .submitted(told, sentTo: target?.place, queryID: queryID), at: moment)
    }

    /// Tells history of something else, behind what it does not know yet.
    func report(_ cell: Cell, _ change: consuming StatementEvent.Change) {
        if untold != nil { tellSubmission() }
        relay.report(cell.key, change)
    }

    /// A long text was lexed in part and counts as a write until all of it is known, which a loop has no time for.
    private func readWholeText(of cell: Cell) {
        let (bytes, range) = (request, sql)
        Task.detached(priority: .utility) {
            let text = bytes.span.extracting(range)
            if statementKind(of: text, limit: text.count, prepared: { _ in nil }).reads { cell.wholeTextReads() }
        }
    }

    /// Whether the client may name this pool: nil if it may.
    private func objection(toPool pool: String, in group: Group?, of user: String) -> OwnError? {
        guard let group, let found = group.pool(pool) else { return .poolNotAllowed }
        guard found.pinnedUsers.contains(where: { Glob.matches($0, user) }) else { return .poolNotAllowed }
        return group.takesPinned(pool) ? nil : .poolNotAllowed
    }

    /// Where the statement could go now.
    func resolve(_ target: RetryTarget) -> Target? {
        guard let submission = cell?.submission else { return nil }
        return resolve(target, group: submission.group, fixedPool: submission.fixedPool)
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

    /// Sends the current attempt of a statement that waited to a coordinator.
    func send(to target: Target) {
        guard let capsule, let cell else { return end() }
        let moment = relay.hub.clock.now()
        // What has waited is younger than its POST.
        var placement = Placement(target.place, submitted: cell.placement.submitted)
        placement.incarnation = target.coordinator.incarnation
        placement.sent = moment
        let earlier = cell.placement
        guard let attempt = cell.submit(placement: placement, startsOnPost: target.startsOnPost, now: now) else {
            return answerCurrent()
        }
        // The cell knows the id of its newest attempt only, and takes no other with it when it ends.
        if !earlier.queryID.isEmpty { keepShown(earlier.queryID, of: cell, at: earlier.registration) }
        self.attempt = attempt
        relay.report(cell.key, .attempted(number: Int(attempt), target.place), at: moment)
        wasReplayed = false
        repeats = 0
        request = capsule.bytes
        sql = capsule.text
        isSubmitting = true
        let bytes = capsule.bytes
        let head = capsule.readHead()
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
        report(cell, .ended(cell.machine.state, failure: error.rawValue, message: message))
        answerPage(
            OwnPages.errorPage(id: shownID, infoURI: infoURI(shownID), error: error.queryError(message)))
    }

    // MARK: The first page

    /// The coordinator has answered with a page: the attempt has an id and, if it goes on, a cell that polls find.
    /// Answers what the cell is to be told.
    func noteSubmitted(isLast: Bool) -> Cell.Name? {
        guard let cell, let target else { return nil }
        let queryID = pageID
        let id = queryID.utf8.span
        let isOfTarget = target.hasGiven(id)
        let newSuffix = isOfTarget ? nil : idSuffix(id)
        if untold != nil {
            tellSubmission(queryID: queryID)
        } else {
            relay.report(cell.key, .answered(number: Int(attempt), queryID: queryID))
        }
        if let newSuffix { relay.noteSuffix(target.coordinator.registration, text(id, newSuffix)) }
        let ran = scanner.hasColumns || scanner.hasRows || (isLast && !scanner.hasError)
        if ran, !target.startsOnPost {
            relay.hub.sink.accept(.startsOnPost(group: target.place.group, pool: target.place.pool))
        }
        if !isLast { relay.hub.cells.add(cell) }
        noteShown(queryID, of: cell, at: target, isHeld: !isLast || cell.hasPast)
        return Cell.Name(queryID, isNewIncarnation: newSuffix != nil && !target.idSuffix.isEmpty)
    }

    /// The client is about to be shown an engine's id: it names the statement from now on.
    private func noteShown(_ id: String, of cell: Cell, at target: Target, isHeld: Bool) {
        if id.isEmpty { return }
        if isHeld {
            relay.hub.shownIDs.add(id.utf8.span, of: cell)
        } else {
            keepShown(id, of: cell, at: target.coordinator.registration)
        }
    }

    private func keepShown(_ id: String, of cell: Cell, at registration: UInt32) {
        let id = id.utf8.span
        relay.hub.shownIDs.keep(
            id, key: cell.key, registration: registration,
            hasKnownSuffix: relay.target(registration)?.hasGiven(id) ?? false, at: relay.wall)
    }

    /// Where a POST with this head would go.
    func targetOfSubmission(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Target? {
        let snapshot = relay.snapshot
        let kind = readKind(head, bytes, SubmissionFields(head, bytes))
        guard let group = groupIndex(head, bytes, kind, in: snapshot) else { return nil }
        return target(.any, group: group, in: snapshot, snapshot.unplaced[group].group, fixedPool: nil)
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
