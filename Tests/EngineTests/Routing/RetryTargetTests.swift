import Testing

@testable import Engine

/// Where a statement that waits goes when its turn has come (design 5).
@Suite struct RetryTargetTests {
    private static func ready(_ number: UInt32, pool: String) -> Coordinator {
        var coordinator = Coordinator(
            registration: number, name: "c\(number)", group: "default", pool: pool, url: "http://10.0.0.\(number):8080",
            authority: "10.0.0.\(number):8080")
        coordinator.health = .ready
        coordinator.address = CoordinatorAddress(ip: "10.0.0.\(number)", port: 8080)
        coordinator.incarnation = 1
        return coordinator
    }

    /// Blue is active and has 1 and 2; green is idle and has 3.
    private func table(greenTakes: Set<PoolTakes> = [.pinned], isBigger: Bool = false) -> RoutingTable {
        let green = Pool(name: "green", takes: greenTakes, bigger: isBigger)
        let group = Group(name: "default", pools: [Pool(name: "blue"), green], active: "blue", epoch: 1)
        return RoutingTable(
            groups: [group],
            coordinators: [Self.ready(1, pool: "blue"), Self.ready(2, pool: "blue"), Self.ready(3, pool: "green")])
    }

    private func resolve(
        _ target: RetryTarget, in table: RoutingTable, fixedPool: String? = nil, now: Int64 = 0
    ) -> UInt32? {
        table.resolve(
            target, group: "default", fixedPool: fixedPool, rotation: 0, now: now, inFlight: { _ in 0 },
            queued: { _ in 0 }
        ).map { table.coordinators[$0].registration }
    }

    private func other(than failed: [UInt32], notBefore: Int64 = 100) -> RetryTarget {
        .other(than: failed, incarnation: 1, notBefore: notBefore)
    }

    @Test func anyGoesToThePoolThatIsActiveThen() {
        var table = table()
        #expect(resolve(.any, in: table) == 1)
        table.groups[0].active = "green"
        #expect(resolve(.any, in: table) == 3)
        #expect(
            table.resolve(
                .any, group: "unknown", fixedPool: nil, rotation: 0, now: 0, inFlight: { _ in 0 }, queued: { _ in 0 })
                == nil)
    }

    @Test func sameStaysInItsPoolWhileThatTakesRetries() {
        var table = table(greenTakes: [.retries])
        #expect(resolve(.same(pool: "green"), in: table) == 3)
        table.groups[0].pools[1].isRolledBack = true
        #expect(resolve(.same(pool: "green"), in: table) == 1)
        #expect(resolve(.same(pool: "green"), in: self.table()) == 1)
        #expect(resolve(.same(pool: "blue"), in: table) == 1)
    }

    @Test func otherPassesOverWhoFailed() {
        #expect(resolve(other(than: [1]), in: table()) == 2)
        #expect(resolve(other(than: [2]), in: table()) == 1)
        #expect(resolve(other(than: [1, 2]), in: table()) == nil)
    }

    @Test func otherPrefersTheActivePoolAndTakesAnIdleOneThatTakesRetries() {
        let table = table(greenTakes: [.retries])
        #expect(resolve(other(than: [1]), in: table) == 2)
        #expect(resolve(other(than: [1, 2]), in: table) == 3)
        var rolledBack = table
        rolledBack.groups[0].pools[1].isRolledBack = true
        #expect(resolve(other(than: [1, 2]), in: rolledBack) == nil)
    }

    @Test func otherTakesTheFailedOneInANewIncarnationOrAfterTheLongerWait() {
        var table = table()
        table.coordinators[0].health = .down
        #expect(resolve(other(than: [2]), in: table, now: 99) == nil)
        #expect(resolve(other(than: [2]), in: table, now: 100) == 2)
        table.coordinators[1].incarnation = 2
        #expect(resolve(other(than: [2]), in: table, now: 0) == 2)
        table.coordinators[1].health = .starting
        #expect(resolve(other(than: [2]), in: table, now: 100) == nil)
    }

    @Test func otherDoesNotReturnToAPoolThatTakesNoRetries() {
        var table = table()
        table.groups[0].active = "green"
        table.coordinators[2].health = .down
        table.coordinators[0].incarnation = 2
        #expect(resolve(other(than: [1]), in: table, now: 100) == nil)
    }

    @Test func biggerGoesToABiggerPoolThatTakesRetries() {
        let bigger = table(greenTakes: [.retries], isBigger: true)
        #expect(bigger.hasBigger(than: "blue", group: "default", fixedPool: nil))
        #expect(resolve(.bigger(than: "blue"), in: bigger) == 3)
        #expect(resolve(.bigger(than: "blue"), in: bigger, fixedPool: "blue") == nil)
        #expect(!bigger.hasBigger(than: "blue", group: "default", fixedPool: "blue"))
        #expect(!bigger.hasBigger(than: "green", group: "default", fixedPool: nil))
        let closed = table(isBigger: true)
        #expect(!closed.hasBigger(than: "blue", group: "default", fixedPool: nil))
        #expect(resolve(.bigger(than: "blue"), in: closed) == nil)
    }

    @Test func aPoolThatTheClientNamedIsStayedInWhileItTakesSuchStatements() {
        var table = table()
        let targets: [RetryTarget] = [.any, .same(pool: "green"), other(than: [1])]
        for target in targets { #expect(resolve(target, in: table, fixedPool: "green") == 3) }
        table.groups[0].pools[1].takes = [.retries]
        for target in targets { #expect(resolve(target, in: table, fixedPool: "green") == nil) }
        table.groups[0].active = "green"
        for target in targets { #expect(resolve(target, in: table, fixedPool: "green") == 3) }
    }

    @Test func aTransactionGoesToItsCoordinatorUnlessThatIsKnownDown() {
        var table = table(greenTakes: [])
        #expect(resolve(.pinned(registration: 3), in: table) == 3)
        for health in CoordinatorHealth.allCases {
            table.coordinators[2].health = health
            #expect(resolve(.pinned(registration: 3), in: table) == (health == .down ? nil : 3))
        }
        table.coordinators[2].health = .ready
        table.coordinators[2].isDrained = true
        #expect(resolve(.pinned(registration: 3), in: table) == 3)
        #expect(resolve(.pinned(registration: 9), in: table) == nil)
    }
}
