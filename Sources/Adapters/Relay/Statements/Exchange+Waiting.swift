import Engine
import Model
import Wire

/// Statements that wait in the gateway (design 4.5): the client is told "still queued", and its polls submit the next
/// attempt when its turn has come.
extension Exchange {
    /// A poll, or a POST, of a statement that waits is answered within this time, in milliseconds (design 9).
    static let waitingPollMilliseconds: Int64 = 1000
    /// How long a store that is away is not tried again, in milliseconds.
    private static let storePatience: Int64 = 1000

    /// A GET of a wait page's nextUri.
    func pollWaiting(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, tag: Tag, cell: Cell) {
        self.tag = tag
        self.cell = cell
        attempt = tag.attempt
        keepCredentials(head, bytes)
        cell.waitPoll(now: now)
        beginWaiting()
    }

    /// A new statement finds nobody who could take it.
    func waitForTarget(_ target: RetryTarget) {
        guard let cell else { return end() }
        if let error = cell.noTarget(target, mayWait: mayWait, now: now) { return endHere(error, cell) }
        report(cell, .waits(.noCoordinator))
        beginWaiting()
    }

    /// Whether one more statement may wait here.
    var mayWait: Bool { relay.hub.waiting.value < relay.limits.waitingStatements }

    /// From now on the statement's turn is looked for at every tick.
    func beginWaiting() {
        guard let cell else { return end() }
        if cell.machine.isWaiting, cell.key.owner == relay.hub.owner { relay.hub.cells.add(cell) }
        capsule = cell.capsule
        dropUpstream()
        giveBackPage()
        isSubmitting = false
        phase = .waiting(until: began + Self.waitingPollMilliseconds)
        attend()
    }

    /// Looks whether the statement's turn has come.
    func attend() {
        guard case .waiting(let until) = phase, let cell else { return }
        let retries = relay.hub.retries
        let terms = relay.snapshot.retries
        let moment = now
        switch cell.attend(
            terms: terms, now: moment, isReachable: { resolve($0) != nil },
            release: { retries.release(terms, now: moment) })
        {
        case .wait(let reason):
            if let reason { report(cell, .waits(reason)) }
            if now >= until { answerWaitPage() }
        case .submit(let target): takeTurn(target)
        case .current:
            // Who comes while another exchange submits it waits for that one's answer, as long as for a page.
            if now < until, cell.machine.phase == .submitting { return }
            answerCurrent()
        case .own(let error, let isNew): if isNew { endHere(error, cell) } else { answerOwn(error) }
        case .kept(let isNew):
            if isNew { endByTime(cell) }
            answerKept()
        case .notFound: answerText(404, "Query not found\n")
        }
    }

    /// Nobody could take the retry in time: what was kept of the failure is what the client gets.
    private func endByTime(_ cell: Cell) {
        let verdict = Verdict(
            attempt: Int(cell.machine.attempt), failure: "no-target", rule: nil, failureClass: .unavailable,
            action: .other, gate: .noTarget, isRetried: false)
        report(cell, .judged(verdict, coordinator: ""))
        report(cell, .ended(.failed, failure: nil, message: nil))
    }

    // MARK: The turn

    /// This exchange submits the next attempt; what may write waits until the store knows what must not be forgotten.
    private func takeTurn(_ target: RetryTarget) {
        guard let cell, capsule != nil else { return end() }
        guard let found = resolve(target) else {
            return giveBackTurn(target, .noCoordinator, delay: 0)
        }
        let machine = cell.machine
        if machine.reads { return send(to: found) }
        let sink = relay.hub.sink
        phase = .storing(target)
        answerBy = now + relay.limits.cancelAnswer
        let turn = nextTurn()
        func then(_ next: @escaping () -> Void) -> @Sendable (Bool) -> Void {
            relay.holdResult { [self] isStored in
                guard turns == turn, case .storing = phase else { return }
                if isStored { next() } else { giveBackTurn(target, .store, delay: Self.storePatience) }
            }
        }
        func submit() {
            if found.startsOnPost {
                sink.accept(.submitting(cell.key, stored: then { [self] in send(to: found) }))
            } else {
                send(to: found)
            }
        }
        guard machine.attempt > 1 else { return submit() }
        sink.accept(.superseded(cell.key, attempt: Int(machine.attempt) - 1, stored: then(submit)))
    }

    func nextTurn() -> UInt32 {
        turns &+= 1
        return turns
    }

    /// Nothing was sent: the statement waits on.
    func giveBackTurn(_ target: RetryTarget, _ reason: WaitReason, delay: Int64) {
        guard let cell else { return end() }
        cell.returnTurn(target, reason: reason, delay: delay, now: now)
        report(cell, .waits(reason))
        phase = .waiting(until: began + Self.waitingPollMilliseconds)
        if now >= began + Self.waitingPollMilliseconds { answerWaitPage() }
    }

    /// The client is gone, and with it the exchange that had the turn.
    func giveTurnAway() {
        guard case .storing(let target) = phase else { return }
        cell?.returnTurn(target, reason: .store, delay: 0, now: now)
    }

    // MARK: Answers

    /// Answers the page that says "still queued".
    func answerWaitPage() {
        guard let cell else { return end() }
        relay.counters.waitingPages += 1
        let machine = cell.machine
        let path = waitPath(cell)
        let tag = Tag(
            registration: 0, owner: cell.key.owner, statement: cell.key.number, attempt: machine.attempt,
            sequence: cell.nextSequence(), minute: relay.wall.minute)
        target = nil
        attempt = machine.attempt
        answerPage(next: path, tag: tag, id: statementName)
    }

    /// The path of a statement's wait page: as an engine's, with a slug that is derived, not stored.
    private func waitPath(_ cell: Cell) -> [UInt8] {
        var path = Array("/v1/statement/queued/".utf8)
        let id = statementIDText(owner: cell.key.owner, statement: cell.key.number)
        path.append(contentsOf: id.bytes.span.extracting(id.range))
        let slug = Tag(
            registration: 0, owner: cell.key.owner, statement: cell.key.number, attempt: 0, sequence: 0, minute: 0
        ).text(key: relay.hub.keys.newest, path: path.span)
        path += Array("/y".utf8)
        path += slug.bytes[43...]
        path += Array("/1".utf8)
        return path
    }

    /// A poll of what is superseded, or of a statement that somebody else submits: the current page, made on the spot
    /// (design 4.4).
    func answerCurrent() {
        guard let cell else { return answerText(404, "Query not found\n") }
        let machine = cell.machine
        switch machine.phase {
        case .waiting, .submitting: answerWaitPage()
        case .ended(let error): answerOwn(error)
        case .surfaced: answerKept()
        case .abandoned: answerText(404, "Query not found\n")
        case .open, .relayed, .presumed:
            guard let newest = cell.newest else { return answerWithoutNewest(cell, machine) }
            let registration = cell.placement.registration
            target = relay.snapshot.targets[registration]
            attempt = newest.attempt
            let tag = Tag(
                registration: registration, owner: cell.key.owner, statement: cell.key.number,
                attempt: newest.attempt, sequence: newest.sequence, minute: relay.wall.minute)
            answerPage(next: newest.path, tag: tag, id: statementName)
        }
    }

    /// No URI of the current attempt was handed out here.
    private func answerWithoutNewest(_ cell: Cell, _ machine: StatementMachine) {
        guard cell.key.owner == relay.hub.owner else { return answerOwn(.ownerLost) }
        switch machine.phase {
        case .open: answerWaitPage()  // Its first page is about to leave.
        case .relayed where cell.kept != nil: answerKept()
        case .relayed, .presumed, .submitting, .waiting, .surfaced, .ended, .abandoned:
            answerOwn(machine.reads ? .coordinatorLost : .outcomeUnknown)
        }
    }

    /// Answers a page without rows whose nextUri is this path.
    func answerPage(next path: [UInt8], tag: Tag, id: String) {
        var uri = base
        uri += path
        uri += Array((path.contains(UInt8(ascii: "?")) ? "&via=" : "?via=").utf8)
        let text = tag.text(key: relay.hub.keys.newest, path: path.span)
        uri.append(contentsOf: text.bytes.span)
        let submitted = cell?.placement.submitted.milliseconds ?? 0
        let elapsed = submitted > 0 ? Int(max(0, relay.wall.milliseconds - submitted)) : 0
        answerPage(
            OwnPages.waitingPage(
                id: id, infoURI: infoURI(id), nextURI: String(decoding: uri, as: UTF8.self), queuedMillis: elapsed,
                elapsedMillis: elapsed))
    }

    /// Answers what was kept of an earlier attempt, as its coordinator sent it.
    func answerKept() {
        guard let kept = cell?.kept else { return answerOwn(.coordinatorLost) }
        guard let front else { return end() }
        hasLeft = true
        out.clear()
        out.put(kept.head)
        if front.closesAfterAnswer { out.put("Connection: close\r\n") }
        out.put("Content-Length: ")
        out.put(decimal: kept.body.count)
        out.put("\r\n\r\n")
        out.put(kept.body)
        out.withBytes { front.write($0) }
        end()
    }

    // MARK: Credentials

    /// Keeps the credentials that a poll brings: the next attempt is submitted with the newest of each kind (design 4).
    func keepCredentials(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        credentials = []
        newerCredentials = []
        for field in head.fields where field.name.isCredential && !field.isHopByHop {
            credentials.append(contentsOf: bytes.extracting(field.start..<field.end))
            newerCredentials.append(field.name)
        }
    }
}

extension FieldName {
    /// It tells who the client is.
    var isCredential: Bool { self == .authorization || self == .cookie || self == .extraCredential }
}
