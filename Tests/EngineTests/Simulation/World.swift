import Wire

@testable import Engine

/// A URI that the gateway handed out: what its tag says, and what its path names.
struct ClientURI: Equatable {
    var owner: UInt32
    /// 0: the gateway's own, of a statement that waits.
    var registration: UInt32
    var attempt: UInt16
    var sequence: UInt32
    var query = 0
    var token = 0
    var made: Int64 = 0
}

/// How a statement ended, as its client was told.
enum Outcome: Equatable {
    case finished(query: Int)
    case failed(query: Int, ModelError)
    /// A coordinator's answer that is no page, of this query if it had one; or the gateway's 404.
    case status(Int, query: Int?)
    case own(OwnError)
    /// The connection broke before the client had a URI.
    case cutOff

    var words: String {
        switch self {
        case .finished(let query): "finished by query \(query)"
        case .failed(let query, let error): "failed by \(error.rawValue) of query \(query)"
        case .status(let status, _): "failed by status \(status)"
        case .own(let error): error.rawValue
        case .cutOff: "nothing came back"
        }
    }
}

/// An HTTP exchange of a client that is under way, with what it caused upstream.
struct ModelExchange {
    enum Stage: Equatable {
        /// The cell was asked; this is about to be written.
        case request(ModelRequest)
        /// It was written to a coordinator that is frozen.
        case unanswered
        case answer(ModelAnswer)
        /// The cell has let it go; its URIs are being replaced.
        case leaving(ModelPage, sequence: UInt32)
        /// What must be durable before the POST is being stored.
        case storing(RetryTarget, index: Int)
        /// It waits for the statement's turn.
        case waiting
    }

    let number: Int
    /// What was asked; nil: the POST.
    let uri: ClientURI?
    var stage: Stage
    /// The statement's cell, which the exchange knows even when the table has it no more.
    let cell: Cell?
    var attempt: UInt16 = 1
    var registration: UInt32 = 0
    var isSubmitting = false
    /// Its GET was written a second time.
    var isRepeated = false
    /// It is counted by the cell as a poll under way.
    var isPoll = false
}

/// What the store keeps of the statement across restarts of the gateway.
struct ModelStore {
    var isAway = false
    var supersededAttempt: UInt16?
    var isSubmitted = false
    var isCanceled = false
}

/// A gateway, its coordinators and one client with one statement. Time is a number; nothing happens by itself.
final class World {
    let scenario: Scenario
    let terms: RetryTerms
    var now: Int64 = 1000
    var coordinators: [ModelCoordinator]
    var table: RoutingTable
    var loads: [UInt32: CoordinatorLoad] = [:]
    var waiting = WaitingCount()
    var cell: Cell?
    var capsules = ByteBudget()
    var owner: UInt32 = 1
    var store = ModelStore()
    var budget = RetryBudget()
    var breaker = RetryBreaker()
    var exchanges: [ModelExchange] = []
    var exchangeCount = 0
    var queryCount = 0
    var rotation = 0
    /// How often each coordinator ceased to be ready.
    var episodes = [UInt32](repeating: 0, count: Step.coordinators)
    var keptOutcomes: [Outcome] = []
    var client = ModelClient()
    var referee: Referee
    /// What happened, in words; nil: nobody reads it.
    var trace: [String]?

    init(_ scenario: Scenario, isTraced: Bool = false) {
        self.scenario = scenario
        var terms = RetryTerms()
        terms.mode = .on
        if scenario.optsIn { terms.optIn = ["X12"] }
        self.terms = terms
        referee = Referee(scenario: scenario, terms: terms)
        trace = isTraced ? [] : nil
        coordinators = (0..<Step.coordinators).map { index in
            let isBlue = index < Step.coordinators / 2
            return ModelCoordinator(
                registration: UInt32(index + 1), pool: isBlue ? "blue" : "green",
                startsOnPost: scenario.startsOnPost[isBlue ? 0 : 1],
                columns: !isBlue && scenario.columnsDiffer ? 2 : 1)
        }
        var blue = Pool(name: "blue", starts: scenario.startsOnPost[0] ? .post : .firstPoll)
        var green = Pool(name: "green", starts: scenario.startsOnPost[1] ? .post : .firstPoll)
        blue.takes = scenario.takesRetries ? [.pinned, .retries] : [.pinned]
        green.takes = blue.takes
        green.bigger = scenario.hasBigger
        let group = Group(name: "default", pools: [blue, green], active: "blue", epoch: 1)
        table = RoutingTable(groups: [group], coordinators: coordinators.map(\.registered))
        for coordinator in coordinators { loads[coordinator.registration] = CoordinatorLoad() }
        probe()
    }

    func say(_ words: @autoclosure () -> String) { trace?.append("    " + words()) }

    // MARK: Running

    /// Runs a whole history: the client's POST, the steps, and then a client that polls until its statement ends.
    func run(_ steps: [Step]) {
        post(hold: scenario.postHold)
        for step in steps {
            if trace != nil { trace?.append(String(describing: step.words)) }
            take(step)
            referee.look(at: self)
        }
        settle()
        referee.judge(self)
    }

    private func indices(_ which: Which) -> [Int] {
        switch which {
        case .number(let number): return [number]
        case .all: return Array(coordinators.indices)
        case .itsOwn:
            let registration = cell?.placement.registration ?? 0
            return [registration > 0 ? Int(registration) - 1 : 0]
        }
    }

    private func take(_ step: Step) {
        switch step {
        case .time(let time): pass(time)
        case .poll(let hold): poll(hold)
        case .late(let index, let hold): pollLate(index, hold)
        case .go(let index):
            guard !exchanges.isEmpty else { return }
            advance(exchanges[index % exchanges.count].number)
        case .hangUp(let index): hangUp(index)
        case .cancel(let isRefused): cancel(isRefused: isRefused)
        case .restartGateway: restart()
        case .probe: probe()
        case .flip(let isRolledBack): flip(isRolledBack: isRolledBack)
        case .store(let isAway): store.isAway = isAway
        case .spendBudget: while budget.take(terms, now: now) {}
        case .openBreakers:
            for rule in ModelPolicy.shipped.rules {
                for _ in 0..<RetryBreaker.sample { breaker.onResult(rule.id, succeeded: false, now: now) }
                // One passes to see whether it helps again.
                _ = breaker.allows(rule.id, now: now)
            }
        case .coordinator(let which, let happens):
            for index in indices(which) { take(happens, at: index) }
        }
    }

    private func take(_ happens: Happening, at index: Int) {
        switch happens {
        case .fault(let fault): coordinators[index].fault = fault
        case .kill: coordinators[index].kill()
        case .start(let isStarting): coordinators[index].start(isStarting: isStarting, now: now)
        case .freeze: coordinators[index].isFrozen = coordinators[index].isAlive
        case .thaw: coordinators[index].thaw(script: scenario.script, now: now)
        case .warm: coordinators[index].isStarting = false
        case .shutDown: coordinators[index].isShuttingDown = true
        case .workers(let has): coordinators[index].hasWorkers = has
        case .work: coordinators[index].work()
        case .fail(let error, let isDone): coordinators[index].fail(error, isDone: isDone)
        }
    }

    /// Time goes by, with probes and looks at the clock.
    func pass(_ time: Int64) {
        let until = now + time
        while now < until {
            now = min(until, now + max(2000, time / 20))
            probe()
            tick()
        }
    }

    /// The client polls until its statement has ended; before that everything may begin to work again.
    private func settle() {
        trace?.append(scenario.heals ? "everything works again, and the client polls on" : "the client polls on")
        store.isAway = false
        for index in coordinators.indices {
            // Wrong credentials end nothing, however often they come.
            let lasts = coordinators[index].fault.map { $0.times == .max && $0.answer != .status(401) } ?? false
            if scenario.heals || !lasts { coordinators[index].fault = nil }
            if coordinators[index].isFrozen { coordinators[index].thaw(script: scenario.script, now: now) }
            guard scenario.heals else { continue }
            if !coordinators[index].isAlive { coordinators[index].start(isStarting: false, now: now) }
            coordinators[index].isStarting = false
            coordinators[index].isShuttingDown = false
            coordinators[index].hasWorkers = true
        }
        finishAll()
        for round in 0..<Self.rounds where client.outcome == nil {
            pass(round < 20 ? 1000 : 10_000)
            poll(.none)
            finishAll()
            referee.look(at: self)
        }
        finishAll()
        now += 2_000_000
        tick()
    }

    /// Polls after which a statement must have ended: some two hours.
    static let rounds = 720

    func finishAll() {
        for _ in 0..<1000 {
            guard let first = exchanges.first else { return }
            advance(first.number)
        }
    }
}

extension ModelCoordinator {
    /// As the gateway registered it.
    var registered: Coordinator {
        var coordinator = Coordinator(
            registration: registration, name: name, group: "default", pool: pool, url: "http://\(name):8080",
            authority: "\(name):8080")
        coordinator.address = CoordinatorAddress(ip: "10.0.0.\(registration)", port: 8080)
        coordinator.incarnation = process
        return coordinator
    }
}
