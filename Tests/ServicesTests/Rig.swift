import Engine
import Model

@testable import Services

/// All services over fakes.
struct Rig {
    let clock = ManualClock()
    let traffic = FakeTraffic()
    let web = FakeWeb()
    let names = FakeNames()
    let log = LogBook()
    let intake = Intake()
    let source = FakeSource()
    let storage: MemoryStorage
    let routing: Routing
    let probing: Probing
    let flipping: Flipping
    let history: History
    let attending: Attending
    let reloading: Reloading
    let control: ControlPlane

    /// A gateway that has loaded its state and not started yet.
    init(_ settings: Settings = .twoPools, stored: OperationalState = OperationalState()) {
        storage = MemoryStorage(stored)
        routing = Routing(
            settings: settings, stored: stored, storage: storage, traffic: traffic, clock: clock, log: log)
        probing = Probing(routing: routing, web: web, names: names, clock: clock, log: log)
        flipping = Flipping(routing: routing, storage: storage, clock: clock, log: log, replica: "here")
        history = History(
            intake: intake, stored: stored, storage: storage, traffic: traffic, clock: clock, log: log)
        attending = Attending(
            intake: intake, routing: routing, probing: probing, storage: storage, clock: clock, log: log)
        reloading = Reloading(source: source, routing: routing, log: log, takers: [])
        control = ControlPlane(
            services: .init(
                routing: routing, flipping: flipping, history: history, attending: attending, reloading: reloading),
            storage: storage, traffic: traffic, clock: clock, version: "1.2.3", replica: "here")
    }

    /// A started gateway whose coordinators all are ready.
    static func started(
        _ settings: Settings = .twoPools, stored: OperationalState = OperationalState()
    ) async throws -> Rig {
        let rig = Rig(settings, stored: stored)
        for group in settings.groups {
            for coordinator in group.pools.flatMap(\.coordinators) {
                rig.web.serve("\(coordinator.url.host):\(coordinator.url.port)", .wellServer)
            }
        }
        try await rig.routing.start()
        try await rig.probing.start()
        try await rig.history.start()
        return rig
    }

    /// The table's coordinator of that name, the newest of several.
    func coordinator(_ name: String) -> Coordinator? { traffic.table.coordinators.last { $0.name == name } }

    /// One probe of a coordinator.
    func probe(_ name: String) async {
        for target in routing.probeTargets() where target.name == name { await probing.probe(target) }
    }
}

extension [String: FakeWeb.Answer] {
    /// A Trino of today that is well.
    static let wellServer: [String: FakeWeb.Answer] = [
        "/v1/info": .says(
            200,
            #"{"state":"ACTIVE","nodeVersion":{"version":"483"},"coordinator":true,"coordinatorId":"ysfyp","#
                + #""starting":false,"uptime":"3.45m"}"#),
        "/v1/integrations/gateway/metrics": .says(200, #"{"clusterSize":2,"totalFreeBytes":1}"#),
    ]
}

extension Settings {
    /// One group; blue (active) and green, each with a coordinator.
    static let twoPools = Settings.with([("blue", "10.0.0.1"), ("green", "10.0.0.2")])

    /// One group `default` whose first pool is active; coordinators are called `POOL-1`.
    static func with(_ pools: [(name: String, ip: String)]) -> Settings {
        var settings = Settings()
        let made = pools.map { name, ip in
            var pool = PoolSettings(name: name)
            if let url = ServerURL("http://\(ip):8080") {
                pool.coordinators = [CoordinatorSettings(name: "\(name)-1", url: url)]
            }
            return pool
        }
        settings.groups = [GroupSettings(name: "default", active: made.first?.name ?? "", pools: made)]
        return settings
    }
}

extension [LogField] {
    subscript(name: String) -> String? { first { $0.name == name }?.value }
}
