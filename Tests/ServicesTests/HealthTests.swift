import Engine
import Model
import Testing

@testable import Services

@Suite struct HealthServiceTests {
    /// Blue has two coordinators, green one; nothing tells how many workers there are unless `tells`.
    private func rig(tells: Bool = false) async throws -> Rig {
        var settings = Settings.twoPools
        let url = try #require(ServerURL("http://10.0.0.3:8080"))
        settings.groups[0].pools[0].coordinators.append(CoordinatorSettings(name: "blue-2", url: url))
        if !tells { settings.groups[0].pools[0].probe.workers = .off }
        return try await Rig.started(settings)
    }

    private func fail(_ rig: Rig, _ name: String, _ count: Int, _ failureClass: FailureClass = .internal) async throws {
        let registration = try #require(rig.coordinator(name)?.registration)
        for _ in 0..<count { rig.intake.accept(.failed(registration: registration, failureClass)) }
        await rig.attending.attend(isPressing: false)
    }

    @Test func whatLoopsReportEjects() async throws {
        let rig = try await rig()
        try await fail(rig, "blue-1", 20)
        let blue = try #require(rig.coordinator("blue-1"))
        #expect(blue.health == .ejected)
        #expect(!blue.isReady)
        #expect(blue.episode == 1)
        #expect(blue.until == ManualClock.start.adding(milliseconds: 30_000))
        #expect(rig.log.field("to", of: "coordinator health changed") == "ejected")
        #expect(rig.log.field("reason", of: "coordinator health changed") == "20 statements failed there within 30 s")
        rig.clock.advance(29_999)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.health == .ejected)
        rig.clock.advance(1)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.isReady == true)
        #expect(rig.coordinator("blue-1")?.share == 20)
        rig.clock.advance(30_000)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.share == 100)
    }

    @Test func theApiSaysWhyAndUntilWhen() async throws {
        let rig = try await rig()
        try await fail(rig, "blue-1", 20)
        let body = try await rig.control.coordinator("blue-1")
        #expect(body.health == .ejected)
        #expect(body.reason == "20 statements failed there within 30 s")
        #expect(body.until == ManualClock.start.adding(milliseconds: 30_000))
        #expect(try await rig.control.coordinator("blue-2").reason == nil)
    }

    @Test func submissionsThatDidNotFailSpeakForIt() async throws {
        let rig = try await rig()
        let registration = try #require(rig.coordinator("blue-1")?.registration)
        for turn: UInt64 in 1...40 {
            rig.traffic.state.withLock { $0.submitted[registration] = turn * 10 }
            try await fail(rig, "blue-1", 1)
        }
        #expect(rig.coordinator("blue-1")?.isReady == true)
    }

    @Test func theLastOneOfItsPoolIsSpared() async throws {
        let rig = try await rig()
        try await fail(rig, "green-1", 100)
        #expect(rig.coordinator("green-1")?.isReady == true)
        try await fail(rig, "blue-1", 20)
        try await fail(rig, "blue-2", 100)
        #expect(rig.coordinator("blue-1")?.health == .ejected)
        #expect(rig.coordinator("blue-2")?.isReady == true)
    }

    @Test(arguments: ["down", "drained", "removed"])
    func anEjectedOneIsLetBackWhenNobodyElseIsLeft(way: String) async throws {
        let rig = try await rig()
        try await fail(rig, "blue-1", 20)
        switch way {
        case "down":
            rig.web.serve("10.0.0.3:8080", nil)
            for _ in 0..<3 { await rig.probe("blue-2") }
        case "drained": _ = try await rig.routing.drain("blue-2", true)
        default: _ = try await rig.routing.remove("blue-2")
        }
        #expect(rig.coordinator("blue-1")?.isReady == true)
    }

    @Test func aFailureAsksForAProbe() async throws {
        let rig = try await rig()
        rig.clock.advance(300)
        let before = rig.web.requests.count
        let registration = try #require(rig.coordinator("blue-1")?.registration)
        rig.intake.accept(.failed(registration: registration, .unavailable))
        await rig.attending.attend(isPressing: false)
        let running = Task { try await rig.probing.run() }
        while rig.web.requests.count == before {
            rig.clock.advance(10)
            await Task.yield()
        }
        running.cancel()
        #expect(rig.web.requests[before].url.hasPrefix("http://10.0.0.1"))
    }

    @Test func aBurstOfFailuresIsOneEntry() {
        let intake = Intake()
        for _ in 0..<100_000 { intake.accept(.failed(registration: 1, .unavailable)) }
        intake.accept(.failed(registration: 2, .internal))
        #expect(intake.takeRequests().isEmpty)
        let expected: [UInt32: FailureCount] = [
            1: FailureCount(unavailable: 100_000), 2: FailureCount(internalErrors: 1),
        ]
        #expect(intake.takeFailures() == expected)
        #expect(intake.takeFailures().isEmpty)
    }

    @Test func failuresThatDecideNothingPublishNothing() async throws {
        let rig = try await rig()
        let version = rig.traffic.table.version
        try await fail(rig, "blue-1", 19)
        rig.routing.review()
        #expect(rig.traffic.table.version == version)
    }

    @Test func aCondemnedOneThatTellsItsWorkersWaitsForAProbe() async throws {
        let rig = try await rig(tells: true)
        let registration = try #require(rig.coordinator("blue-1")?.registration)
        rig.intake.accept(.condemned(registration: registration))
        await rig.attending.attend(isPressing: false)
        #expect(rig.coordinator("blue-1")?.health == .noWorkers)
        rig.clock.advance(600_000)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.health == .noWorkers)
        for _ in 0..<2 { await rig.probe("blue-1") }
        #expect(rig.coordinator("blue-1")?.isReady == true)
    }

    @Test func failuresForWantOfWorkersCondemnAndDoNotEject() async throws {
        let rig = try await rig()
        let registration = try #require(rig.coordinator("blue-1")?.registration)
        for _ in 0..<20 {
            rig.intake.accept(.failed(registration: registration, .unavailable))
            rig.intake.accept(.condemned(registration: registration))
        }
        await rig.attending.attend(isPressing: false)
        #expect(rig.coordinator("blue-1")?.health == .noWorkers)
        rig.clock.advance(30_000)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.isReady == true)
    }

    @Test func aCondemnedOneThatDoesNotTellIsTriedOneByOne() async throws {
        let rig = try await rig()
        let registration = try #require(rig.coordinator("blue-1")?.registration)
        rig.intake.accept(.condemned(registration: registration))
        await rig.attending.attend(isPressing: false)
        #expect(rig.coordinator("blue-1")?.health == .noWorkers)
        #expect(rig.coordinator("blue-1")?.until == ManualClock.start.adding(milliseconds: 30_000))
        rig.clock.advance(30_000)
        rig.routing.review()
        #expect(rig.coordinator("blue-1")?.isReady == true)
        #expect(rig.coordinator("blue-1")?.capacity == 1)
        rig.intake.accept(.leftQueue(registration: registration))
        await rig.attending.attend(isPressing: false)
        #expect(rig.coordinator("blue-1")?.capacity == nil)
    }
}

/// Thousands of things happen to the coordinators of a pool, by chance.
@Suite struct EjectionSimulation {
    private struct Pool {
        var state: RoutingState
        var now: Int64 = 0
        var submitted: [UInt32: UInt64] = [:]

        init(coordinators: UInt32) {
            var stored = OperationalState()
            stored.groups = [StoredGroup(name: "default", active: "blue", epoch: 1)]
            stored.registrations = (1...coordinators).map {
                StoredRegistration(
                    number: $0, name: "blue-\($0)", group: "default", pool: "blue", url: "http://10.0.0.\($0):8080",
                    origin: .settings)
            }
            state = RoutingState(settings: .twoPools, stored: stored, now: 0)
            for number in 1...coordinators {
                state.findings[number]?.address = CoordinatorAddress(ip: "10.0.0.\(number)", port: 8080)
                probe(number, .answered(ProbeAnswer()))
            }
        }

        mutating func probe(_ number: UInt32, _ result: ProbeResult) {
            let now = now
            _ = state.findings[number]?.standing.onProbe(
                result, asked: Timestamp(milliseconds: 1_800_000_000_000 + now), now: now)
        }

        mutating func fail(_ number: UInt32, _ failures: FailureCount) {
            submitted[number, default: 0] += UInt64(failures.total)
            _ = state.onFailures(failures, of: number, submitted: submitted[number] ?? 0, inFlight: 0, now: now)
        }

        /// One event by chance; answers it in words.
        mutating func happen(_ random: inout SeededGenerator) -> String {
            let number = state.registrations[Int.random(in: 0..<state.registrations.count, using: &random)].number
            now += Int64.random(in: 0..<3000, using: &random)
            defer { _ = state.review(now: now) }
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                let count = Int.random(in: 1..<24, using: &random)
                fail(number, Bool.random(using: &random) ? .init(unavailable: count) : .init(internalErrors: count))
                return "\(number) failed \(count)"
            case 8..<11:
                submitted[number, default: 0] += UInt64.random(in: 0..<10, using: &random)
                return "\(number) was given more"
            case 11..<13:
                probe(number, .silent)
                return "\(number) is silent"
            case 13..<17:
                probe(number, .answered(ProbeAnswer()))
                return "\(number) answers"
            case 17:
                state.registrations[Int(number) - 1].isDrained.toggle()
                return "\(number) is drained or not"
            case 18:
                now += Int64.random(in: 0..<400_000, using: &random)
                return "time goes by"
            default:
                let isStarting = Bool.random(using: &random)
                probe(number, .answered(ProbeAnswer(isStarting: isStarting, coordinatorID: "id\(now % 7)aa")))
                return "\(number) restarts"
            }
        }

        var isFit: [Bool] {
            state.registrations.map { registration in
                !registration.isDrained && state.findings[registration.number]?.standing.probes.health == .ready
            }
        }
        var isReady: [Bool] {
            state.registrations.map { registration in
                !registration.isDrained && state.findings[registration.number]?.standing.health == .ready
            }
        }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func neverTheLastOneAndAlwaysBack(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var pool = Pool(coordinators: UInt32.random(in: 1...4, using: &random))
        var story: [String] = []
        for _ in 0..<100 {
            story.append("\(pool.now): \(pool.happen(&random))")
            let isAnyoneFit = pool.isFit.contains(true)
            guard !isAnyoneFit || pool.isReady.contains(true) else {
                Issue.record("seed \(seed): nobody is left\n\(story.joined(separator: "\n"))")
                return
            }
        }
        // Now nothing fails any more: whoever answers is back after the longest term.
        for index in pool.state.registrations.indices { pool.state.registrations[index].isDrained = false }
        pool.now += EjectionMachine.longestTerm
        for number in pool.state.registrations.map(\.number) {
            for _ in 0..<2 { pool.probe(number, .answered(ProbeAnswer())) }
        }
        _ = pool.state.review(now: pool.now)
        #expect(!pool.isReady.contains(false), "seed \(seed)\n\(story.joined(separator: "\n"))")
        pool.now += Standing.slowStart
        _ = pool.state.review(now: pool.now)
        #expect(pool.state.findings.values.allSatisfy { $0.standing.share == 100 }, "seed \(seed)")
    }
}
