import Testing

@testable import Engine

#if canImport(Glibc)
    import Glibc
#endif

/// Thousands of seeded histories of one statement: coordinators of both kinds that fail in every way, a gateway that
/// restarts, a client that polls late, again, or not at all. A history that goes wrong is printed short and in words.
///
/// PENSTOCK_HISTORIES says how many (10000), PENSTOCK_SEED which is the first (1).
@Suite struct SimulationTests {
    private static func number(_ name: String, _ otherwise: UInt64) -> UInt64 {
        guard let text = unsafe getenv(name) else { return otherwise }
        return UInt64(unsafe String(cString: text)) ?? otherwise
    }

    @Test func noHistoryGoesWrong() {
        let first = Self.number("PENSTOCK_SEED", 1)
        let count = Self.number("PENSTOCK_HISTORIES", 10_000)
        var reached = Set<RetryGate>()
        var retries = 0
        var moves = 0
        for seed in first..<first + count {
            let history = History(seed: seed)
            let referee = history.run()
            reached.formUnion(referee.gates)
            retries += referee.retries
            moves += referee.moves
            guard let wrong = referee.wrongs.first else { continue }
            let short = history.shrunk(to: wrong)
            Issue.record("seed \(seed): \(wrong)\n\(short.story)")
            return
        }
        guard count >= 10_000 else { return }
        // Histories in which nothing is retried would prove nothing.
        #expect(retries > 1000 && moves > 20, "\(retries) retries, \(moves) moves")
        let rest = Set(RetryGate.allCases).subtracting(reached)
        #expect(rest == [.notDead], "gates never reached: \(rest)")
    }
}
