import Model

/// The demo's clients: each runs one statement after the other until it is told to stop.
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

    private struct State {
        var act = ""
        /// The change of pools that followed an act.
        var changes: [String: String] = [:]
        var tallies: [Tally] = []
        var errors: [String] = []
        var finished = 0
        var isOver = false
    }

    private let state = Guarded(State())
    private let client: StatementClient
    private let clock: any Clock

    /// Short ones, long ones, one with many pages.
    private static let statements = [
        "SELECT name, regionkey FROM nation ORDER BY name",
        "SELECT r.name, count(*) FROM nation n JOIN region r ON n.regionkey = r.regionkey GROUP BY r.name",
        "SELECT orderkey, custkey, totalprice FROM orders WHERE totalprice > 1000",
        "SELECT returnflag, count(*), sum(quantity) FROM lineitem GROUP BY returnflag",
        "SELECT 1",
    ]

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

    func stop() { state.withLock { $0.isOver = true } }

    var finished: Int { state.withLock { $0.finished } }
    var failures: Int { state.withLock { $0.tallies.reduce(0) { $0 + $1.failures } } }
    var tallies: [Tally] { state.withLock { $0.tallies } }
    /// The first errors, at most ten.
    var errors: [String] { state.withLock { $0.errors } }

    /// Statements of an act that ended in a pool.
    func finished(act: String, pool: String) -> Int {
        state.withLock { state in
            state.tallies.filter { $0.act == act && $0.pool == pool }.reduce(0) { $0 + $1.statements }
        }
    }

    /// Runs so many clients until `stop`.
    func run(clients: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 1...clients {
                group.addTask { await self.runClient(number) }
            }
        }
    }

    private func runClient(_ number: Int) async {
        var turn = number
        while !Task.isCancelled {
            let (isOver, act) = state.withLock { ($0.isOver, $0.act) }
            guard !isOver else { return }
            let sql = Self.statements[turn % Self.statements.count]
            turn += 1
            let outcome = await client.run(sql, user: "client-\(number)", clock: clock)
            note(outcome, begunIn: act)
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
