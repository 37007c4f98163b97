import Engine
import Model
import Wire

/// An attempt failed: the failure is judged by the policy, the statement's machine says what becomes of it (design 5),
/// and this acts.
extension Exchange {
    // MARK: What failed

    /// A submission brought no usable answer.
    func submissionFailed(_ event: FailureEvent) {
        act(judge(Failure(step: .submit, event: event)))
    }

    /// A poll brought nothing usable: it is repeated once at once, then by the client's next poll.
    func pollFailed(_ event: FailureEvent) {
        guard let cell else {
            return answerText(503, "The coordinator did not answer (\(event.rawValue)). Ask again later.\n")
        }
        switch event {
        case .reset, .cut, .empty:
            if repeats == 0, target?.startsOnPost == false {
                repeats += 1
                relay.counters.repeats += 1
                return sendAgain()
            }
        case .refused:
            // A poll that was written before, and is repeated, may have started the statement.
            if isCounted, repeats == 0, !wasReplayed {
                wasWritten = false
                cell.pollUnwritten(attempt: attempt)
            }
        case .noAnswer, .notProtocol, .forgotten, .gone: break
        }
        act(judge(Failure(step: .poll, event: event)))
    }

    /// The coordinator answered with another status than 200, and this text. True: the answer is to be passed on.
    /// - Parameter keep: keeps the answer, to be shown later.
    func statusAnswered(_ status: Int, text: String, keep: () -> Void) -> Bool {
        guard let cell else { return true }
        let step: FailureStep = isSubmitting ? .submit : .poll
        // Clients refresh a token and ask again: on a poll such an answer ends nothing (design 4.4).
        if step == .poll, status == 401 || status == 403 { return true }
        var failure = Failure(step: step, status: status, message: text)
        var isRestarted = false
        if step == .poll, status == 404 {
            switch knowledge(of: cell) {
            case .same: break
            case .changed:
                failure.event = .forgotten
                isRestarted = true
            case .unknown:
                let doubt = cell.doubted(
                    attempt: attempt, at: relay.hub.clock.now(), patience: relay.limits.gone, now: now)
                if doubt == .passOn { return true }
                dropUpstream()
                act(doubt == .gone ? judge(Failure(step: .poll, event: .gone)) : doubt)
                return false
            }
        }
        // A process that never had the statement has nothing to say of its end.
        let verdict = judge(
            failure, answer: isRestarted ? .none : .answer, retryAfter: answerRetryAfter, isRestarted: isRestarted)
        switch verdict {
        case .retry(_, keeps: true): keep()
        case .passOn: return true
        case .surface(let verdict):
            endByFailure(cell, verdict)
            if isSubmitting, cell.machine.hasPast { keep() }
            return true
        case .askAgain, .gone, .retry, .surfaceKept, .end, .superseded, .own, .kept: break
        }
        dropUpstream()
        act(verdict)
        return false
    }

    /// An answer to a POST broke off after it had begun to leave.
    func lostItsAnswer() {
        guard let cell else { return }
        switch judge(Failure(step: .submit, event: .cut)) {
        case .end(let error, let verdict):
            report(cell, .ended(cell.machine.state, failure: error.rawValue, message: verdict.message))
        case .surface(let verdict), .surfaceKept(let verdict): endByFailure(cell, verdict)
        case .askAgain, .gone, .retry, .superseded, .own, .kept, .passOn: break
        }
    }

    // MARK: Judging

    /// Asks the policy, then the statement's machine, and reports what they said.
    func judge(
        _ failure: Failure, answer: FailureAnswer = .none, retryAfter: Duration? = nil, isRestarted: Bool = false
    ) -> StatementMachine.FailureStep {
        guard let cell, let target else { return .passOn }
        let snapshot = relay.snapshot
        let placement = cell.placement
        let judgement = snapshot.policy.judge(failure)
        for rule in judgement.gaveUp { relay.noteGaveUp(rule) }
        let known = snapshot.targets[target.coordinator.registration]?.coordinator.incarnation
        var judged = JudgedFailure(
            failure, judgement, answer: answer, sequence: isSubmitting || answer == .page ? nil : tag?.sequence,
            isRestarted: isRestarted || (placement.incarnation != nil && known != placement.incarnation),
            registration: target.coordinator.registration, incarnation: placement.incarnation,
            pool: target.coordinator.pool, retryAfter: retryAfter, jitter: Double.random(in: 0...1))
        judged.mayWait = mayWait
        judged.hasBigger = snapshot.table.hasBigger(
            than: target.coordinator.pool, group: placement.group, fixedPool: cell.submission?.fixedPool)
        mayStillRun = answer != .page && !judged.isRestarted
        let moment = now
        // A session may ask for more workers than there are: that says nothing of the coordinator.
        let asksForWorkers = failure.isForWantOfWorkers && (cell.capsule?.mentions("required_workers") ?? false)
        let retries = relay.hub.retries
        // URIs of a write that is superseded must lead nowhere for as long as they may be asked for.
        let leavesTombstone = failure.step == .poll && !cell.machine.reads
        let (step, result) = cell.failed(
            attempt: attempt, judged, terms: snapshot.retries, patience: relay.limits.gone, now: moment
        ) { judgement in
            if leavesTombstone, relay.hub.areTombstonesFull(relay.limits) { return .refused(.tombstonesFull) }
            return retries.permit(judgement, snapshot.retries, now: moment)
        }
        if let result { retries.onResult(result, succeeded: false, now: moment) }
        if step == .gone { return judge(Failure(step: .poll, event: .gone)) }
        note(step, failure, judgement, on: target, of: cell, asksForWorkers: asksForWorkers)
        return step
    }

    private func note(
        _ step: StatementMachine.FailureStep, _ failure: Failure, _ judgement: Judgement, on target: Target,
        of cell: Cell, asksForWorkers: Bool
    ) {
        let verdict: Verdict
        switch step {
        case .askAgain(_, let first):
            guard let first else { return }
            verdict = first
        case .retry(let reached, _), .surface(let reached), .surfaceKept(let reached), .end(_, let reached):
            verdict = reached
        case .gone, .superseded, .own, .kept, .passOn: return
        }
        report(cell, .judged(verdict, coordinator: target.coordinator.name))
        if case .waiting(let wait) = cell.machine.phase, wait.reason != .backOff {
            report(cell, .waits(wait.reason))
        }
        let registration = target.coordinator.registration
        let sink = relay.hub.sink
        if failure.isForWantOfWorkers, !asksForWorkers { sink.accept(.condemned(registration: registration)) }
        switch judgement.failureClass {
        case .unavailable: sink.accept(.failed(registration: registration, .unavailable))
        case .internal where verdict.gate != .rowsLeft:
            sink.accept(.failed(registration: registration, .internal))
        case .internal, .user, .resource, .external: break
        }
    }

    // MARK: Acting

    /// Does what the machine decided. What is to be passed on was passed on before, or is nothing.
    func act(_ step: StatementMachine.FailureStep) {
        giveBackPage()
        guard let cell else { return end() }
        switch step {
        case .askAgain(let sequence, _):
            relay.counters.waitingPages += 1
            let latest = began + Self.waitingPollMilliseconds
            let earliest = cell.machine.askAgainAt
            phase = .pausing(until: earliest > now ? min(earliest, latest) : latest, sequence: sequence)
            if front == nil { end() }
        case .retry:
            if mayStillRun { cancelOnTheSide() }
            goOnWaiting()
        case .surfaceKept(let verdict):
            endByFailure(cell, verdict)
            answerKept()
        case .end(let error, _): endHere(error, cell)
        case .superseded: answerCurrent()
        case .own(let error): answerOwn(error)
        case .kept: answerKept()
        case .surface(let verdict):
            endByFailure(cell, verdict)
            answerText(502, "The coordinator's answer is no page of the statement protocol (\(verdict.failure)).\n")
        case .gone, .passOn:
            answerText(502, "The coordinator's answer is no page of the statement protocol.\n")
        }
    }

    /// The statement waits here for its next attempt, which this exchange may submit, if its client still is there.
    func goOnWaiting() {
        guard let cell else { return end() }
        if credentials.isEmpty, !isSubmitting { takeCredentials() }
        if front == nil {
            if cell.key.owner == relay.hub.owner { relay.hub.cells.add(cell) }
            return end()
        }
        beginWaiting()
    }

    /// The credentials of the poll that was sent: the next attempt is submitted with them.
    private func takeCredentials() {
        var head = RequestHead(maximumBytes: relay.limits.headSize)
        let bytes = requestHead
        guard case .whole = head.parse(bytes.span) else { return }
        keepCredentials(head, bytes.span)
    }

    /// The statement has ended, and what its coordinator answered is all that is known of its end.
    func endByFailure(_ cell: Cell, _ verdict: Verdict) {
        relay.finished(cell)
        if verdict.failure == OwnError.unknownTransaction.rawValue, let id = cell.submission?.transaction { unpin(id) }
        let state: StatementState = verdict.failure == OwnError.userCanceled.rawValue ? .canceled : .failed
        report(cell, .ended(state, failure: verdict.failure, message: verdict.message))
    }

    /// What is known of the coordinator's incarnation; asks for a probe where nothing is.
    private func knowledge(of cell: Cell) -> Incarnation {
        guard let coordinator = relay.snapshot.targets[cell.placement.registration]?.coordinator else {
            return .changed
        }
        let placement = cell.placement
        if let taken = placement.incarnation, taken != coordinator.incarnation { return .changed }
        // No earlier than that did it start: what lies before the submission by a rounding proves nothing.
        if let started = coordinator.startedAfter, started > placement.sent { return .changed }
        if let first = cell.machine.firstForgotten, let checked = coordinator.checked, checked > first {
            return .same
        }
        relay.hub.sink.accept(.probe(registration: coordinator.registration))
        return .unknown
    }

    // MARK: Keeping

    /// Keeps an answer that explains the failure best so far, at most 256 KiB; a longer page without what the engine
    /// tells of the failure's stack.
    func keepAnswer(_ head: [UInt8], _ body: [UInt8], error: QueryError?) {
        guard let cell else { return }
        // Whether the connection ends after it is each client's own.
        let closing = Array("Connection: close\r\n".utf8)
        let head = head.suffix(closing.count) == closing[...] ? Array(head.dropLast(closing.count)) : head
        var body = body
        if body.count > Self.maximumKept {
            guard let error else { return cell.keep(nil) }
            let id = String(decoding: scanner.idBytes, as: UTF8.self)
            body = OwnPages.errorPage(id: id, infoURI: infoURI(id), error: error)
        }
        let reservation = ByteReservation(
            head.count + body.count, of: relay.hub.answeredBytes, limit: relay.limits.answeredPages)
        cell.keep(reservation.map { KeptAnswer(head: head, body: body, reservation: $0) })
    }

    private static let maximumKept = 256 << 10

    // MARK: Moving

    /// Moves a read that waits in the queue of a coordinator that can take nothing, if somebody else can take it now
    /// (design 5, Moving). True: it has moved.
    func moves() -> Bool {
        guard purpose == .poll, !isSubmitting, let target, let cell else { return false }
        let coordinator = relay.snapshot.targets[target.coordinator.registration]?.coordinator ?? target.coordinator
        switch coordinator.health {
        case .ready, .unknown, .starting, .ejected: return false
        case .noWorkers, .down, .shuttingDown: break
        }
        guard cell.machine.mayMove else { return false }
        let elsewhere = RetryTarget.other(than: [coordinator.registration], incarnation: nil, notBefore: .max)
        guard resolve(elsewhere) != nil else { return false }
        let verdict = cell.move(
            attempt: attempt,
            episode: HealthEpisode(registration: coordinator.registration, number: coordinator.episode),
            word: coordinator.health.rawValue, incarnation: coordinator.incarnation, terms: relay.snapshot.retries,
            now: now)
        guard let verdict else { return false }
        report(cell, .judged(verdict, coordinator: coordinator.name))
        cancelOnTheSide()
        goOnWaiting()
        return true
    }

    /// A POST to a coordinator that went down meanwhile is not waited for: nothing has started there.
    func givesUpSubmission() -> Bool {
        guard isSubmitting, phase == .asked, let target, !target.startsOnPost else { return false }
        let coordinator = relay.snapshot.targets[target.coordinator.registration]?.coordinator
        guard coordinator?.health == .down, target.coordinator.health != .down else { return false }
        dropUpstream()
        handle(.noAnswer)
        return true
    }

    /// A superseded attempt of a read may still run: its coordinator is told that nobody wants it any more.
    func cancelOnTheSide() {
        dropUpstream()
        guard purpose == .poll, !isSubmitting else { return }
        // The tag of the first page has sequence 1: whoever comes with a higher one has polled before.
        cancelAside(wasPolled: wasWritten || tag.map { $0.sequence > 1 } ?? false, counted: .running)
    }
}
