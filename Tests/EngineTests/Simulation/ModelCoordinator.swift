import Engine

/// A page as a modelled coordinator makes it.
struct ModelPage: Equatable {
    /// The query that it is of; each has a number of its own in a history.
    var query: Int
    /// Its place in its query: 0 answers the POST.
    var token: Int
    var hasNext = true
    var runs = false
    var writes = false
    var hasRows = false
    var columns: UInt64?
    var changesSession = false
    var error: ModelError?

    var facts: PageFacts {
        PageFacts(
            hasNext: hasNext, runs: runs, writes: writes, failed: error != nil, hasRows: hasRows, columns: columns,
            changesSession: changesSession)
    }
}

/// What comes back of a request.
enum ModelAnswer: Equatable {
    case page(ModelPage)
    case status(Int)
    case event(FailureEvent)
    case deleted

    var words: String {
        switch self {
        case .page(let page):
            if let error = page.error { return "the error \(error.rawValue) of query \(page.query)" }
            let kind = page.hasRows ? "rows" : page.runs ? "a page that runs" : "a queued page"
            return "\(kind) of query \(page.query)\(page.hasNext ? "" : ", the last")"
        case .status(let status): return "status \(status)"
        case .event(let event): return event.rawValue
        case .deleted: return "the end"
        }
    }
}

/// What a request asks of a coordinator.
enum ModelRequest: Equatable {
    case post(query: Int, attempt: UInt16)
    case get(query: Int, token: Int)
    case delete(query: Int)
}

/// What the next request to a coordinator meets.
struct Fault: Equatable {
    var answer: ModelAnswer
    /// The coordinator had done what it was asked before its answer was lost.
    var isDone = false
    /// The coordinator dies of it, and another process takes its place.
    var isDeadly = false
    /// How many requests meet it.
    var times = 1

    static let kinds: [Fault] =
        [
            Fault(answer: .event(.refused)), Fault(answer: .event(.cut), isDone: true),
            Fault(answer: .event(.empty)), Fault(answer: .status(500), isDone: true),
        ]
        + [false, true].flatMap { isDone in
            [FailureEvent.reset, .noAnswer, .notProtocol].map { Fault(answer: .event($0), isDone: isDone) }
                + [502, 503, 504].map { Fault(answer: .status($0), isDone: isDone) }
        }
        + [401, 404, 429, 429, 500, 500].map { Fault(answer: .status($0)) }

    static func any(using random: inout SeededGenerator) -> Fault {
        var fault = kinds.randomElement(using: &random) ?? Fault(answer: .status(400))
        fault.times = max(1, Int.random(in: -2...3, using: &random))
        if Int.random(in: 0..<20, using: &random) == 0 { fault.times = .max }
        if fault.answer == .event(.reset) { fault.isDeadly = Bool.random(using: &random) }
        return fault
    }
}

/// What the statement does when it runs.
struct Script: Equatable {
    var reads = true
    /// Pages of the queue before it runs.
    var queued = 1
    /// Pages with rows.
    var rowPages = 1
    /// The columns come on a page of their own before the rows.
    var columnsFirst = false
    /// Its first page that runs changes the session.
    var changesSession = false
}

/// A statement's run on a coordinator.
struct ModelQuery {
    let number: Int
    let attempt: UInt16
    let script: Script
    let columns: UInt64
    var hasStarted = false
    var error: ModelError?
    /// What it was to write is written.
    var isApplied = false
    private var served: ModelPage
    private var progress = 0
    private var waitsSince: Int64?

    init(number: Int, attempt: UInt16, script: Script, columns: UInt64) {
        self.number = number
        self.attempt = attempt
        self.script = script
        self.columns = columns
        served = ModelPage(query: number, token: 0)
    }

    /// The answer to the POST, where that runs the statement.
    mutating func runInPost() -> ModelPage {
        hasStarted = true
        work()
        progress = script.queued
        served.runs = true
        served.columns = script.reads ? columns : nil
        return served
    }

    /// It goes on by itself.
    mutating func work() {
        if hasStarted, error == nil, !script.reads { isApplied = true }
    }

    /// It waits for workers, five minutes at most.
    mutating func wait(now: Int64) {
        let since = waitsSince ?? now
        waitsSince = since
        if now - since >= 300_000 { fail(.noWorkers) }
    }

    /// It fails; errors of before the dispatch only while nothing was done.
    mutating func fail(_ error: ModelError) {
        guard served.hasNext, self.error == nil, !(isApplied && error.isBeforeDispatch) else { return }
        self.error = error
    }

    /// The page of this token: the newest again, or the next. Nil: it is not to be had any more.
    mutating func page(_ token: Int, isStuck: Bool) -> ModelPage? {
        if token == served.token { return served }
        guard token == served.token + 1, served.hasNext else { return nil }
        hasStarted = true
        served = next(token, isStuck: isStuck)
        return served
    }

    private mutating func next(_ token: Int, isStuck: Bool) -> ModelPage {
        var page = ModelPage(query: number, token: token)
        if let error {
            page.hasNext = false
            page.error = error
            return page
        }
        if isStuck { return page }
        progress += 1
        guard progress > script.queued else { return page }
        let step = progress - script.queued
        page.runs = true
        page.changesSession = step == 1 && script.changesSession
        guard script.reads else {
            page.hasNext = step == 1
            if step > 1 { work() }
            page.writes = step > 1
            return page
        }
        page.columns = columns
        let rows = script.columnsFirst ? step - 1 : step
        page.hasRows = rows >= 1 && rows <= script.rowPages
        page.hasNext = rows <= script.rowPages
        return page
    }
}

/// One upstream server. What it is, not what the gateway knows of it.
struct ModelCoordinator {
    let registration: UInt32
    let pool: String
    let startsOnPost: Bool
    let columns: UInt64
    var name: String { "c\(registration)" }
    /// Raised by each start.
    var process: UInt32 = 1
    var started: Int64 = 0
    var isAlive = true
    var isFrozen = false
    var isStarting = false
    var isShuttingDown = false
    var hasWorkers = true
    var fault: Fault?
    /// What came while it was frozen.
    var inbox: [ModelRequest] = []
    var queries: [Int: ModelQuery] = [:]
    /// Queries of processes that are gone.
    var buried: [ModelQuery] = []

    /// A request arrives. Nil: it is not answered while the coordinator is frozen.
    mutating func receive(_ request: ModelRequest, script: Script, now: Int64) -> ModelAnswer? {
        let met = fault
        fault?.times -= 1
        if fault?.times == 0 { fault = nil }
        guard isAlive, met?.answer != .event(.refused) else { return .event(.refused) }
        if isFrozen {
            inbox.append(request)
            return nil
        }
        guard let met else { return answer(request, script: script, now: now) }
        if met.isDone { _ = answer(request, script: script, now: now) }
        if met.isDeadly {
            if met.isDone { work() }
            start(isStarting: false, now: now)
        }
        return met.answer
    }

    /// It does what it is asked.
    mutating func answer(_ request: ModelRequest, script: Script, now: Int64) -> ModelAnswer {
        switch request {
        case .post(let number, let attempt):
            var query = ModelQuery(number: number, attempt: attempt, script: script, columns: columns)
            var page = ModelPage(query: number, token: 0)
            if startsOnPost { page = query.runInPost() }
            queries[number] = query
            return .page(page)
        case .get(let number, let token):
            guard var query = queries[number] else { return .status(404) }
            if isStarting { query.fail(.startingUp) }
            let isStuck = !hasWorkers && !query.isApplied
            if isStuck { query.wait(now: now) }
            defer { queries[number] = query }
            return query.page(token, isStuck: isStuck).map { .page($0) } ?? .status(410)
        case .delete(let number):
            if queries[number]?.isApplied == false { queries[number]?.fail(.canceled) }
            return .deleted
        }
    }

    /// What it runs goes on by itself.
    mutating func work() {
        guard hasWorkers else { return }
        for number in queries.keys { queries[number]?.work() }
    }

    /// What it has fails.
    mutating func fail(_ error: ModelError, isDone: Bool) {
        if isDone { work() }
        for number in queries.keys { queries[number]?.fail(error) }
    }

    mutating func kill() {
        buried += queries.values
        queries = [:]
        inbox = []
        isAlive = false
        isFrozen = false
    }

    mutating func start(isStarting: Bool, now: Int64) {
        if isAlive { kill() }
        isAlive = true
        process += 1
        started = now
        self.isStarting = isStarting
        isShuttingDown = false
        hasWorkers = true
    }

    /// It goes on, and first does what it was asked while it was frozen.
    mutating func thaw(script: Script, now: Int64) {
        isFrozen = false
        for request in inbox { _ = answer(request, script: script, now: now) }
        inbox = []
    }

    /// The queries that have written.
    var applied: [ModelQuery] { (buried + queries.values).filter(\.isApplied) }
}
