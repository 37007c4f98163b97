import Model

/// The demo's clients: each runs one statement after the other until it is told to stop. Readers run queries; writers
/// insert numbers, each once, so that it can be seen at the end what was written how often.
final class DemoLoad: Sendable {
    /// What the clients have seen, by the act of the story and the pool.
    struct Tally: Equatable, Sendable {
        var act: String
        var pool: String
        var statements = 0
        var rows = 0
        var failures = 0
        var slowestMilliseconds: Int64 = 0
    }

    /// What the writers were told.
    struct Journal: Equatable, Sendable {
        /// Numbers whose INSERT finished.
        var written: [Int64] = []
        /// Numbers whose INSERT failed.
        var failed: [Int64] = []
    }

    private struct State {
        var act = ""
        /// The change of pools that followed an act.
        var changes: [String: String] = [:]
        var tallies: [Tally] = []
        var errors: [String] = []
        var finished = 0
        var journal = Journal()
        /// What each reader's statement has shown so far.
        var reading: [Int: StatementClient.Outcome] = [:]
        /// Writers with an INSERT under way.
        var writing = 0
        var writersRest = false
        var isOver = false
    }

    private let state = Guarded(State())
    private let client: StatementClient
    private let clock: any Clock

    /// The table that the writers fill.
    static let journalTable = "memory.default.journal"

    /// Short ones, long ones, one with many pages.
    private static let statements = [
        "SELECT name, regionkey FROM nation ORDER BY name",
        "SELECT r.name, count(*) FROM nation n JOIN region r ON n.regionkey = r.regionkey GROUP BY r.name",
        "SELECT orderkey, custkey, totalprice FROM orders WHERE totalprice > 1000",
        "SELECT returnflag, count(*), sum(quantity) FROM lineitem GROUP BY returnflag",
        "SELECT count(*) FROM customer",
    ]
    /// Between two INSERTs of a writer, in milliseconds.
    private static let pause: Int64 = 100

    init(client: StatementClient, clock: any Clock) {
        self.client = client
        self.clock = clock
    }

    /// From now on what begins belongs to this act. What has begun before a change of pools and has not ended belongs
    /// to the change: it may be submitted before or after it.
    func begin(act: String, isChange: Bool = false) {
        state.withLock { state in
            if isChange { state.changes[state.act] = act }
            state.act = act
        }
    }

    /// Lets the writers finish what they have begun and begin nothing, or go on.
    func letWritersRest(_ rest: Bool) { state.withLock { $0.writersRest = rest } }

    func stop() { state.withLock { $0.isOver = true } }

    var finished: Int { state.withLock { $0.finished } }
    var failures: Int { state.withLock { $0.tallies.reduce(0) { $0 + $1.failures } } }
    var tallies: [Tally] { state.withLock { $0.tallies } }
    var journal: Journal { state.withLock { $0.journal } }
    var isWriting: Bool { state.withLock { $0.writing > 0 } }
    /// The first errors, at most ten.
    var errors: [String] { state.withLock { $0.errors } }

    /// Statements of an act that ended in a pool.
    func finished(act: String, pool: String) -> Int {
        state.withLock { state in
            state.tallies.filter { $0.act == act && $0.pool == pool }.reduce(0) { $0 + $1.statements }
        }
    }

    /// Readers whose statement a coordinator has.
    func reading(on coordinator: String) -> Int {
        state.withLock { $0.reading.values.count { $0.coordinator == coordinator } }
    }

    /// Whether a reader's statement on a coordinator has come beyond the page that shows the columns alone.
    func isDelivering(_ coordinator: String) -> Bool {
        state.withLock { state in
            state.reading.values.contains {
                $0.coordinator == coordinator && ($0.rows > 0 || $0.page.map { $0 > 1 } ?? false)
            }
        }
    }

    /// Runs so many clients until `stop`.
    func run(readers: Int, writers: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 1...readers { group.addTask { await self.runReader(number) } }
            for number in 1...writers { group.addTask { await self.runWriter(number) } }
        }
    }

    private func runReader(_ number: Int) async {
        var turn = number
        while !Task.isCancelled {
            let (isOver, act) = state.withLock { ($0.isOver, $0.act) }
            guard !isOver else { return }
            let sql = Self.statements[turn % Self.statements.count]
            turn += 1
            let outcome = await client.run(sql, user: "reader-\(number)", clock: clock) { seen in
                state.withLock { $0.reading[number] = seen }
            }
            state.withLock { $0.reading[number] = nil }
            note(outcome, begunIn: act)
        }
    }

    private func runWriter(_ number: Int) async {
        var entry = Int64(number) * 1_000_000
        while !Task.isCancelled {
            let (isOver, act, rests) = state.withLock { state in
                if !state.isOver, !state.writersRest { state.writing += 1 }
                return (state.isOver, state.act, state.writersRest)
            }
            guard !isOver else { return }
            if !rests {
                entry += 1
                let sql = "INSERT INTO \(Self.journalTable) VALUES (\(entry))"
                let outcome = await client.run(sql, user: "writer-\(number)", clock: clock)
                note(outcome, begunIn: act)
                noteEntry(entry, failed: outcome.error != nil)
            }
            guard (try? await clock.sleep(milliseconds: Self.pause)) != nil else { return }
        }
    }

    private func noteEntry(_ entry: Int64, failed: Bool) {
        state.withLock { state in
            state.writing -= 1
            if failed { state.journal.failed.append(entry) } else { state.journal.written.append(entry) }
        }
    }

    private func note(_ outcome: StatementClient.Outcome, begunIn: String) {
        state.withLock { state in
            let act = state.changes[begunIn] ?? begunIn
            let pool = outcome.pool.isEmpty ? "none" : outcome.pool
            let index: Int
            if let found = state.tallies.firstIndex(where: { $0.act == act && $0.pool == pool }) {
                index = found
            } else {
                index = state.tallies.count
                state.tallies.append(Tally(act: act, pool: pool))
            }
            state.finished += 1
            state.tallies[index].statements += 1
            state.tallies[index].rows += outcome.rows
            state.tallies[index].slowestMilliseconds = max(
                state.tallies[index].slowestMilliseconds, outcome.milliseconds)
            if let error = outcome.error {
                state.tallies[index].failures += 1
                if state.errors.count < 10 { state.errors.append("\(act), \(pool): \(error)") }
            }
        }
    }
}
