import Engine
import Testing

@Suite struct RoutingTableTests {
    private static func ready(_ number: UInt32, pool: String = "blue", group: String = "default") -> Coordinator {
        var coordinator = Coordinator(
            registration: number, name: "c\(number)", group: group, pool: pool, url: "http://10.0.0.\(number):8080",
            authority: "10.0.0.\(number):8080")
        coordinator.health = .ready
        coordinator.address = CoordinatorAddress(ip: "10.0.0.\(number)", port: 8080)
        return coordinator
    }

    private func select(
        _ table: RoutingTable, excluding: [UInt32] = [], rotation: Int = 0, inFlight: [Int] = [0, 0, 0, 0],
        queued: [Int] = [0, 0, 0, 0]
    ) -> UInt32? {
        table.select(
            group: "default", pool: "blue", excluding: excluding, rotation: rotation, inFlight: { inFlight[$0] },
            queued: { queued[$0] }
        ).map { table.coordinators[$0].registration }
    }

    private let three = RoutingTable(coordinators: [ready(1), ready(2), ready(3)])

    @Test func theFewestInFlightWins() {
        #expect(select(three, inFlight: [2, 1, 3]) == 2)
        #expect(select(three, excluding: [2], inFlight: [2, 1, 3]) == 1)
        #expect(select(three, excluding: [1, 2, 3]) == nil)
    }

    @Test func equalCountsTakeTurns() {
        #expect((0..<6).map { select(three, rotation: $0) } == [1, 2, 3, 1, 2, 3])
    }

    @Test(arguments: [20, 50, 90])
    func whoIsBackGetsItsShareOfTheTurns(share: Int) {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2)])
        table.coordinators[1].share = share
        // It has nothing, the other much: without the share it would get everything.
        let chosen = (0..<1000).map { select(table, rotation: $0, inFlight: [50, 0]) }
        #expect(chosen.count { $0 == 2 } == share * 10)
        #expect(!chosen.contains(nil))
        let longest = chosen.split(separator: 1).map(\.count).max() ?? 0
        #expect(share > 50 || longest <= 2, "its turns lie apart: \(longest)")
    }

    @Test func whoIsBackHasNoMoreInFlightThanItsShare() {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2)])
        table.coordinators[1].share = 20
        #expect((0..<100).contains { select(table, rotation: $0, inFlight: [10, 1]) == 2 })
        #expect(!(0..<100).contains { select(table, rotation: $0, inFlight: [10, 2]) == 2 && $0 % 2 == 0 })
        #expect(!(0..<100).contains { select(table, rotation: $0, inFlight: [10, 3]) == 2 })
    }

    @Test func whoIsBackGetsLittleOfLittle() {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2)])
        table.coordinators[1].share = 20
        let chosen = (0..<1000).map { select(table, rotation: $0, inFlight: [0, 0]) }
        #expect(chosen.count { $0 == 2 } == 100, "a fifth of its half")
    }

    @Test func whoIsBackAloneGetsEverything() {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2), Self.ready(3)])
        table.coordinators[0].share = 20
        table.coordinators[1].share = 20
        table.coordinators[2].health = .down
        let chosen = (0..<100).map { select(table, rotation: $0, inFlight: [3, 5, 0]) }
        #expect(chosen.allSatisfy { $0 == 1 })
        #expect((0..<100).allSatisfy { select(table, excluding: [1], rotation: $0) == 2 })
    }

    @Test func aFullQueueTakesNothing() {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2)])
        table.coordinators[0].capacity = 1
        #expect(select(table, inFlight: [7, 9], queued: [0, 9]) == 1)
        #expect(select(table, inFlight: [7, 9], queued: [1, 9]) == 2)
        #expect(select(table, excluding: [2], inFlight: [7, 9], queued: [1, 9]) == nil)
    }

    @Test func onlyThePoolOfTheGroupCounts() {
        let table = RoutingTable(coordinators: [
            Self.ready(1, pool: "green"), Self.ready(2, group: "etl"), Self.ready(3),
        ])
        #expect(select(table) == 3)
        #expect(select(RoutingTable()) == nil)
    }

    @Test(arguments: CoordinatorHealth.allCases)
    func onlyReadyOnesAreSelected(health: CoordinatorHealth) {
        var table = RoutingTable(coordinators: [Self.ready(1)])
        table.coordinators[0].health = health
        #expect(select(table) == (health == .ready ? 1 : nil))
    }

    @Test func aCoordinatorSaysInWordsWhatItCanTake() {
        var coordinator = Self.ready(1)
        #expect(coordinator.summary == "c1 is ready")
        coordinator.health = .down
        coordinator.reason = .unwell(status: 503)
        #expect(coordinator.summary == "c1 is down (its probes are answered with 503)")
        coordinator.isDrained = true
        #expect(coordinator.summary == "c1 is drained")
    }

    @Test func drainedRetiredAndUnresolvedOnesAreNotSelected() {
        var table = RoutingTable(coordinators: [Self.ready(1), Self.ready(2), Self.ready(3)])
        table.coordinators[0].isDrained = true
        table.coordinators[1].isRetired = true
        table.coordinators[2].address = nil
        #expect(select(table) == nil)
    }
}

@Suite struct SelectorTests {
    private let facts = SubmissionFacts(
        user: "etl_nightly", source: "airflow", clientTags: ["batch", "eu"], catalog: "hive", kind: .write,
        headers: [(name: "x-trino-routing-group", value: "etl")])

    @Test func everyConditionMustHold() {
        let header = SelectorHeader(name: "X-Trino-Routing-Group", pattern: "etl")
        var selector = Selector(
            group: "etl", user: "etl_*", source: "airflow", clientTag: "batch", catalog: "hive", kind: .write,
            headers: [header])
        #expect(selector.matches(facts))
        selector.user = "adhoc_*"
        #expect(!selector.matches(facts))
    }

    @Test(arguments: [
        Selector(group: "g", user: "bob"), Selector(group: "g", source: "dbt"), Selector(group: "g", clientTag: "us"),
        Selector(group: "g", catalog: "tpch"), Selector(group: "g", kind: .read),
        Selector(group: "g", headers: [SelectorHeader(name: "x-team", pattern: "*")]),
        Selector(group: "g", headers: [SelectorHeader(name: "x-trino-routing-group", pattern: "adhoc")]),
    ])
    func oneConditionThatFailsIsEnough(selector: Selector) {
        #expect(!selector.matches(facts))
    }

    @Test func aPrestoHeaderIsItsTrinoTwin() {
        let presto = Selector(group: "g", headers: [SelectorHeader(name: "X-Presto-Routing-Group", pattern: "etl")])
        #expect(presto.matches(facts))
        #expect(Selector.canonicalName("X-Presto-User") == "x-trino-user")
        #expect(Selector.canonicalName("X-Team") == "x-team")
    }

    @Test func theFirstMatchDecidesElseTheFirstGroup() {
        let groups = ["adhoc", "etl", "bi"].map { Group(name: $0, pools: [], active: "blue", epoch: 1) }
        let selectors = [
            Selector(group: "bi", user: "tableau"), Selector(group: "etl", user: "etl_*"),
            Selector(group: "bi", source: "airflow"),
        ]
        let table = RoutingTable(groups: groups, selectors: selectors)
        #expect(table.groupIndex(for: facts).map { table.groups[$0].name } == "etl")
        #expect(table.groupIndex(for: SubmissionFacts(user: "ann")).map { table.groups[$0].name } == "adhoc")
        #expect(RoutingTable().groupIndex(for: facts) == nil)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "anything", true), ("", "", true), ("", "x", false), ("a*c", "abc", true),
        ("a*c", "ac", true), ("a*c", "abd", false), ("*b*", "abc", true), ("a*b*c", "aXbYbc", true),
        ("abc", "ABC", false),
        ("a?c", "abc", false), ("a**", "a", true), ("*.svc", "etl.svc", true), ("etl_*", "etl", false),
    ])
    func starsMatchAnyRun(pattern: String, text: String, expected: Bool) {
        #expect(Glob.matches(pattern, text) == expected)
    }
}
