import SQLite
import Synchronization
import Threads

/// A flag that ends what a session runs, from any thread.
final class Interruption: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool {
        get { flag.load(ordering: .relaxed) }
        set { flag.store(newValue, ordering: .relaxed) }
    }
}

/// One connection on a thread of its own, which runs one statement at a time, so that SQLite never blocks a loop. A
/// transaction keeps its session until it ends.
final class DatabaseSession: Sendable {
    private let inbox = Mutex<[@Sendable (StatementRun) -> Void]>([])
    private let available = Semaphore()
    private let interruption = Interruption()

    init(_ database: Database, name: String) {
        let run = { @Sendable [weak self, available, interruption] in
            let run = StatementRun(database, interruption)
            while true {
                available.wait()
                guard let job = self?.nextJob() else { return }
                job(run)
            }
        }
        startThread(name: name, run)
    }

    deinit { available.signal() }

    private func nextJob() -> (@Sendable (StatementRun) -> Void)? {
        inbox.withLock { jobs in
            guard !jobs.isEmpty else { return nil }
            return jobs.removeFirst()
        }
    }

    private func add(_ job: @escaping @Sendable (StatementRun) -> Void) {
        inbox.withLock { $0.append(job) }
        available.signal()
    }

    /// Ends the statement, whether it runs now or would go on later.
    func interrupt() { interruption.isSet = true }

    /// Understands a statement and makes it ready. `done` is called on the session's thread, here and below.
    func prepare(
        _ request: StatementRequest, done: @escaping @Sendable (Result<PlannedStatement, QueryFailure>) -> Void
    ) {
        interruption.isSet = false
        add { run in done(run.prepare(request)) }
    }

    /// Runs on: the next page's rows of a query, or all of a change.
    func next(done: @escaping @Sendable (RowBatch) -> Void) {
        add { run in done(run.next()) }
    }

    /// Lets the statement go.
    func reset() {
        add { run in run.close() }
    }

    /// Ends the thread once what was asked for is done.
    func end() {
        interrupt()
        add { run in run.end() }
    }

    /// Starts, commits or rolls back the session's transaction.
    func transact(_ step: TransactionStep, done: @escaping @Sendable (QueryFailure?) -> Void) {
        interruption.isSet = false
        add { run in done(run.transact(step)) }
    }
}
