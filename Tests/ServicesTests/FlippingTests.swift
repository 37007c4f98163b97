import Engine
import Model
import Testing

@testable import Services

@Suite struct FlippingTests {
    private func refusal(_ body: () async throws(AdminProblem) -> FlipBody) async -> FlipGuard? {
        do throws(AdminProblem) {
            _ = try await body()
            return nil
        } catch {
            return error.guard
        }
    }

    @Test func aFlipIsCommittedPublishedAndAnswered() async throws {
        let rig = try await Rig.started()
        let body = try await rig.control.flip(
            group: "default", FlipRequest(to: "green", reason: "release 12", expectEpoch: 1), by: "admin")
        #expect(
            body
                == FlipBody(
                    flip: 1, group: "default", active: "green", previous: "blue", epoch: 2, acknowledged: ["here"]))
        #expect(rig.traffic.table.group("default")?.active == "green")
        #expect(await rig.storage.state.groups.first?.active == "green")
        #expect(try await rig.control.flip(1).reason == "release 12")
    }

    @Test func aRollbackLeavesThePoolMarkedAndIsNotUndone() async throws {
        let rig = try await Rig.started()
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        let back = try await rig.control.rollback(group: "default", RollbackRequest(), by: "admin")
        #expect(back.active == "blue")
        #expect(back.epoch == 3)
        #expect(rig.traffic.table.group("default")?.pool("green")?.isRolledBack == true)
        #expect(
            await refusal { () async throws(AdminProblem) in
                try await rig.control.rollback(group: "default", RollbackRequest(), by: "admin")
            } == .nothingToRollBack)
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        #expect(rig.traffic.table.group("default")?.pool("green")?.isRolledBack == false)
        #expect(rig.flipping.counts.committed == ["default": 3])
        #expect(rig.flipping.counts.refused == [.nothingToRollBack: 1])
    }

    @Test func aDryRunChangesNothing() async throws {
        let rig = try await Rig.started()
        let body = try await rig.control.flip(group: "default", FlipRequest(to: "green", dryRun: true), by: "admin")
        #expect(body.isDryRun)
        #expect(body.flip == nil)
        #expect(rig.traffic.table.group("default")?.active == "blue")
        await rig.storage.setAway(true)
        #expect(
            await refusal { () async throws(AdminProblem) in
                try await rig.control.flip(group: "default", FlipRequest(to: "green", dryRun: true), by: "admin")
            } == .storeAway)
    }

    @Test func withoutAStoreNothingIsFlipped() async throws {
        let rig = try await Rig.started()
        await rig.storage.setAway(true)
        #expect(
            await refusal { () async throws(AdminProblem) in
                try await rig.control.flip(group: "default", FlipRequest(to: "green", force: true), by: "admin")
            } == .storeAway)
        #expect(rig.traffic.table.group("default")?.active == "blue")
        // The refused one has ended: the next may begin.
        await rig.storage.setAway(false)
        _ = try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
    }

    @Test func guardsAreAnsweredByName() async throws {
        let rig = try await Rig.started()
        #expect(
            await refusal { () async throws(AdminProblem) in
                try await rig.control.flip(group: "default", FlipRequest(to: "blue"), by: "admin")
            } == .alreadyActive)
        #expect(
            await refusal { () async throws(AdminProblem) in
                try await rig.control.flip(group: "default", FlipRequest(to: "green", expectEpoch: 4), by: "admin")
            } == .epochMismatch)
        await #expect(throws: AdminProblem.unknown("pool", "red")) {
            try await rig.control.flip(group: "default", FlipRequest(to: "red"), by: "admin")
        }
        await #expect(throws: AdminProblem.unknown("group", "etl")) {
            try await rig.control.flip(group: "etl", FlipRequest(to: "green"), by: "admin")
        }
    }

    @Test func manyFlipsAtOnceCommitInTurnOrAreRefused() async throws {
        let rig = try await Rig.started()
        await withTaskGroup { group in
            for index in 0..<50 {
                group.addTask {
                    let to = index.isMultiple(of: 2) ? "green" : "blue"
                    _ = await refusal { () async throws(AdminProblem) in
                        try await rig.control.flip(group: "default", FlipRequest(to: to), by: "admin")
                    }
                }
            }
        }
        let log = await rig.storage.flipLog
        #expect(log.map(\.epoch) == log.indices.map { UInt64($0 + 2) })
        #expect(rig.traffic.table.group("default")?.epoch == UInt64(log.count + 1))
        #expect(rig.traffic.table.group("default")?.active == log.last?.to)
    }

    @Test func aFlipGoesOnWhenItsCallerIsGone() async throws {
        let rig = try await Rig.started()
        let caller = Task {
            try await rig.control.flip(group: "default", FlipRequest(to: "green"), by: "admin")
        }
        caller.cancel()
        #expect(try await caller.value.active == "green")
        #expect(rig.traffic.table.group("default")?.active == "green")
    }
}
