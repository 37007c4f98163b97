import Engine
import Model
import Testing

@testable import Services

@Suite struct ProbingTests {
    @Test func aWellCoordinatorIsReadyAfterTheStart() async throws {
        let rig = try await Rig.started()
        let blue = try #require(rig.coordinator("blue-1"))
        #expect(blue.health == .ready)
        #expect(blue.workers == 2)
        #expect(blue.version == "483")
        #expect(blue.address == CoordinatorAddress(ip: "10.0.0.1", port: 8080))
        #expect(blue.startedAfter == ManualClock.start.adding(milliseconds: -207_000 - 600))
    }

    @Test(arguments: [
        (#"{"nodeVersion":{"version":408}}"#, CoordinatorHealth.ready),
        (#"{"starting":true}"#, .starting), (#"{"starting":false,"state":"SHUTTING_DOWN"}"#, .shuttingDown),
        ("{}", .ready), ("<html>", .unknown), ("", .unknown), (#""ACTIVE""#, .unknown),
    ])
    func understandsWhatServersSay(body: String, health: CoordinatorHealth) async throws {
        let rig = Rig()
        rig.web.serve("10.0.0.1:8080", ["/v1/info": .says(200, body)])
        try await rig.routing.start()
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.health == health)
    }

    @Test func theStateHasAnEndpointOfItsOwnInOlderVersions() async throws {
        let rig = Rig()
        rig.web.serve(
            "10.0.0.1:8080",
            ["/v1/info": .says(200, #"{"starting":false}"#), "/v1/info/state": .says(200, "\"INACTIVE\"\n")])
        try await rig.routing.start()
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.health == .shuttingDown)
    }

    @Test func prestoCountsItsWorkersElsewhere() async throws {
        var settings = Settings.twoPools
        settings.groups[0].pools[0].dialect = .presto
        let rig = Rig(settings)
        rig.web.serve(
            "10.0.0.1:8080",
            [
                "/v1/info": .says(200, #"{"starting":false,"uptime":"9.13m"}"#),
                "/v1/info/state": .says(200, #""ACTIVE""#), "/v1/cluster": .says(200, #"{"activeWorkers":0}"#),
            ])
        try await rig.routing.start()
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.health == .noWorkers)
        #expect(rig.web.requests.allSatisfy { $0.headers.contains(WebHeader("X-Presto-User", "penstock")) })
    }

    @Test(arguments: [401, 403, 404])
    func anEndpointThatDoesNotTellIsNotAskedAgainAtOnce(status: Int) async throws {
        let rig = Rig()
        let metrics = "/v1/integrations/gateway/metrics"
        rig.web.serve(
            "10.0.0.1:8080",
            ["/v1/info": .says(200, #"{"starting":false,"state":"ACTIVE"}"#), metrics: .says(status, "")])
        try await rig.routing.start()
        await rig.probe("blue-1")
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.health == .ready)
        #expect(rig.web.requests.count { $0.url.hasSuffix(metrics) } == 1)
        rig.clock.advance(60_000)
        await rig.probe("blue-1")
        #expect(rig.web.requests.count { $0.url.hasSuffix(metrics) } == 2)
    }

    @Test func workersAreNotAskedForWhereTheSettingsSayOff() async throws {
        var settings = Settings.twoPools
        settings.groups[0].pools[0].probe.workers = .off
        let rig = try await Rig.started(settings)
        #expect(rig.coordinator("blue-1")?.workers == nil)
        #expect(rig.coordinator("green-1")?.workers == 2)
    }

    @Test func ofAnotherPathOnlyTheStatusCounts() async throws {
        var settings = Settings.twoPools
        settings.groups[0].pools[0].probe.path = "/docs"
        let rig = Rig(settings)
        rig.web.serve("10.0.0.1:8080", ["/docs": .says(200, "<html>")])
        try await rig.routing.start()
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.health == .ready)
        #expect(rig.web.requests.count == 1)
    }

    @Test func aCoordinatorThatIsAwayIsDownAfterFallProbes() async throws {
        let rig = try await Rig.started()
        rig.web.serve("10.0.0.1:8080", ["/v1/info": .problem(.timedOut)])
        for expected in [CoordinatorHealth.ready, .ready, .down] {
            await rig.probe("blue-1")
            #expect(rig.coordinator("blue-1")?.health == expected)
        }
        #expect(rig.log.field("to", of: "coordinator health changed") == "down")
    }

    @Test func aNameIsTriedAtEachOfItsAddresses() async throws {
        let rig = Rig(Settings.with([("blue", "trino.example")]))
        rig.names.point("trino.example", to: ["10.1.1.1", "10.1.1.2"])
        rig.web.serve("10.1.1.2:8080", .wellServer)
        try await rig.routing.start()
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.address?.ip == "10.1.1.2")
        // The one that answered is kept while it answers.
        rig.web.serve("10.1.1.1:8080", .wellServer)
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.address?.ip == "10.1.1.2")
    }

    @Test func aNameThatNoLongerResolvesKeepsItsAddress() async throws {
        let rig = Rig(Settings.with([("blue", "trino.example")]))
        rig.names.point("trino.example", to: ["10.1.1.1"])
        rig.web.serve("10.1.1.1:8080", .wellServer)
        try await rig.routing.start()
        await rig.probe("blue-1")
        rig.names.point("trino.example", to: [])
        await rig.probe("blue-1")
        await rig.probe("blue-1")
        #expect(rig.coordinator("blue-1")?.isReady == true)
    }

    @Test(.timeLimit(.minutes(1))) func aResolverThatHangsHoldsUpNoStart() async throws {
        let rig = Rig(Settings.with([("blue", "trino.example"), ("green", "10.0.0.2")]))
        rig.web.serve("10.0.0.2:8080", .wellServer)
        rig.names.hang()
        try await rig.routing.start()
        let starting = Task { try await rig.probing.start() }
        while rig.coordinator("green-1")?.isReady != true { await Task.yield() }
        // The start sleeps until its patience ends; it may not have begun to when the clock is first moved.
        let isOver = Counter()
        Task {
            _ = await starting.result
            isOver.add()
        }
        while isOver.value == 0 {
            rig.clock.advance(1500)
            await Task.yield()
        }
        #expect(rig.coordinator("blue-1")?.health == .unknown)
        rig.names.goOn()
    }

    @Test func aNameThatNeverResolvedIsNotReady() async throws {
        let rig = Rig(Settings.with([("blue", "nowhere.example")]))
        try await rig.routing.start()
        for _ in 0..<3 { await rig.probe("blue-1") }
        #expect(rig.coordinator("blue-1")?.health == .down)
        #expect(rig.coordinator("blue-1")?.address == nil)
    }
}

@Suite struct ProbeScheduleTests {
    private var schedule = ProbeSchedule()

    @Test mutating func theRateIsFixedHoweverLongProbesTake() {
        schedule.keep([1: 2000], now: 0)
        #expect(schedule.takeDue(now: 0) == [1])
        #expect(schedule.takeDue(now: 2500) == [])
        schedule.ended(1)
        #expect(schedule.takeDue(now: 2500) == [1])
        schedule.ended(1)
        #expect(schedule.takeDue(now: 3900) == [])
        #expect(schedule.takeDue(now: 4000) == [1])
    }

    @Test mutating func missedProbesAreNotMadeUpFor() {
        schedule.keep([1: 2000], now: 0)
        _ = schedule.takeDue(now: 0)
        schedule.ended(1)
        #expect(schedule.takeDue(now: 9000) == [1])
        schedule.ended(1)
        #expect(schedule.takeDue(now: 9001) == [])
        #expect(schedule.takeDue(now: 10_000) == [1])
    }

    @Test mutating func doubtsProbeOutOfTurnButNotWithoutMeasure() {
        schedule.keep([1: 2000, 2: 2000], now: 0)
        #expect(schedule.takeDue(now: 0) == [1, 2])
        schedule.ended(1)
        schedule.ended(2)
        schedule.doubt(2)
        #expect(schedule.takeDue(now: 100) == [])
        #expect(schedule.takeDue(now: 250) == [2])
        schedule.doubt(2)
        #expect(schedule.takeDue(now: 600) == [])
        schedule.ended(2)
        #expect(schedule.takeDue(now: 600) == [2])
        #expect(schedule.takeDue(now: 2000) == [1])
    }

    @Test mutating func whoFailedIsAskedAgainAtOnceUntilItIsDown() {
        schedule.keep([1: 2000], now: 0)
        #expect(schedule.takeDue(now: 0) == [1])
        // It refused: the next one comes a little later, not at the next turn.
        schedule.ended(1, isInDoubt: true)
        #expect(schedule.takeDue(now: 400) == [])
        #expect(schedule.takeDue(now: 500) == [1])
        // It was silent until its time was up.
        schedule.ended(1, isInDoubt: true)
        #expect(schedule.takeDue(now: 2000) == [1])
        schedule.ended(1, isInDoubt: false)
        #expect(schedule.takeDue(now: 3900) == [])
        #expect(schedule.takeDue(now: 4000) == [1])
    }

    /// Every 2 s, 1.5 s for an answer, three failures, looked at every 100 ms: the shipped settings.
    @Test(arguments: [(1500, 7000), (0, 3500)] as [(Int64, Int64)])
    func whoeverGoesAwayIsNoticedInTime(answerTime: Int64, within: Int64) {
        for moment in stride(from: Int64(50), through: 2050, by: 50) {
            var schedule = ProbeSchedule()
            var machine = HealthMachine(fall: 3, rise: 2)
            schedule.keep([1: 2000], now: 0)
            var running: Int64?
            var now: Int64 = 0
            while machine.health != .down, now < 60_000 {
                if let began = running, now >= began + (began >= moment ? answerTime : 0) {
                    let result: ProbeResult = began >= moment ? .silent : .answered(ProbeAnswer())
                    _ = machine.onProbe(result, asked: ManualClock.start.adding(milliseconds: began))
                    schedule.ended(1, isInDoubt: machine.isInDoubt)
                    running = nil
                }
                if !schedule.takeDue(now: now).isEmpty { running = now }
                now += 100
            }
            #expect(now - moment <= within, "away from \(moment) on, noticed at \(now)")
        }
    }

    @Test mutating func newOnesAreDueAtOnceAndOldOnesGo() {
        schedule.keep([1: 2000], now: 0)
        _ = schedule.takeDue(now: 0)
        schedule.keep([2: 2000], now: 700)
        #expect(schedule.takeDue(now: 700) == [2])
        schedule.ended(1)
        #expect(schedule.takeDue(now: 5000) == [])
    }
}
