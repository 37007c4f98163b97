import Wire

@testable import Engine

/// How an exchange goes on: what comes back is relayed, or judged.
extension World {
    func exchange(_ number: Int) -> ModelExchange? { exchanges.first { $0.number == number } }

    func change(_ number: Int, _ body: (inout ModelExchange) -> Void) {
        guard let index = exchanges.firstIndex(where: { $0.number == number }) else { return }
        body(&exchanges[index])
    }

    /// Lets an exchange go on to its end, or as far as it is held.
    func run(_ number: Int, hold: Hold) {
        for _ in 0..<100 {
            guard let exchange = exchange(number) else { return }
            switch (hold, exchange.stage) {
            case (.request, .request), (.answer, .answer), (.store, .storing), (.page, .leaving): return
            case _: advance(number)
            }
            if exchange.stage == .unanswered, self.exchange(number)?.stage == .unanswered { return }
        }
    }

    /// An exchange goes on by one stage.
    func advance(_ number: Int) {
        guard let exchange = exchange(number) else { return }
        switch exchange.stage {
        case .request(let request): write(exchange, request)
        case .unanswered: giveUp(exchange)
        case .answer(let answer): take(exchange, answer)
        case .leaving(let page, let sequence): leave(exchange, page, sequence)
        case .storing(let target, let index): stored(number, target, index: index)
        case .waiting: attend(number)
        }
    }

    private func write(_ exchange: ModelExchange, _ request: ModelRequest) {
        let index = Int(exchange.registration) - 1
        let answer = coordinators[index].receive(request, script: scenario.script, now: now)
        if answer != .event(.refused) {
            referee.wrote(exchange.attempt, starts: !exchange.isSubmitting || coordinators[index].startsOnPost)
        }
        change(exchange.number) { $0.stage = answer.map { .answer($0) } ?? .unanswered }
    }

    /// A coordinator that is frozen is not waited for without end, but where it runs statements in the POST.
    private func giveUp(_ exchange: ModelExchange) {
        let coordinator = coordinators[Int(exchange.registration) - 1]
        guard coordinator.isFrozen else {
            return change(exchange.number) { $0.stage = .answer(.event(.reset)) }
        }
        guard !coordinator.startsOnPost else { return }
        pass(10_000)
        guard self.exchange(exchange.number)?.stage == .unanswered else { return }
        change(exchange.number) { $0.stage = .answer(.event(.noAnswer)) }
    }

    private func take(_ exchange: ModelExchange, _ answer: ModelAnswer) {
        guard let cell = exchange.cell else { return }
        say("\(exchange.isSubmitting ? "the POST" : "the poll") of attempt \(exchange.attempt) brings \(answer.words)")
        switch answer {
        case .deleted: break
        case .page(let page):
            if page.error != nil, !page.hasNext { return takeError(exchange, page) }
            takePage(exchange, page, cell)
        case .status(let status): takeStatus(exchange, status, cell)
        case .event(let event): takeEvent(exchange, event, cell)
        }
    }

    // MARK: Pages

    private func takePage(_ exchange: ModelExchange, _ page: ModelPage, _ cell: Cell) {
        if exchange.isSubmitting { cell.named(Cell.Name("q\(page.query)")) }
        let result = cell.page(attempt: exchange.attempt, facts: page.facts, now: now)
        switch result.step {
        case .relay(let sequence):
            if let rule = result.retriedBy { breaker.onResult(rule, succeeded: true, now: now) }
            referee.relayed(page, attempt: exchange.attempt)
            change(exchange.number) { $0.stage = .leaving(page, sequence: sequence) }
        case .superseded: answerCurrent(exchange.number)
        case .own(let error): reply(exchange.number, last: .own(error))
        case .kept: answerKept(exchange.number)
        case .columnsDiffer(let verdict, let error):
            note(verdict, nil)
            _ = coordinators[Int(exchange.registration) - 1].receive(
                .delete(query: page.query), script: scenario.script, now: now)
            guard let error else { return answerKept(exchange.number) }
            referee.ended(error, in: self)
            reply(exchange.number, last: .own(error))
        }
    }

    /// The cell was asked, and the page leaves.
    private func leave(_ exchange: ModelExchange, _ page: ModelPage, _ sequence: UInt32) {
        guard let cell = exchange.cell else { return }
        guard page.hasNext else {
            if !cell.machine.hasPast, cell.key.owner.counter == owner { self.cell = nil }
            return reply(exchange.number, last: .finished(query: page.query))
        }
        cell.handedOut(path(page.query, page.token + 1))
        reply(
            exchange.number,
            ClientURI(
                owner: owner, registration: exchange.registration, attempt: exchange.attempt, sequence: sequence,
                query: page.query, token: page.token + 1, made: now), page)
    }

    private func takeError(_ exchange: ModelExchange, _ page: ModelPage) {
        guard let error = page.error else { return }
        let failure = error.failure(exchange.isSubmitting ? .submit : .poll)
        act(exchange, judge(exchange, failure, answer: .page), .page(page))
    }

    // MARK: Failures

    private func takeStatus(_ exchange: ModelExchange, _ status: Int, _ cell: Cell) {
        let step: FailureStep = exchange.isSubmitting ? .submit : .poll
        // Clients refresh a token and ask again.
        if step == .poll, status == 401, let uri = exchange.uri { return reply(exchange.number, uri, nil) }
        var failure = Failure(step: step, status: status)
        var isRestarted = false
        if step == .poll, status == 404 {
            switch knowledge(of: cell) {
            case .same: break
            case .changed:
                failure.event = .forgotten
                isRestarted = true
            case .unknown:
                let doubt = cell.doubted(
                    attempt: exchange.attempt, at: Timestamp(milliseconds: now), patience: 120_000, now: now)
                guard doubt == .gone else { return act(exchange, doubt, .status(status)) }
                return act(
                    exchange, judge(exchange, Failure(step: .poll, event: .gone), answer: .none), .event(.gone))
            }
        }
        let verdict = judge(exchange, failure, answer: .answer, isRestarted: isRestarted)
        act(exchange, verdict, .status(status))
    }

    private func takeEvent(_ exchange: ModelExchange, _ event: FailureEvent, _ cell: Cell) {
        guard !exchange.isSubmitting else {
            return act(
                exchange, judge(exchange, Failure(step: .submit, event: event), answer: .none), .event(event))
        }
        switch event {
        case .reset, .cut, .empty:
            if !exchange.isRepeated, !coordinators[Int(exchange.registration) - 1].startsOnPost, let uri = exchange.uri
            {
                cell.pollRepeated(attempt: exchange.attempt)
                return change(exchange.number) {
                    $0.isRepeated = true
                    $0.stage = .request(.get(query: uri.query, token: uri.token))
                }
            }
        case .refused: cell.pollUnwritten(attempt: exchange.attempt)
        case .noAnswer, .notProtocol, .forgotten, .gone: break
        }
        act(exchange, judge(exchange, Failure(step: .poll, event: event), answer: .none), .event(event))
    }

    private func knowledge(of cell: Cell) -> Incarnation {
        let placement = cell.placement
        guard let coordinator = table.coordinator(placement.registration) else { return .changed }
        if let taken = placement.incarnation, taken != coordinator.incarnation { return .changed }
        if let started = coordinator.startedAfter, started > placement.submitted { return .changed }
        if let first = cell.machine.firstForgotten, let checked = coordinator.checked, checked > first { return .same }
        return .unknown
    }

    /// Asks the policy, then the statement's machine.
    private func judge(
        _ exchange: ModelExchange, _ failure: Failure, answer: FailureAnswer, isRestarted: Bool = false
    ) -> StatementMachine.FailureStep {
        guard let cell = exchange.cell else { return .passOn }
        let placement = cell.placement
        let judgement = ModelPolicy.shipped.judge(failure)
        let known = table.coordinator(exchange.registration)?.incarnation
        let pool = coordinators[Int(exchange.registration) - 1].pool
        var judged = JudgedFailure(
            failure, judgement, answer: answer,
            sequence: exchange.isSubmitting || answer == .page ? nil : exchange.uri?.sequence,
            isRestarted: isRestarted || (placement.incarnation != nil && known != placement.incarnation),
            registration: exchange.registration, incarnation: placement.incarnation, pool: pool,
            jitter: Double((now &* 40_503) & 0xff) / 255)
        judged.mayWait = !scenario.isWaitingFull
        judged.hasBigger = table.hasBigger(than: pool, group: "default", fixedPool: fixedPool)
        let needsTombstone = failure.step == .poll && !cell.machine.reads
        let (step, result) = cell.failed(
            attempt: exchange.attempt, judged, terms: terms, patience: 120_000, now: now
        ) { permit($0, needsTombstone: needsTombstone) }
        if let result { breaker.onResult(result, succeeded: false, now: now) }
        switch step {
        case .gone: return judge(exchange, Failure(step: .poll, event: .gone), answer: .none)
        case .askAgain(_, let verdict?): note(verdict, failure)
        case .retry(let verdict, _), .surface(let verdict), .surfaceKept(let verdict), .end(_, let verdict):
            note(verdict, failure)
        case .askAgain(_, nil), .superseded, .own, .kept, .passOn: break
        }
        if case .end(let error, _) = step { referee.ended(error, in: self) }
        return step
    }

    private func permit(_ judgement: Judgement, needsTombstone: Bool) -> RetryPermit {
        let rule = judgement.rule ?? ""
        let permit: RetryPermit
        if needsTombstone, scenario.areTombstonesFull {
            permit = .refused(.tombstonesFull)
        } else if breaker.isOpen(rule, now: now), !breaker.allows(rule, now: now) {
            permit = .refused(.breaker)
        } else {
            permit = budget.take(terms, now: now) ? .granted : .refused(.budget)
        }
        referee.lastPermit = permit
        return permit
    }

    private func note(_ verdict: Verdict, _ failure: Failure?) {
        say(
            "verdict on attempt \(verdict.attempt): \(verdict.failure) by \(verdict.rule ?? "no rule"), "
                + "\(verdict.action.rawValue), "
                + (verdict.gate.map { "gate \($0.rawValue)" } ?? (verdict.isRetried ? "retried" : "nothing done")))
        referee.reached(verdict, failure, in: self)
    }

    private func act(_ exchange: ModelExchange, _ step: StatementMachine.FailureStep, _ answer: ModelAnswer) {
        let number = exchange.number
        switch step {
        case .askAgain(let sequence, _):
            guard var uri = exchange.uri else { return referee.wrong("a POST is asked again") }
            uri.sequence = sequence
            uri.owner = owner
            uri.made = now
            reply(number, uri, nil)
        case .retry(_, let keeps):
            if keeps { keep(outcome(of: answer, exchange.uri), in: exchange.cell) }
            goOnWaiting(number)
        case .surface:
            let outcome = outcome(of: answer, exchange.uri)
            // It takes a wait page's place, whose nextUri leads to no coordinator.
            if exchange.isSubmitting, exchange.cell?.machine.hasPast == true { keep(outcome, in: exchange.cell) }
            reply(number, last: outcome)
        case .passOn: reply(number, last: outcome(of: answer, exchange.uri))
        case .surfaceKept, .kept: answerKept(number)
        case .end(let error, _), .own(let error): reply(number, last: .own(error))
        case .superseded: answerCurrent(number)
        case .gone: referee.wrong("gone was not judged")
        }
    }

    private func keep(_ outcome: Outcome, in cell: Cell?) {
        keptOutcomes.append(outcome)
        let body = [UInt8(keptOutcomes.count - 1)]
        let reservation = ByteReservation(1, of: ByteBudget(), limit: 1)
        cell?.keep(reservation.map { KeptAnswer(head: [], body: body, reservation: $0) })
    }

    func goOnWaiting(_ number: Int) {
        change(number) {
            $0.stage = .waiting
            $0.isSubmitting = false
        }
    }

    // MARK: Moving

    /// Moves a read that waits in the queue of a coordinator that can take nothing.
    func moves(_ number: Int) {
        guard let exchange = exchange(number), exchange.isPoll, !exchange.isSubmitting, exchange.stage != .waiting,
            let cell = exchange.cell, cell.machine.mayMove
        else { return }
        let index = Int(exchange.registration) - 1
        let health = table.coordinators[index].health
        guard health == .down || health == .noWorkers || health == .shuttingDown else { return }
        let registration = exchange.registration
        let elsewhere = RetryTarget.other(than: [registration], incarnation: nil, notBefore: .max)
        guard resolve(elsewhere) != nil else { return }
        let verdict = cell.move(
            attempt: exchange.attempt, episode: HealthEpisode(registration: registration, number: episodes[index]),
            word: health.rawValue, incarnation: table.coordinators[index].incarnation, terms: terms, now: now)
        guard let verdict else { return }
        note(verdict, nil)
        goOnWaiting(number)
    }

    func outcome(of answer: ModelAnswer, _ uri: ClientURI?) -> Outcome {
        switch answer {
        case .page(let page):
            if let error = page.error { return .failed(query: page.query, error) }
            return .finished(query: page.query)
        case .status(let status): return .status(status, query: uri?.query)
        case .event, .deleted: return .status(502, query: uri?.query)
        }
    }
}
