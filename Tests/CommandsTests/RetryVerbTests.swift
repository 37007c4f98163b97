import Engine
import Model
import Testing
import Wire

@testable import Commands

/// What on-call reads: the retry log, and the story of one statement.
@Suite("Verbs of retries")
struct RetryVerbTests {
    private let start = Timestamp(milliseconds: 1_767_225_599_000)

    private func at(_ milliseconds: Int64) -> Timestamp { start.adding(milliseconds: milliseconds) }

    private func verdict(
        _ attempt: Int, _ coordinator: String, _ failure: String, _ rule: String?, _ action: RetryAction,
        gate: RetryGate? = nil, wait: Int64 = 0, cost: Int64 = 0, at time: Int64
    ) -> VerdictRecord {
        let verdict = Verdict(
            attempt: attempt, failure: failure, message: "\(failure) said", rule: rule, failureClass: .resource,
            action: action, gate: gate, isRetried: gate == nil && action != .none, wait: wait, cost: cost)
        return VerdictRecord(verdict, pool: "blue", coordinator: coordinator, at: at(time))
    }

    /// Ran out of memory on blue-1, was slow to answer on blue-2, and finished there.
    private var retried: StatementRecord {
        var record = StatementRecord(
            id: "s1", key: StatementKey(owner: Owner(counter: 1, random: 2), number: 3), submitted: start)
        record.state = .finished
        record.user = "anna"
        record.group = "default"
        record.ended = at(9400)
        record.attempts = [
            AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: at(10)),
            AttemptRecord(number: 2, pool: "blue", coordinator: "blue-2", started: at(6100)),
        ]
        record.attempts[0].queryID = "q1"
        record.verdicts = [
            verdict(1, "blue-1", "CLUSTER_OUT_OF_MEMORY", "R01", .other, wait: 4000, cost: 2090, at: 2100),
            verdict(2, "blue-2", "no-answer", "H06", .repeat, at: 7000),
        ]
        record.verdicts[0].outcome = .finished
        record.verdicts[1].outcome = .finished
        record.verdicts[1].times = 3
        record.verdicts[1].last = at(9000)
        record.waits = [WaitRecord(began: at(2100), ended: at(6100), reason: .backOff)]
        return record
    }

    @Test func aStatementTellsItsStory() async throws {
        let session = Session()
        try session.answer("/v1/statements/s1", StatementBody(retried))
        #expect(await session.run("statement", "s1", columns: 60) == .done)
        #expect(session.output.contains("attempts    2\nwaited      4.0 s\n"))
        let story = """
            23:59:59.000Z      +0 ms  submitted to group default by anna
            23:59:59.010Z     +10 ms  attempt 1 on blue-1 (pool blue), query q1
            00:00:01.100Z     +2.1 s  attempt 1 on blue-1 failed after 2.0 s: CLUSTER_OUT_OF_MEMORY; rule R01 (resource) \
            says other, so it is submitted again after 4.0 s
            00:00:01.100Z     +2.1 s  waits here: back-off, as the rule says, for 4.0 s
            00:00:05.100Z     +6.1 s  attempt 2 on blue-2 (pool blue)
            00:00:06.000Z     +7.0 s  attempt 2 on blue-2 gave no page: no-answer (no answer came in time); rule \
            H06 (resource) says repeat, so the same URI is asked for again 3 times, until 00:00:08.000Z
            00:00:08.400Z     +9.4 s  finished

            attempt 1: CLUSTER_OUT_OF_MEMORY said

            attempt 2: no-answer said

            """
        #expect(session.output.hasSuffix(story))
    }

    @Test func whatStoppedARetryIsSaidInWords() async throws {
        var record = retried
        record.state = .failed
        record.failure = "CLUSTER_OUT_OF_MEMORY"
        record.message = "CLUSTER_OUT_OF_MEMORY said"
        record.verdicts = [verdict(1, "blue-1", "CLUSTER_OUT_OF_MEMORY", "R01", .other, gate: .shadow, at: 2100)]
        let session = Session()
        try session.answer("/v1/statements/s1", StatementBody(record))
        #expect(await session.run("statement", "s1") == .done)
        #expect(
            session.output.contains(
                "rule R01 (resource) says other, but gate shadow is closed (retrying is only watched): the client gets "
                    + "the failure\n"))
        #expect(session.output.contains("failed: CLUSTER_OUT_OF_MEMORY\n\nattempt 1: CLUSTER_OUT_OF_MEMORY said\n"))
        #expect(!session.output.contains("the client got"))
    }

    @Test func whatMovedHadNotFailed() async throws {
        var record = retried
        record.verdicts = [verdict(1, "blue-1", "no-workers", nil, .other, cost: 2000, at: 2100)]
        record.waits = []
        let session = Session()
        try session.answer("/v1/statements/s1", StatementBody(record))
        #expect(await session.run("statement", "s1") == .done)
        #expect(
            session.output.contains(
                "attempt 1 waited in the queue of blue-1 for 2.0 s, which is no-workers: it moves to another "
                    + "coordinator, which costs it no attempt\n"))
        try session.answer("/v1/retries", ListBody(record.lines.map(RetryLine.init)))
        #expect(await session.run("retries") == .done)
        #expect(session.output.contains("  (moved)  "))
    }

    @Test func aStatementThatWaitsSaysForWhat() async throws {
        var record = retried
        record.state = .waiting
        record.ended = nil
        record.attempts = []
        record.verdicts = []
        record.waits = [WaitRecord(began: at(5), reason: .noCoordinator)]
        let session = Session()
        try session.answer("/v1/statements/s1", StatementBody(record))
        #expect(await session.run("statement", "s1") == .done)
        #expect(session.output.contains("waits here: no coordinator can take it, for "))
        #expect(session.output.contains("now it is waiting\n"))
    }

    @Test func theRetryLogIsATable() async throws {
        let session = Session()
        var lines = retried.lines.map(RetryLine.init)
        lines.append(
            RetryLine(
                RetryRecord(
                    statement: "s2", user: "bob", group: "default",
                    verdict: verdict(1, "", "no-target", nil, .none, gate: .noTarget, at: 0))))
        try session.answer("/v1/retries", ListBody(lines, nextCursor: "1-s2-1"))
        #expect(await session.run("retries") == .done)
        #expect(
            session.output == """
                AT                    STATEMENT  ATTEMPT  COORDINATOR  FAILURE                RULE  CLASS     ACTION  \
                GATE        WAIT   COST  OUTCOME
                2026-01-01T00:00:01Z  s1               1  blue-1       CLUSTER_OUT_OF_MEMORY  R01   resource  other   \
                -          4.0 s  2.0 s  finished
                2026-01-01T00:00:06Z  s1               2  blue-2       no-answer x3           H06   resource  repeat  \
                -           0 ms   0 ms  finished
                2025-12-31T23:59:59Z  s2               1  -            no-target              -     resource  none    \
                no-target      -   0 ms  surfaced
                there are more: --cursor 1-s2-1

                """)
    }

    @Test func filtersOfTheRetryLogGoToTheGateway() async throws {
        let session = Session()
        try session.answer("/v1/retries", ListBody<RetryLine>([]))
        let code = await session.run(
            "retries", "--class", "resource", "--rule", "R01", "--gate", "budget", "--statement", "s1", "--since",
            "15m",
            "--limit", "5")
        #expect(code == .done)
        #expect(
            session.asked == [
                "GET /v1/retries?limit=5&class=resource&gate=budget&rule=R01&statement=s1"
                    + "&since=2025-12-31T23%3A45%3A00.000Z"
            ])
        #expect(session.output == "nothing in the retry log matches\n")
        #expect(await session.run("retries", "--gate", "budgets") == .wrongUsage)
        #expect(session.errors.contains("did you mean budget?"))
    }

    @Test func anEmptyRetryLogSaysSo() async throws {
        let session = Session()
        try session.answer("/v1/retries", ListBody<RetryLine>([]))
        #expect(await session.run("retries") == .done)
        #expect(session.output == "the retry log is empty\n")
    }

    @Test func statementsAreFoundByWhatBefellThem() async throws {
        let session = Session()
        try session.answer("/v1/statements", ListBody<StatementBody>([]))
        #expect(await session.run("statements", "--class", "user", "--rule", "U01", "--retried") == .done)
        #expect(session.asked == ["GET /v1/statements?class=user&rule=U01&retried=true"])
    }
}
