import Engine
import Model
import Testing

@testable import Services

@Suite struct RoutingServiceTests {
    @Test func aFirstStartDeclaresAndRegistersWhatTheSettingsName() async throws {
        let rig = try await Rig.started()
        #expect(await rig.storage.state.groups == [StoredGroup(name: "default", active: "blue", epoch: 1)])
        #expect(await rig.storage.state.registrations.map(\.name) == ["blue-1", "green-1"])
        let table = rig.traffic.table
        #expect(table.group("default")?.active == "blue")
        #expect(table.coordinators.map(\.isReady) == [true, true])
        #expect(table.coordinators.map(\.authority) == ["10.0.0.1:8080", "10.0.0.2:8080"])
    }

    @Test func versionsOnlyRise() async throws {
        let rig = try await Rig.started()
        await rig.probe("blue-1")
        let versions = rig.traffic.state.withLock { $0.tables.map(\.version) }
        #expect(versions == versions.sorted())
        #expect(Set(versions).count == versions.count)
    }

    @Test func whatTheStoreKnowsOverrulesTheFile() async throws {
        var stored = OperationalState()
        stored.groups = [StoredGroup(name: "default", active: "green", epoch: 9, rolledBack: "blue")]
        stored.registrations = [
            StoredRegistration(
                number: 5, name: "blue-1", group: "default", pool: "blue", url: "http://10.0.0.1:8080",
                origin: .settings, isDrained: true)
        ]
        let rig = try await Rig.started(stored: stored)
        let table = rig.traffic.table
        #expect(table.groups.first?.active == "green")
        #expect(table.groups.first?.epoch == 9)
        #expect(table.groups.first?.pool("blue")?.isRolledBack == true)
        #expect(rig.coordinator("blue-1")?.registration == 5)
        #expect(rig.coordinator("blue-1")?.isDrained == true)
        #expect(rig.coordinator("green-1")?.registration == 6)
    }

    @Test func withoutAStoreWhatIsKnownIsRoutedAndTheRestFollows() async throws {
        var stored = OperationalState()
        stored.groups = [StoredGroup(name: "default", active: "blue", epoch: 2)]
        stored.registrations = [
            StoredRegistration(
                number: 1, name: "blue-1", group: "default", pool: "blue", url: "http://10.0.0.1:8080",
                origin: .settings)
        ]
        let rig = Rig(stored: stored)
        await rig.storage.setAway(true)
        try await rig.routing.start()
        #expect(rig.traffic.table.coordinators.map(\.name) == ["blue-1"])
        #expect(rig.routing.warnings.contains { $0.contains("green-1") })
        await rig.storage.setAway(false)
        await rig.routing.tidy()
        #expect(rig.traffic.table.coordinators.map(\.name) == ["blue-1", "green-1"])
        #expect(rig.routing.warnings.isEmpty)
    }

    @Test func aCoordinatorIsAddedDrainedAndRemoved() async throws {
        let rig = try await Rig.started()
        let request = CoordinatorRequest(name: "blue-2", group: "default", pool: "blue", url: "http://10.0.0.3:8080/")
        #expect(try await rig.routing.add(request).url == "http://10.0.0.3:8080")
        #expect(await rig.storage.state.registrations.last?.origin == .api)
        await #expect(throws: AdminProblem.taken("blue-2")) { try await rig.routing.add(request) }
        #expect(try await rig.routing.drain("blue-2", true).isDrained)
        #expect(try await rig.routing.drain("blue-2", true).isDrained)
        #expect(try await !rig.routing.drain("blue-2", false).isDrained)
        #expect(try await rig.routing.remove("blue-2").isRetired)
        await #expect(throws: AdminProblem.unknown("coordinator", "blue-2")) { try await rig.routing.remove("blue-2") }
    }

    @Test(arguments: [
        (CoordinatorRequest(name: "x", group: "none", pool: "blue", url: "http://h:1"), 404),
        (CoordinatorRequest(name: "x", group: "default", pool: "red", url: "http://h:1"), 404),
        (CoordinatorRequest(name: "x", group: "default", pool: "blue", url: "https://h:1"), 400),
        (CoordinatorRequest(name: "x", group: "default", pool: "blue", url: "http://h:1/path"), 400),
        (CoordinatorRequest(name: "a b", group: "default", pool: "blue", url: "http://h:1"), 400),
        (CoordinatorRequest(name: "", group: "default", pool: "blue", url: "http://h:1"), 400),
        (CoordinatorRequest(name: "blue-1", group: "default", pool: "blue", url: "http://h:1"), 409),
    ])
    func whatMakesNoSenseIsNotAdded(request: CoordinatorRequest, status: Int) async throws {
        let rig = try await Rig.started()
        do throws(AdminProblem) {
            _ = try await rig.routing.add(request)
            Issue.record("was added")
        } catch {
            #expect(error.status == status)
        }
    }

    @Test func nothingTakesEffectThatTheStoreDidNotTake() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        do {
            _ = try await rig.routing.drain("blue-1", true)
            Issue.record("was drained")
        } catch {
            #expect(error.status == 503)
        }
        #expect(rig.coordinator("blue-1")?.isDrained == false)
    }

    @Test func aRetiredRegistrationGoesOnceNothingWasInFlightForLong() async throws {
        let rig = try await Rig.started()
        let number = try await rig.routing.remove("green-1").registration
        let remembered = Settings().limits.remembered.wholeMilliseconds
        rig.traffic.state.withLock { $0.inFlight[number] = InFlight(running: 1) }
        rig.clock.advance(remembered + 1)
        await rig.routing.tidy()
        #expect(rig.coordinator("green-1")?.isRetired == true)
        rig.traffic.state.withLock { $0.inFlight = [:] }
        rig.clock.advance(remembered - 1)
        await rig.routing.tidy()
        #expect(rig.coordinator("green-1") != nil)
        rig.clock.advance(1)
        await rig.routing.tidy()
        #expect(rig.coordinator("green-1") == nil)
        // The file names it still: only the store's trace keeps a reload from bringing it back.
        #expect(await rig.storage.state.registrations.contains { $0.number == number })
    }

    @Test func aPoolThatRunsInThePostCountsSoUntilItsSettingsChange() async throws {
        let rig = try await Rig.started()
        let start = StoredPoolStart(group: "default", pool: "blue")
        await rig.routing.observe(startOnPost: start)
        #expect(rig.traffic.table.group("default")?.pool("blue")?.starts == .post)
        #expect(await rig.storage.state.poolStarts == [start])
        #expect(rig.routing.warnings.contains { $0.contains("starts: post") })
        var changed = Settings.twoPools
        changed.groups[0].pools[0].probe.fall = 5
        _ = try await rig.routing.apply(changed)
        #expect(rig.traffic.table.group("default")?.pool("blue")?.starts == .firstPoll)
        #expect(await rig.storage.state.poolStarts.isEmpty)
    }

    @Test func suffixesAreStoredNewestLast() async throws {
        let rig = try await Rig.started()
        #expect(await rig.storage.state.registrations.first?.idSuffixes == ["ysfyp"])
        #expect(rig.coordinator("blue-1")?.idSuffix == "ysfyp")
        let number = try #require(rig.coordinator("blue-1")?.registration)
        #expect(await rig.routing.observe(suffix: "abcde", of: number))
        #expect(await !rig.routing.observe(suffix: "ysfyp", of: number))
    }
}

@Suite struct ReconciliationTests {
    private func stored(
        _ number: UInt32, _ name: String, _ pool: String = "blue", ip: String = "10.0.0.1",
        origin: StoredRegistration.Origin = .settings, isDrained: Bool = false, isRetired: Bool = false
    ) -> StoredRegistration {
        StoredRegistration(
            number: number, name: name, group: "default", pool: pool, url: "http://\(ip):8080", origin: origin,
            isDrained: isDrained, retired: isRetired ? ManualClock.start : nil)
    }
    private let settings = Settings.with([("blue", "10.0.0.1")])
    private let groups = [StoredGroup(name: "default", active: "blue", epoch: 1)]

    @Test func nothingNewIsNothingToDo() {
        let plan = Reconciliation(settings, groups: groups, registrations: [stored(1, "blue-1")])
        #expect(plan.isEmpty)
        #expect(plan.differences.isEmpty)
    }

    @Test func aChangedURLIsANewRegistrationThatKeepsItsDrain() {
        let old = stored(1, "blue-1", ip: "10.9.9.9", isDrained: true)
        let plan = Reconciliation(settings, groups: groups, registrations: [old])
        var new = stored(0, "blue-1")
        new.isDrained = true
        #expect(plan.replacements == [.init(old: old, new: new)])
    }

    @Test func aCoordinatorThatMovedToAnotherPoolIsANewRegistration() {
        let old = stored(1, "blue-1", "green")
        let plan = Reconciliation(settings, groups: groups, registrations: [old])
        #expect(plan.replacements.map(\.new.pool) == ["blue"])
    }

    @Test func whatTheFileNoLongerNamesStaysAndIsReported() {
        let plan = Reconciliation(
            settings, groups: groups, registrations: [stored(1, "blue-1"), stored(2, "blue-2", ip: "10.0.0.7")])
        #expect(plan.isEmpty)
        let path = "groups[default].pools[blue].coordinators[blue-2]"
        #expect(plan.differences == [DifferenceBody(path: path, settings: nil, store: "http://10.0.0.7:8080")])
    }

    @Test func whatTheAPIAddedStays() {
        let added = stored(1, "blue-1", ip: "10.0.0.7", origin: .api)
        let plan = Reconciliation(settings, groups: groups, registrations: [added])
        #expect(plan.isEmpty)
        #expect(plan.differences.map(\.store) == ["http://10.0.0.7:8080"])
    }

    @Test func whatTheAPIRemovedStaysRemovedUntilItsURLChanges() {
        let removed = stored(1, "blue-1", isRetired: true)
        let plan = Reconciliation(settings, groups: groups, registrations: [removed])
        #expect(plan.isEmpty)
        #expect(plan.differences.map(\.settings) == ["http://10.0.0.1:8080"])
        let moved = Reconciliation(Settings.with([("blue", "10.0.0.5")]), groups: groups, registrations: [removed])
        #expect(moved.additions.map(\.url) == ["http://10.0.0.5:8080"])
    }

    @Test func aFlippedGroupIsReported() {
        let flipped = [StoredGroup(name: "default", active: "green", epoch: 4)]
        let plan = Reconciliation(settings, groups: flipped, registrations: [stored(1, "blue-1")])
        #expect(plan.differences == [DifferenceBody(path: "groups[default].active", settings: "blue", store: "green")])
    }
}
