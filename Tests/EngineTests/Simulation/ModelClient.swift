import Wire

@testable import Engine

/// What the client knows: one statement, and the URI to ask for next.
struct ModelClient {
    var uri: ClientURI?
    /// The URIs that it asked for before.
    var past: [ClientURI] = []
    /// The exchange whose answer it waits for; it reads no other.
    var current: Int?
    var outcome: Outcome?
    /// The pages with rows that it got.
    var rows: [ModelPage] = []
    var columns: Set<UInt64> = []

    /// Its connections broke.
    mutating func isCutOff() {
        current = nil
        if uri == nil, outcome == nil { outcome = .cutOff }
    }
}

/// The client's side of a history.
extension World {
    /// The statement is submitted.
    func post(hold: Hold) {
        var traits = StatementTraits()
        traits.isChained = scenario.isChained
        traits.isInTransaction = scenario.isInTransaction
        traits.mode = scenario.mode == .on ? nil : scenario.mode
        let machine = StatementMachine(reads: scenario.reads, startsOnPost: false, traits: traits, now: now)
        let placement = Placement(Place(group: "default"), submitted: Timestamp(milliseconds: now))
        let cell = Cell(
            key: key(owner), machine: machine, placement: placement,
            submission: Submission(
                user: "ann", source: "", group: "default", kind: scenario.reads ? .read : .write, fixedPool: fixedPool,
                transaction: scenario.isInTransaction ? "t" : nil),
            capsule: scenario.hasCapsule ? Capsule(bytes: [], headEnd: 0, budget: capsules, limit: 1000) : nil,
            waiting: waiting)
        self.cell = cell
        budget.onStatement(window: terms.budgetWindow, now: now)
        exchangeCount += 1
        let number = exchangeCount
        client.current = number
        exchanges.append(ModelExchange(number: number, uri: nil, stage: .waiting, cell: cell))
        let target: RetryTarget = scenario.isInTransaction ? .pinned(registration: 1) : .any
        if let index = resolve(target) {
            send(number, to: index)
        } else if let error = cell.noTarget(target, mayWait: !scenario.isWaitingFull, now: now) {
            reply(number, last: .own(error))
        }
        run(number, hold: hold)
    }

    /// The client asks for its newest URI. An exchange that it waited for goes on, but nobody reads its answer.
    func poll(_ hold: Hold) {
        guard client.outcome == nil, let uri = client.uri else { return }
        client.past.append(uri)
        // The exchange may end before its number is known here.
        client.current = exchangeCount + 1
        _ = dispatch(uri, hold: hold)
    }

    /// A duplicate of an earlier poll comes late.
    func pollLate(_ index: Int, _ hold: Hold) {
        guard !client.past.isEmpty else { return }
        _ = dispatch(client.past[index % client.past.count], hold: hold)
    }

    /// The client closes the connection of an exchange. A POST is read to its end all the same.
    func hangUp(_ index: Int) {
        guard !exchanges.isEmpty else { return }
        let exchange = exchanges[index % exchanges.count]
        guard exchange.uri != nil else { return }
        if client.current == exchange.number { client.current = nil }
        guard !exchange.isSubmitting else { return }
        if exchange.isPoll, coordinators[Int(exchange.registration) - 1].startsOnPost, exchange.stage != .waiting {
            return
        }
        // Nobody looks any more whether it is written.
        referee.wrote(exchange.attempt, starts: exchange.isPoll)
        if case .storing(let target, _) = exchange.stage {
            exchange.cell?.returnTurn(target, reason: .store, delay: 0, now: now)
        }
        end(exchange)
    }

    /// The client cancels its statement.
    func cancel(isRefused: Bool) {
        guard client.outcome == nil, let uri = client.uri else { return }
        referee.wasAskedToCancel = true
        let isOwn = uri.owner == owner
        if uri.registration > 0, cell == nil, !isOwn { adopt(uri) }
        guard let cell, uri.registration > 0 || isOwn || cell.machine.wasEndedHere else {
            client.outcome = isOwn && uri.registration == 0 ? .status(404, query: nil) : .own(.userCanceled)
            return
        }
        let isOld = uri.registration == 0 || uri.attempt < cell.machine.attempt
        let newest = isOld ? cell.newest.map { place($0.path).query } : uri.query
        switch cell.cancel(
            attempt: isOld ? 0 : uri.attempt, withdrawsUnstarted: scenario.withdrawsUnstarted, now: now)
        {
        case .relay, .done: client.outcome = .own(.userCanceled)
        case .notFound: client.outcome = .status(404, query: nil)
        case .canceled(let forwards):
            let registration = cell.placement.registration
            var isConfirmed = true
            if forwards, let newest, registration > 0 {
                if isRefused { return cell.cancelRefused() }
                let answer = coordinators[Int(registration) - 1].receive(
                    .delete(query: newest), script: scenario.script, now: now)
                isConfirmed = answer == .deleted
            }
            cell.cancelAnswered(confirmed: isConfirmed, countFor: 300_000, now: now)
            store.isCanceled = store.isCanceled || !store.isAway
            referee.canceled()
            client.outcome = .own(.userCanceled)
        }
    }

    // MARK: Answers

    /// A page that goes on leaves.
    func reply(_ number: Int, _ next: ClientURI, _ page: ModelPage?) {
        guard let exchange = exchange(number) else { return }
        end(exchange)
        guard client.current == number, client.outcome == nil else { return }
        client.current = nil
        client.uri = next
        guard let page else { return say("the client is told to wait") }
        say("the client gets \(page.hasRows ? "rows" : "a page") of query \(page.query)")
        take(page)
    }

    /// What ends the statement for the client leaves.
    func reply(_ number: Int, last outcome: Outcome) {
        guard let exchange = exchange(number) else { return }
        end(exchange)
        referee.answered(outcome)
        guard client.current == number, client.outcome == nil else { return }
        client.current = nil
        say("the client's statement ends: \(outcome.words)")
        client.outcome = outcome
    }

    private func take(_ page: ModelPage) {
        if let columns = page.columns { client.columns.insert(columns) }
        if page.hasRows { client.rows.append(page) }
    }

    private func end(_ exchange: ModelExchange) {
        exchanges.removeAll { $0.number == exchange.number }
        if exchange.isPoll { exchange.cell?.exchangeEnded(now: now) }
    }
}
