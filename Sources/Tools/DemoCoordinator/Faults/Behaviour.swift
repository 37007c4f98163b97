import Wire

/// How a coordinator behaves when nothing goes wrong: the numbers of a `FaultScript`, with their defaults.
struct Behaviour: Equatable {
    var dialect = Dialect.trino
    var pageRows = 100_000
    var pageBytes = 1_000_000
    var finishedPages = 1
    /// Nil: what is large.
    var isChunked: Bool?
    var workers = 1
    var workerWait: Int64 = 300_000
    var state = "ACTIVE"
    var running = 100
    var abandonment: Int64 = 300_000

    /// Takes what a script says; what it does not say returns to its default.
    init(_ script: FaultScript) {
        dialect = script.dialect == .presto ? .presto : .trino
        pageRows = max(1, script.pageRows ?? pageRows)
        pageBytes = max(1, script.pageBytes ?? pageBytes)
        finishedPages = max(0, script.finishedPages ?? finishedPages)
        isChunked = script.chunked
        workers = max(0, script.workers ?? workers)
        workerWait = max(0, script.workerWaitMs ?? workerWait)
        state = script.state ?? state
        running = max(1, script.running ?? running)
        abandonment = max(1, script.abandonMs ?? abandonment)
    }
}
