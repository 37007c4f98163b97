import Engine
import Model
import Testing
import Wire

@testable import Telemetry

@Suite("Metrics")
struct MetricsTests {
    @Test func labelsAreEscaped() {
        var text = MetricsText()
        text.add("x", .gauge, "Help.", [.init(7, ("name", "a\"b\\c\nd"))])
        let lines = text.text.split(separator: "\n")
        #expect(lines == ["# HELP penstock_x Help.", "# TYPE penstock_x gauge", #"penstock_x{name="a\"b\\c\nd"} 7"#])
    }

    @Test func everyMetricHasHelpTypeAndOneLinePerLabels() {
        let text = metricsText(reading())
        var seen: Set<Substring> = []
        var described: Substring?
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# HELP ") { described = line.split(separator: " ")[2] }
            guard !line.hasPrefix("#") else { continue }
            let series = line.prefix { $0 != " " }
            #expect(series.prefix { $0 != "{" } == described)
            #expect(seen.insert(series).inserted, "twice: \(series)")
        }
        #expect(seen.allSatisfy { $0.hasPrefix("penstock_") })
        #expect(text.last == "\n")
    }

    @Test func countsStandUnderTheirNames() {
        let lines = Set(metricsText(reading()).split(separator: "\n").map(String.init))
        for line in [
            #"penstock_build_info{version="1.2"} 1"#,
            "penstock_start_time_seconds 1767225600.5",
            "penstock_ready 1",
            "penstock_submissions_total 41",
            "penstock_client_connections 3",
            #"penstock_group_epoch{group="default"} 8"#,
            #"penstock_pool_active{group="default",pool="blue"} 1"#,
            #"penstock_pool_in_flight{group="default",pool="blue",state="running"} 2"#,
            #"penstock_pool_drain{group="default",pool="blue",drain="none"} 1"#,
            #"penstock_coordinator_health{group="default",pool="blue",coordinator="blue-1",health="ready"} 1"#,
            #"penstock_coordinator_health{group="default",pool="blue",coordinator="blue-1",health="down"} 0"#,
            #"penstock_coordinator_in_flight{group="default",pool="blue",coordinator="blue-1"} 2"#,
            #"penstock_coordinator_workers{group="default",pool="blue",coordinator="blue-1"} 4"#,
            #"penstock_statements_ended_total{state="finished"} 39"#,
            #"penstock_statements_ended_total{state="lost"} 0"#,
            #"penstock_verdicts_total{rule="R01",class="resource",action="other",gate="none"} 1"#,
            #"penstock_verdicts_total{rule="none",class="internal",action="none",gate="none"} 2"#,
            #"penstock_verdicts_total{rule="U01",class="user",action="same",gate="opt-in"} 1"#,
            #"penstock_retries_total{rule="R01",outcome="finished"} 1"#,
            "penstock_statements_waiting 4",
            #"penstock_waits_total{reason="back-off"} 1"#,
            #"penstock_wait_seconds_total{reason="back-off"} 2.5"#,
            #"penstock_waits_total{reason="store"} 0"#,
            "penstock_retry_budget_limit 20",
            "penstock_retry_budget_available 17",
            "penstock_breakers_open 1",
            #"penstock_breaker_open{rule="I01"} 1"#,
            "penstock_capsule_bytes 4096",
            #"penstock_flips_total{group="default"} 7"#,
            #"penstock_flips_refused_total{guard="not-healthy"} 2"#,
            #"penstock_store_writable{store="sqlite"} 0"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    /// Rules come and go with the policy; a label must not grow without end.
    @Test func rulesBeyondABoundAreCountedTogether() {
        var counts = RetryCounts()
        for number in 0..<RetryCounts.maximumSeries + 5 {
            counts.add(
                Verdict(
                    attempt: 1, failure: "F", rule: "X\(number)", failureClass: .external, action: .same,
                    isRetried: true))
        }
        #expect(counts.verdicts.count == RetryCounts.maximumSeries + 1)
        #expect(counts.verdicts.first { $0.key.rule == RetryCounts.anotherRule }?.value == 5)
    }

    /// One statement that was retried and finished, and three failures that clients saw.
    private func retries() -> RetryCounts {
        let start = Timestamp(milliseconds: 1_767_225_600_000)
        let retried = Verdict(
            attempt: 1, failure: "CLUSTER_OUT_OF_MEMORY", rule: "R01", failureClass: .resource, action: .other,
            isRetried: true)
        let shown = Verdict(
            attempt: 1, failure: "STRANGE", rule: nil, failureClass: .internal, action: .none, isRetried: false)
        var stopped = retried
        (stopped.rule, stopped.failureClass, stopped.action) = ("U01", .user, .same)
        (stopped.gate, stopped.isRetried) = (.optIn, false)
        var counts = RetryCounts()
        for verdict in [retried, shown, shown, stopped] { counts.add(verdict) }
        var record = StatementRecord(
            id: "a", key: StatementKey(owner: Owner(counter: 1, random: 2), number: 3), submitted: start)
        record.state = .finished
        record.verdicts = [VerdictRecord(retried, pool: "blue", coordinator: "blue-1", at: start)]
        record.verdicts[0].outcome = .finished
        record.waits = [
            WaitRecord(began: start, ended: start.adding(milliseconds: 2500), reason: .backOff)
        ]
        counts.add(ended: record)
        return counts
    }

    private func reading() -> MetricsReading {
        var blue = Coordinator(
            registration: 4, name: "blue-1", group: "default", pool: "blue", url: "http://a:1", authority: "a:1")
        blue.health = .ready
        blue.workers = 4
        var replaced = blue
        replaced.registration = 3
        replaced.isRetired = true
        let coordinators = [
            CoordinatorBody(blue, drain: .none, inFlight: 2, openTransactions: 0),
            CoordinatorBody(replaced, drain: .draining, inFlight: 1, openTransactions: 0),
        ]
        let pool = PoolBody(
            name: "blue", isActive: true, isHealthy: true, share: 1, dialect: "trino", drain: .none, drainsFor: [],
            inFlight: InFlightBody(running: 2), openTransactions: 0, versions: ["470"], coordinators: coordinators)
        var reading = MetricsReading(
            version: "1.2", started: Timestamp(milliseconds: 1_767_225_600_500), isReady: true,
            groups: [GroupBody(name: "default", active: "blue", epoch: 8, pools: [pool])],
            store: StorageCondition(kind: "sqlite", isWritable: false, problem: "full", location: "/x", bytes: 9))
        reading.counters.submissions = 41
        reading.counters.openConnections = 3
        reading.ended = [.finished: 39]
        reading.retries = retries()
        reading.retryState = RetryState(
            budgetLimit: 20, budgetLeft: 17, openBreakers: ["I01"], waiting: 4, capsuleBytes: 4096)
        reading.flips = ["default": 7]
        reading.refusedFlips = [.notHealthy: 2]
        return reading
    }
}
