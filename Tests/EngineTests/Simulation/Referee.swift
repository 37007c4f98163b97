@testable import Engine

/// Watches a history and says what must not happen. It keeps books of its own, by other means than the machine's.
struct Referee {
    private let scenario: Scenario
    private let terms: RetryTerms
    private(set) var wrongs: [String] = []
    /// What was reached, so that a test can tell that its histories are not all alike.
    private(set) var gates: Set<RetryGate> = []
    private(set) var retries = 0
    private(set) var moves = 0
    var lastPermit = RetryPermit.granted
    var wasAbandoned = false
    /// Its cell is gone: what carries its tags is only passed on.
    var isForgotten = false
    var wasAskedToCancel = false
    private(set) var wasRestarted = false

    /// A POST may be sent: none was, or a verdict has retried the one before.
    private var mayPost = true
    private var isJudged = false
    private var current: UInt16 = 0
    private var wasCanceled = false
    private var postedAt: Int64 = 0
    /// When somebody last had the statement, or it began: what waits has waited since then at most.
    private var lastTaken: Int64 = 1000
    private var hasStarted = false
    private var everStarted = false
    private var notBefore: Int64 = 0
    private var rowsLeft = false
    private var sessionLeft = false
    private var runs = 0
    private var ran: Int64 = 0
    private var retriesByRule: [String: Int] = [:]
    private var outcome: Outcome?

    init(scenario: Scenario, terms: RetryTerms) {
        self.scenario = scenario
        self.terms = terms
    }

    mutating func wrong(_ words: String) {
        if !wrongs.contains(words) { wrongs.append(words) }
    }

    // MARK: What happens

    mutating func posted(_ attempt: UInt16, at now: Int64) {
        if !mayPost { wrong("attempt \(attempt) was sent without a verdict that asked for it") }
        if outcome != nil || wasCanceled { wrong("attempt \(attempt) was sent after the statement had ended") }
        if now < notBefore { wrong("attempt \(attempt) was sent before its back-off was over") }
        mayPost = false
        current = attempt
        isJudged = false
        hasStarted = false
        postedAt = now
    }

    /// Something of an attempt was written; `starts`: which starts it.
    mutating func wrote(_ attempt: UInt16, starts: Bool) {
        guard starts else { return }
        if attempt == current { hasStarted = true }
        everStarted = true
    }

    mutating func relayed(_ page: ModelPage, attempt: UInt16) {
        if page.hasRows { rowsLeft = true }
        if page.changesSession { sessionLeft = true }
        if page.runs { wrote(attempt, starts: true) }
    }

    mutating func canceled() { wasCanceled = true }

    mutating func restarted() {
        wasRestarted = true
        outcome = nil
        mayPost = false
        isJudged = false
        hasStarted = true
    }

    /// Every answer that ends a statement says the same.
    mutating func answered(_ new: Outcome) {
        switch new {
        case .own(.ownerLost):
            if !wasRestarted { wrong("the owner is lost though it lives") }
            return
        case .status, .cutOff: return
        case .finished, .failed, .own: break
        }
        if let outcome, outcome != new, !wasRestarted, !isForgotten {
            wrong("two outcomes: \(outcome.words), then \(new.words)")
        }
        outcome = new
    }

    /// The gateway ended the statement by itself.
    mutating func ended(_ error: OwnError, in world: World) {
        switch error {
        case .noCoordinator:
            let patience = scenario.isInTransaction ? 30_000 : terms.waitForCoordinator
            if world.now - lastTaken < patience, !scenario.isWaitingFull, scenario.hasCapsule {
                wrong("it waited \((world.now - lastTaken) / 1000) s for a coordinator, then gave up")
            }
        case .queueFull:
            if !scenario.isWaitingFull { wrong("the queue was not full") }
        case .outcomeUnknown:
            if scenario.reads, !wasRestarted { wrong("the outcome of a read is unknown") }
            if !mayHaveStarted(everStarted, world), !wasRestarted {
                wrong("the outcome of what never started is unknown")
            }
        case .ownerLost, .coordinatorLost, .poolNotAllowed, .userCanceled, .unknownTransaction: break
        }
    }

    // MARK: Verdicts

    /// A verdict was reached. `failure` is nil where nothing failed: a move, other columns.
    mutating func reached(_ verdict: Verdict, _ failure: Failure?, in world: World) {
        if outcome != nil { wrong("a verdict after the statement had ended") }
        guard verdict.action != .repeat else { return }
        if isJudged { wrong("two verdicts on one attempt") }
        isJudged = true
        let isMove = failure == nil && verdict.isRetried
        let isFree = failure.map { $0.reachedNobody || $0.errorName == ModelError.startingUp.rawValue } ?? true
        if let gate = verdict.gate {
            gates.insert(gate)
            if !justifies(gate, verdict, in: world) { wrong("gate \(gate.rawValue) was closed without a reason") }
            if let first = first, failure?.reachedNobody != true, first != gate, first.isBefore(gate) {
                wrong("gate \(gate.rawValue) was named where \(first.rawValue) was closed too")
            }
        }
        guard verdict.isRetried else { return }
        check(retry: verdict, failure)
        mayPost = true
        notBefore = world.now + verdict.wait
        if isMove { moves += 1 } else { retries += 1 }
        if isMove || !(isFree || verdict.rule == "H02") { lastTaken = world.now }
        if hasStarted, !isFree {
            runs += 1
            ran += world.now - postedAt
            if runs >= terms.attempts { wrong("it ran \(runs) times and was retried") }
        }
        if let rule = verdict.rule { retriesByRule[rule, default: 0] += 1 }
    }

    /// What no retry may happen after.
    private mutating func check(retry verdict: Verdict, _ failure: Failure?) {
        if rowsLeft { wrong("retried after rows had left") }
        if wasRestarted { wrong("retried what another gateway took") }
        if !scenario.hasCapsule { wrong("retried without a capsule") }
        // To ask somebody else where nobody was reached is no retry.
        let isUnsent = failure?.step == .submit && failure?.event == .refused
        guard !isUnsent else { return }
        if scenario.areTombstonesFull, !scenario.reads, failure?.step == .poll { wrong("retried without a tombstone") }
        if scenario.isPoolFixed, verdict.action == .bigger { wrong("retried in a pool that the client did not name") }
        if sessionLeft { wrong("retried after a session header had left") }
        if scenario.isInTransaction { wrong("retried in a transaction") }
        if scenario.isChained { wrong("retried a retry of another gateway") }
        if scenario.mode != .on { wrong("retried in mode \(scenario.mode.rawValue)") }
    }

    /// The first gate that is known to be closed, of those that need no knowledge of the attempt.
    private var first: RetryGate? {
        if wasRestarted { return nil }
        if rowsLeft { return .rowsLeft }
        if scenario.isInTransaction { return .transaction }
        if sessionLeft { return .sessionHeader }
        return scenario.isChained ? .chained : nil
    }

    private func justifies(_ gate: RetryGate, _ verdict: Verdict, in world: World) -> Bool {
        let rule = ModelPolicy.shipped.rules.first { $0.id == verdict.rule }
        switch gate {
        case .rowsLeft: return rowsLeft
        case .columnsDiffer: return scenario.columnsDiffer
        case .started, .notDead: return mayHaveStarted(hasStarted, world) && (!scenario.reads || wasRestarted)
        case .transaction: return scenario.isInTransaction
        case .sessionHeader: return sessionLeft
        case .chained: return scenario.isChained
        case .attempts:
            if hasStarted, runs + 1 >= terms.attempts { return true }
            guard case .limited(let most)? = rule?.retries else { return false }
            return retriesByRule[verdict.rule ?? "", default: 0] >= most
        case .elapsed: return ran + world.now - postedAt >= terms.elapsed
        case .budget, .breaker:
            // Time alone bounds what nobody took, and the budget only delays what is unavailable.
            let isDelayed = rule?.retries == .unbounded || (gate == .budget && rule?.failureClass == .unavailable)
            return lastPermit == .refused(gate) && !isDelayed
        case .noTarget:
            if scenario.isWaitingFull { return true }
            if verdict.action == .bigger, isBiggest(world) { return true }
            let patience = scenario.isInTransaction ? 30_000 : terms.waitForCoordinator
            return world.now - lastTaken >= patience
        case .noCapsule: return !scenario.hasCapsule || wasRestarted || rowsLeft || wasAbandoned
        case .optIn: return verdict.rule == "X12" && !scenario.optsIn
        case .modeOff: return scenario.mode == .off
        case .shadow: return scenario.mode == .shadow
        case .tombstonesFull: return scenario.areTombstonesFull && !scenario.reads
        }
    }

    /// A poll that is under way may be about to start it.
    private func mayHaveStarted(_ isKnown: Bool, _ world: World) -> Bool {
        isKnown || world.exchanges.count(where: \.isPoll) > 1
    }

    /// There is no bigger pool that takes retries than the one that it ran in.
    private func isBiggest(_ world: World) -> Bool {
        let group = world.table.groups[0]
        return !scenario.hasBigger || scenario.isPoolFixed || !group.takesRetries("green")
            || world.cell?.placement.pool == "green"
    }

    // MARK: The end

    /// Looks after every step.
    mutating func look(at world: World) {
        let applied = world.coordinators.flatMap(\.applied)
        if applied.count > 1 { wrong("the write was applied \(applied.count) times") }
        if Set(world.client.rows.map(\.query)).count > 1 { wrong("rows of two attempts were delivered") }
        let tokens = world.client.rows.map(\.token)
        if Set(tokens).count < tokens.count { wrong("rows were delivered twice") }
        // A gateway that adopts a statement does not know which columns had left.
        if world.client.columns.count > 1, !wasRestarted { wrong("the columns changed") }
    }

    /// Looks at a whole history.
    mutating func judge(_ world: World) {
        look(at: world)
        guard let outcome = world.client.outcome else {
            if !isForgotten { wrong("the statement did not end") }
            return
        }
        let applied = world.coordinators.flatMap(\.applied)
        let rows = world.client.rows
        switch outcome {
        case .finished(let query):
            if !scenario.reads, applied.map(\.number) != [query] { wrong("a write finished that was not applied") }
            if scenario.reads, rows.count != scenario.script.rowPages { wrong("rows are missing") }
            if let row = rows.first, row.query != query { wrong("the rows are not of the attempt that finished") }
        case .failed(let query, _):
            if let write = applied.first, write.number != query { wrong("a write failed that was applied") }
            if let row = rows.first, row.query != query { wrong("the rows are not of the attempt that failed") }
        case .status(let status, let query):
            let isItsOwn = query != nil && applied.first?.number == query
            if !applied.isEmpty, !isItsOwn, !(status == 404 && (isForgotten || wasRestarted)) {
                wrong("a write failed with \(status) that was applied")
            }
        case .own(let error): judge(error, applied: !applied.isEmpty)
        case .cutOff: break
        }
        guard let cell = world.cell else { return }
        if world.waiting.value != 0 { wrong("\(world.waiting.value) statements wait though it has ended") }
        if cell.capsule != nil { wrong("the capsule was kept though the statement has ended") }
        let counted = world.loads.values.reduce(0) { $0 + $1.total }
        if counted != 0 { wrong("it counts as \(counted) statements though it has ended") }
    }

    private mutating func judge(_ error: OwnError, applied: Bool) {
        switch error {
        case .outcomeUnknown, .ownerLost: break
        case .userCanceled:
            if !wasAskedToCancel { wrong("canceled though nobody asked for it") }
        case .noCoordinator, .coordinatorLost, .queueFull, .poolNotAllowed, .unknownTransaction:
            if applied { wrong("\(error.rawValue) though the write was applied") }
        }
    }
}

extension RetryGate {
    /// Whether it is looked at before another.
    fileprivate func isBefore(_ other: RetryGate) -> Bool {
        let order = Self.allCases
        return (order.firstIndex(of: self) ?? 0) < (order.firstIndex(of: other) ?? 0)
    }
}
