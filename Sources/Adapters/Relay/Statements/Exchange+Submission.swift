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
        let hub = relay.hub
        let snapshot = relay.snapshot
        hub.retries.onStatement(window: snapshot.retries.budgetWindow, now: now)
        let fields = SubmissionFields(head, bytes)
        let kind = readKind(head, bytes, fields)
        let group = groupIndex(head, bytes, kind)
        let transaction = fields.transaction.map { bounded(text(bytes, $0)) }
        let pin = transaction.flatMap { relay.usePin($0) }
        var pool: String?
        var refusal: OwnError? = group == nil ? .noCoordinator : nil
        if pin == nil, let field = fields.pool {
            let name = text(bytes, field)
            pool = name
            refusal = objection(toPool: name, in: group.map { snapshot.table.groups[$0] }, of: text(bytes, fields.user))
        }
        let submission = submission(
            fields, bytes, group: group.map { snapshot.unplaced[$0].group } ?? "", kind: kind, pool: pool,
            transaction: transaction)
        told = submission
        let wanted: RetryTarget = pin.map { .pinned(registration: $0) } ?? .any
        let target = refusal == nil ? target(wanted, of: submission, in: group) : nil

        var placement = Placement(
            target?.place ?? group.map { snapshot.unplaced[$0] } ?? snapshot.nowhere, submitted: hub.clock.now())
        var machine = StatementMachine(reads: kind.reads, startsOnPost: false, traits: fields.traits, now: now)
        if let target {
            placement.incarnation = target.coordinator.incarnation
            machine.onSubmit(startsOnPost: target.startsOnPost, now: now)
        }
        let cell = Cell(
            key: StatementKey(owner: hub.owner, number: hub.nextNumber()), machine: machine, placement: placement,
            submission: submission,
            capsule: refusal == nil
                ? Capsule(
                    bytes: request, headEnd: sql.lowerBound, budget: hub.capsuleBytes, limit: relay.limits.capsules)
                : nil,
            waiting: hub.waiting)
        self.cell = cell
        isSubmitting = true
        isUntold = true
        if let refusal { return endSubmission(refusal) }
        if kind == .write, sql.count > relay.limits.kindText { readWholeText(of: cell) }
        guard let target else { return waitForTarget(wanted) }
        buildRequest(head, bytes, path: head.target, target: target)
        send(fresh: false, on: target)
    }

    /// What the statement tells: mostly the same as the one before it on this connection.
    private func submission(
        _ fields: SubmissionFields, _ bytes: Span<UInt8>, group: String, kind: StatementKind, pool: String?,
        transaction: String?
    ) -> Submission {
        if let told, told.kind == kind, told.group == group, told.fixedPool == pool, told.transaction == transaction,
            spells(told.user, bytes, fields.user),
            spells(told.source, bytes, fields.source)
        {
            return told
        }
        return Submission(
            user: bounded(text(bytes, fields.user)), source: bounded(text(bytes, fields.source)), group: group,
            kind: kind, fixedPool: pool, transaction: transaction)
    }

    /// Where a new statement of the group goes.
    private func target(_ wanted: RetryTarget, of submission: Submission, in group: Int?) -> Target? {
        if wanted == .any, submission.fixedPool == nil, let group, let only = relay.snapshot.onlyTargets[group] {
            return only
        }
        return resolve(wanted, group: submission.group, fixedPool: submission.fixedPool)
    }

    /// Tells history of a statement that was sent with its POST: at once of its id too if its answer came, or at the
    /// tick.
    func tellSubmission(queryID: String? = nil) {
        isUntold = false
        guard let cell, let submission = cell.submission else { return }
        let placement = cell.placement
        relay.report(
            cell.key,
            .submitted(
                submission, sentTo: placement.registration == 0 ? nil : placement.place, queryID: queryID),
            at: placement.submitted)
    }

    /// Tells history of something else, behind what it does not know yet.
    func report(_ cell: Cell, _ change: consuming StatementEvent.Change) {
        if isUntold { tellSubmission() }
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
        guard let attempt = cell.submit(placement: placement, startsOnPost: target.startsOnPost, now: now) else {
            return answerCurrent()
        }
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
        if isUntold {
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

    /// The client is about to be shown an engine's id: it names the statement from now on, beside that of an attempt
    /// before.
    private func noteShown(_ id: String, of cell: Cell, at target: Target, isHeld: Bool) {
        let ids = relay.hub.shownIDs
        if attempt > 1 {
            let earlier = cell.placement
            if !earlier.queryID.isEmpty { keepShown(earlier.queryID, of: cell, at: earlier.registration) }
        }
        if id.isEmpty { return }
        if isHeld {
            ids.add(id.utf8.span, of: cell)
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
        guard let group = groupIndex(head, bytes, readKind(head, bytes, SubmissionFields(head, bytes))) else {
            return nil
        }
        return resolve(.any, group: relay.snapshot.unplaced[group].group, fixedPool: nil)
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
