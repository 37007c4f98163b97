import Engine
import Model
import Synchronization
import Testing
import Wire

@testable import Services

@Suite struct ControlPlaneTests {
    @Test func aFlippedPoolDrainsUntilNothingIsLeft() async throws {
        let rig = try await Rig.started()
        let blue = try #require(rig.coordinator("blue-1")).registration
        rig.traffic.state.withLock { $0.inFlight[blue] = InFlight(queued: 1, running: 2) }
        func pool() async throws -> PoolBody {
            try #require(try await rig.control.group("default").pools.first { $0.name == "blue" })
        }
        #expect(try await pool().drain == .none)
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        let draining = try await pool()
        #expect(draining.drain == .draining)
        #expect(draining.inFlight == InFlightBody(queued: 1, running: 2))
        #expect(draining.drainsFor == ["blue-1: 1 statement is queued.", "blue-1: 2 statements are running."])
        rig.traffic.state.withLock { state in
            state.inFlight[blue] = InFlight()
            state.openTransactions[blue] = 1
        }
        #expect(try await pool().drain == .draining)
        rig.traffic.state.withLock { $0.openTransactions = [:] }
        #expect(try await pool().drain == .done)
        #expect(try await rig.control.group("default").pools.map(\.share) == [0, 1])
    }

    @Test func aPoolThatLostTheTrafficInAnEarlierRunStillDrains() async throws {
        let rig = try await Rig.started()
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        let again = Rig(stored: await rig.storage.state)
        for flip in await rig.storage.flipLog { await again.storage.putFlip(flip) }
        try await again.routing.start()
        #expect(try await again.control.group("default").pools.map(\.drain) == [.done, .none])
    }

    @Test func afterACrashADrainIsUnknownForFiveMinutes() async throws {
        var stored = OperationalState()
        stored.endedUncleanly = true
        let rig = try await Rig.started(stored: stored)
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        #expect(try await rig.control.group("default").pools.first?.drain == .unknown)
        #expect(await rig.control.status().warnings.contains { $0.contains("did not end cleanly") })
        rig.clock.advance(300_000)
        #expect(try await rig.control.group("default").pools.first?.drain == .done)
    }

    @Test func aRemovedCoordinatorIsShownWhileSomethingIsLeft() async throws {
        let rig = try await Rig.started()
        let green = try #require(rig.coordinator("green-1")).registration
        rig.traffic.state.withLock { $0.inFlight[green] = InFlight(running: 1) }
        #expect(try await rig.control.remove("green-1").drain == .draining)
        #expect(try await rig.control.coordinator("green-1").isRetired)
        rig.traffic.state.withLock { $0.inFlight = [:] }
        await #expect(throws: AdminProblem.unknown("coordinator", "green-1")) {
            try await rig.control.coordinator("green-1")
        }
        #expect(await rig.control.coordinators().map(\.name) == ["blue-1"])
    }

    @Test func theStatusSaysWhatIsWrong() async throws {
        let rig = try await Rig.started()
        rig.control.serves(front: "127.0.0.1:8080")
        rig.control.setReady(true)
        let well = await rig.control.status()
        #expect(well.warnings == [])
        #expect(well.isReady)
        #expect(well.groups == [GroupLine(name: "default", active: "blue", epoch: 1)])
        #expect(rig.traffic.state.withLock { $0.isReady })
        await rig.storage.setAway(true)
        rig.web.serve("10.0.0.1:8080", nil)
        for _ in 0..<3 { await rig.probe("blue-1") }
        let ill = await rig.control.status()
        #expect(!ill.store.isWritable)
        #expect(ill.warnings.contains { $0.contains("the disk is full") && $0.contains("flips are refused") })
        #expect(ill.warnings.contains { $0.contains("No coordinator of pool blue") })
        #expect(ill.warnings.contains { $0.contains("blue-1 is down (nobody answers its probes)") })
    }

    @Test func aGatewayWithoutCoordinatorsSaysHowToAddOne() async throws {
        let rig = try await Rig.started(.default)
        #expect(await rig.control.status().warnings.contains { $0.contains("penstock add NAME default/blue") })
    }

    @Test func theReadingCountsWhatHappened() async throws {
        let rig = try await Rig.started()
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        let reading = await rig.control.reading()
        #expect(reading.flips == ["default": 1])
        #expect(reading.groups.map(\.active) == ["green"])
    }
}

@Suite struct ReloadingTests {
    @Test func aReloadAppliesAndSaysWhatChangedAndWhatDiffers() async throws {
        let rig = try await Rig.started()
        rig.source.next.withLock { $0 = .success(.twoPools) }
        #expect(try await rig.control.reload() == ReloadBody(changed: [], differs: []))
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        var changed = Settings.with([("blue", "10.0.0.9"), ("green", "10.0.0.2")])
        changed.limits.waitingStatements = 7
        rig.source.next.withLock { [changed] in $0 = .success(changed) }
        let body = try await rig.control.reload()
        #expect(body.changed.map(\.path).contains("limits.waiting_statements"))
        #expect(body.differs.map(\.path) == ["groups[default].active"])
        #expect(rig.traffic.table.group("default")?.active == "green")
        #expect(rig.traffic.table.coordinators.map(\.isRetired) == [true, false, false])
        #expect(rig.coordinator("blue-1")?.url == "http://10.0.0.9:8080")
        #expect(rig.routing.settings == changed)
    }

    @Test func invalidSettingsChangeNothing() async throws {
        let rig = try await Rig.started()
        let problem = SettingsProblem(
            file: "penstock.yaml", line: 3, path: "listen.prot", message: "there is no such key",
            suggestion: "did you mean port?")
        rig.source.next.withLock { $0 = .failure(SettingsProblems([problem])) }
        do throws(AdminProblem) {
            _ = try await rig.control.reload()
            Issue.record("was reloaded")
        } catch {
            #expect(error.status == 422)
            #expect(error.problems.map(\.line) == [3])
        }
        #expect(rig.routing.settings == .twoPools)
    }

    @Test func anotherPolicyHoldsAfterAReloadAndIsExplained() async throws {
        var rule = Rule(id: "A1", failureClass: .external, action: .same)
        rule.names = ["ONE"]
        rule.retries = .limited(2)
        rule.wait = .medium
        rule.optIn = true
        let rig = try await Rig.started()
        var request = ExplainRequest()
        request.errorName = "ONE"
        #expect(await rig.control.explain(request).rule == nil)
        var changed = Settings.twoPools
        changed.policy.rules = Policy([rule])
        rig.source.next.withLock { [changed] in $0 = .success(changed) }
        #expect(try await rig.control.reload().changed.map(\.path) == ["policy.rules", "policy[A1]"])
        #expect(await rig.control.rules().map(\.id) == ["A1"])
        let optional = await rig.control.explain(request)
        #expect((optional.rule, optional.action, optional.gate) == ("A1", .same, .optIn))
        let gates: [(RetryMode, RetryGate?)] = [(.on, nil), (.shadow, .shadow), (.off, .modeOff)]
        for (mode, gate) in gates {
            changed.retries.optIn = ["A1"]
            changed.retries.mode = mode
            rig.source.next.withLock { [changed] in $0 = .success(changed) }
            _ = try await rig.control.reload()
            #expect(await rig.control.explain(request).gate == gate)
        }
        request.errorName = "TWO"
        let none = await rig.control.explain(request)
        #expect(none.skipped == [SkippedRuleBody(rule: "A1", why: "does not name TWO")])
        #expect(none.gate == nil)
    }

    @Test func whatOnlyAStartAppliesIsRefusedWhole() async throws {
        let rig = try await Rig.started()
        var changed = Settings.with([("blue", "10.0.0.9"), ("green", "10.0.0.2")])
        changed.listen.port = 9999
        rig.source.next.withLock { [changed] in $0 = .success(changed) }
        do throws(AdminProblem) {
            _ = try await rig.control.reload()
            Issue.record("was reloaded")
        } catch {
            #expect(error.guard == .needsRestart)
            #expect(error.problems.map(\.path) == ["listen.port"])
        }
        #expect(rig.coordinator("blue-1")?.url == "http://10.0.0.1:8080")
    }

    @Test func aStoreThatIsAwayKeepsTheOldSettings() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        rig.source.next.withLock { $0 = .success(Settings.with([("blue", "10.0.0.9"), ("green", "10.0.0.2")])) }
        do throws(AdminProblem) {
            _ = try await rig.control.reload()
            Issue.record("was reloaded")
        } catch {
            #expect(error.status == 503)
        }
        #expect(rig.routing.settings == .twoPools)
        #expect(rig.coordinator("blue-1")?.url == "http://10.0.0.1:8080")
    }

    @Test func aPoolThatTheFileNoLongerNamesKeepsItsStatements() async throws {
        var settings = Settings.twoPools
        settings.groups[0].pools[0].starts = .post
        let rig = try await Rig.started(settings)
        var fewer = settings
        fewer.groups[0].pools.remove(at: 0)
        fewer.groups[0].active = "green"
        rig.source.next.withLock { [fewer] in $0 = .success(fewer) }
        let body = try await rig.control.reload()
        #expect(body.differs.map(\.store) == ["blue", "http://10.0.0.1:8080"])
        let group = try #require(rig.traffic.table.group("default"))
        #expect(group.active == "blue")
        #expect(group.pool("blue")?.starts == .post)
    }
}

@Suite struct AttendingTests {
    private let tombstone = Tombstone(
        key: StatementKey(owner: Owner(counter: 1, random: 1), number: 4), queryID: "q", at: ManualClock.start)

    @Test func whoWaitsIsToldOnceItIsDurable() async throws {
        let rig = try await Rig.started()
        let counter = Counter()
        let pin = TransactionPin(id: "t1", registration: 1, used: ManualClock.start)
        rig.intake.accept(.pin(pin, stored: { counter.add() }))
        rig.intake.accept(.tombstone(tombstone, stored: { counter.add() }))
        await rig.attending.attend(isPressing: false)
        #expect(counter.value == 2)
        #expect(await rig.storage.state.pins == [pin])
        #expect(await rig.storage.state.tombstones == [tombstone])
        rig.intake.accept(.unpin(id: "t1"))
        await rig.attending.attend(isPressing: true)
        #expect(await rig.storage.state.pins.isEmpty)
    }

    @Test func withoutAStoreWhoWaitsIsToldAndTheRestIsTriedAgain() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        let counter = Counter()
        rig.intake.accept(.tombstone(tombstone, stored: { counter.add() }))
        await rig.attending.attend(isPressing: false)
        #expect(counter.value == 1)
        #expect(rig.attending.unwritten == 1)
        #expect(await rig.control.status().warnings.contains { $0.contains("in memory only") })
        await rig.storage.setAway(false)
        await rig.attending.attend(isPressing: false)
        #expect(rig.attending.unwritten == 0)
        #expect(await rig.storage.state.tombstones == [tombstone])
    }

    @Test func whatMustNotBeForgottenIsDurableBeforeItIsDone() async throws {
        let rig = try await Rig.started()
        let stored = Counter()
        let refused = Counter()
        let answer: @Sendable (Bool) -> Void = { $0 ? stored.add() : refused.add() }
        rig.intake.accept(.submitting(tombstone.key, stored: answer))
        rig.intake.accept(.superseded(tombstone.key, attempt: 2, stored: answer))
        await rig.attending.attend(isPressing: false)
        #expect(stored.value == 2)
        let found = await rig.storage.state.tombstones
        #expect(found.map(\.kind) == [.submitted, .superseded])
        #expect(found.map(\.attempt) == [0, 2])
        #expect(found.allSatisfy { $0.key == tombstone.key })
        #expect(refused.value == 0)
    }

    /// What is not done leaves no mark: a later one would say that it was.
    @Test func withoutAStoreItIsNotDoneAndNotRemembered() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        let refused = Counter()
        rig.intake.accept(.submitting(tombstone.key, stored: { if !$0 { refused.add() } }))
        rig.intake.accept(.superseded(tombstone.key, attempt: 1, stored: { if !$0 { refused.add() } }))
        await rig.attending.attend(isPressing: false)
        #expect(refused.value == 2)
        #expect(rig.attending.unwritten == 0)
        await rig.storage.setAway(false)
        await rig.attending.attend(isPressing: false)
        #expect(await rig.storage.state.tombstones.isEmpty)
    }

    @Test func suffixesAndStartsGoToRouting() async throws {
        let rig = Rig()
        try await rig.routing.start()
        rig.intake.accept(.suffixSeen(registration: 1, suffix: "abcde"))
        rig.intake.accept(.startsOnPost(group: "default", pool: "green"))
        await rig.attending.attend(isPressing: false)
        #expect(rig.coordinator("blue-1")?.idSuffix == "abcde")
        #expect(rig.traffic.table.group("default")?.pool("green")?.starts == .post)
    }

    @Test(.timeLimit(.minutes(1))) func itRunsUntilItIsCancelledAndWritesWhatIsLeft() async throws {
        let rig = try await Rig.started()
        let counter = Counter()
        let running = Task { try await rig.attending.run() }
        rig.intake.accept(.tombstone(tombstone, stored: { counter.add() }))
        while counter.value == 0 { await Task.yield() }
        rig.intake.accept(.pin(TransactionPin(id: "t", registration: 1, used: ManualClock.start), stored: nil))
        running.cancel()
        try await running.value
        #expect(await rig.storage.state.pins.count == 1)
    }
}

/// Counts calls from anywhere.
final class Counter: Sendable {
    private let count = Mutex(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
}
