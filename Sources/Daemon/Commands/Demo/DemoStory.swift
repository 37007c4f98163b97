import DemoCoordinator
import Engine
import FoundationEssentials
import Gateway
import Model
import Network
import SettingsFiles

/// The demo: a gateway and two embedded coordinators in one process, and a short story under load: a flip, a drain, a
/// rollback. Everything is real but the clusters' size.
struct DemoStory {
    let surroundings: Surroundings
    let screen: DemoScreen

    private static let clients = 8
    /// How long an act lasts that only shows that statements run, in milliseconds.
    private static let act: Int64 = 2500
    /// How long a drain may take, in milliseconds.
    private static let patience: Int64 = 30_000

    private static let onBlue = "1 blue is active"
    private static let onGreen = "3 green is active"
    private static let backOnBlue = "5 blue is active again"

    /// What runs while the story is told.
    private struct Stage {
        var gateway: GatewayDaemon
        var doors: GatewayDaemon.Doors
        var coordinators: [DemoCoordinator]
        var directory: String
    }

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        screen = DemoScreen(surroundings)
    }

    /// Plays the story; with `keep` everything stays up afterwards until a signal. Answers whether nothing failed.
    func play(keep: Bool) async throws(Failure) -> Bool {
        prepareProcess()
        let signals: Signals
        do {
            signals = try Signals()
        } catch {
            throw Failure(code: .refused, message: "signals cannot be handled: \(error)")
        }
        let stage = try await set()
        let story = Task { () -> Result<Bool, Failure> in
            do throws(Failure) {
                return .success(try await tell(stage))
            } catch {
                return .failure(error)
            }
        }
        let watch = Task {
            for await _ in signals.requests { break }
            story.cancel()
        }
        let ending = await story.value
        if keep, !story.isCancelled {
            screen.print("Still up; press Ctrl-C to end.")
            await watch.value
        }
        watch.cancel()
        await strike(stage)
        signals.stop()
        return try ending.get()
    }

    // MARK: The stage

    private func set() async throws(Failure) -> Stage {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "penstock-demo-\(UUID().uuidString)"
        ).path
        do {
            guard let any = SocketAddress(ip: "127.0.0.1", port: 0) else {
                throw Failure(code: .refused, message: "there is no loopback address")
            }
            let blue = DemoCoordinator(name: "blue-1", address: any)
            let green = DemoCoordinator(name: "green-1", address: any)
            let blueAt = try await blue.start()
            let greenAt = try await green.start()
            let settings = try settings(directory, blue: blueAt, green: greenAt)
            let log = QuietLog(surroundings.errors)
            let gateway = GatewayDaemon(
                settings: settings, source: FixedSettings(settings: settings), directory: directory, log: log)
            let doors = try await gateway.start()
            return Stage(gateway: gateway, doors: doors, coordinators: [blue, green], directory: directory)
        } catch {
            throw Failure(code: .refused, message: "the demo cannot start: \(error)")
        }
    }

    private func settings(
        _ directory: String, blue: SocketAddress, green: SocketAddress
    ) throws -> Settings {
        var settings = Settings()
        settings.listen.port = 0
        settings.admin.port = 0
        settings.state.directory = directory
        settings.policy.rules = try PolicyFile.shipped()
        for (index, place) in [(0, ("blue-1", blue)), (1, ("green-1", green))] {
            guard let url = ServerURL("http://\(place.1)") else { continue }
            settings.groups[0].pools[index].coordinators = [CoordinatorSettings(name: place.0, url: url)]
            settings.groups[0].pools[index].probe.interval = .milliseconds(500)
        }
        return settings
    }

    private func strike(_ stage: Stage) async {
        screen.clear()
        await stage.gateway.end()
        for coordinator in stage.coordinators { await coordinator.stop() }
        try? FileManager.default.removeItem(atPath: stage.directory)
    }

    // MARK: The story

    private func tell(_ stage: Stage) async throws(Failure) -> Bool {
        let doors = stage.doors
        screen.print(
            """
            A gateway with two pools, blue and green, of one embedded coordinator each. Connect while it runs:
              trino CLI   trino --server http://\(doors.front) --catalog tpch --schema tiny
              Python      trino.dbapi.connect(host="127.0.0.1", port=\(port(doors.front)), user="me", catalog="tpch")
              operator    penstock status --url http://\(doors.admin) --token-file \(doors.tokenFile)

            """)
        let arguments = try Arguments(
            ["--url", "http://\(doors.admin)", "--token-file", doors.tokenFile], operands: [],
            options: AdminClient.options)
        let admin = try AdminClient(arguments, surroundings)
        let load = DemoLoad(
            client: StatementClient(front: doors.front, web: surroundings.web()), clock: surroundings.clock)
        load.begin(act: Self.onBlue)
        screen.tell("\(Self.clients) clients run statements; blue is active")
        let clients = Task { await load.run(clients: Self.clients) }
        let painter = Task { await paint(admin, load) }
        do throws(Failure) {
            try await acts(admin, load)
        } catch {
            painter.cancel()
            load.stop()
            await clients.value
            throw error
        }
        load.stop()
        await clients.value
        painter.cancel()
        await painter.value
        screen.clear()
        screen.tell("the clients have stopped")
        report(load)
        return load.failures == 0 && misplaced(load) == 0
    }

    /// Statements that began after a flip's reply and did not go to the pool that it made active.
    private func misplaced(_ load: DemoLoad) -> Int {
        let homes = [Self.onBlue: "blue", Self.onGreen: "green", Self.backOnBlue: "blue"]
        return load.tallies.reduce(0) { sum, tally in
            homes[tally.act].map { $0 == tally.pool } ?? true ? sum : sum + tally.statements
        }
    }

    private func acts(_ admin: AdminClient, _ load: DemoLoad) async throws(Failure) {
        try await wait(Self.act)
        screen.tell("\(load.finished) statements have ended, all on blue; now green is flipped in, under load")
        load.begin(act: "2 the flip to green", isChange: true)
        let flip = try await admin.post(
            ["v1", "groups", "default", "flip"], FlipRequest(to: "green", reason: "the demo's release"),
            as: FlipBody.self
        ).body
        load.begin(act: Self.onGreen)
        screen.tell("flip \(flip.flip.map(String.init) ?? "-") done: green is active, epoch \(flip.epoch); blue drains")
        try await drained("blue", admin)
        screen.tell("blue has drained: nothing of it is in flight")
        try await wait(Self.act)
        screen.tell(
            "\(load.finished(act: Self.onGreen, pool: "green")) statements have ended on green since; "
                + "now roll back, under load")
        load.begin(act: "4 the rollback", isChange: true)
        let back = try await admin.post(
            ["v1", "groups", "default", "rollback"], RollbackRequest(reason: "the demo changes its mind"),
            as: FlipBody.self
        ).body
        load.begin(act: Self.backOnBlue)
        screen.tell("rollback done: blue is active again, epoch \(back.epoch); green drains")
        try await drained("green", admin)
        screen.tell("green has drained")
        try await wait(Self.act)
    }

    private func drained(_ pool: String, _ admin: AdminClient) async throws(Failure) {
        let deadline = surroundings.clock.monotonic() + Self.patience
        while surroundings.clock.monotonic() < deadline {
            let group = try await admin.get(["v1", "groups", "default"], as: GroupBody.self).body
            if group.pools.first(where: { $0.name == pool })?.drain == .done { return }
            try await wait(50)
        }
        throw Failure(code: .refused, message: "pool \(pool) did not drain in \(Self.patience / 1000) s")
    }

    private func wait(_ milliseconds: Int64) async throws(Failure) {
        do {
            try await surroundings.clock.sleep(milliseconds: milliseconds)
        } catch {
            throw Failure(code: .refused, message: "the demo was stopped")
        }
    }

    private func paint(_ admin: AdminClient, _ load: DemoLoad) async {
        while !Task.isCancelled {
            if let group = try? await admin.get(["v1", "groups", "default"], as: GroupBody.self).body {
                let pools = group.pools.map { pool in
                    let count = pool.inFlight.queued + pool.inFlight.running
                    return "\(pool.name)\(pool.isActive ? "*" : "") \(count) in flight"
                }
                screen.paint(
                    "        \(pools.joined(separator: "   "))   \(load.finished) ended, \(load.failures) failed")
            }
            guard (try? await surroundings.clock.sleep(milliseconds: 200)) != nil else { return }
        }
    }

    // MARK: The end

    private func report(_ load: DemoLoad) {
        var table = Table("ACT", "POOL", .number("STATEMENTS"), .number("ROWS"), .number("FAILED"), .number("SLOWEST"))
        for tally in load.tallies.sorted(by: { ($0.act, $0.pool) < ($1.act, $1.pool) }) {
            table.add(
                Table.Cell(tally.act), Table.Cell(tally.pool), Table.Cell(tally.statements), Table.Cell(tally.rows),
                Table.Cell(tally.failures), Table.Cell("\(tally.slowestMilliseconds) ms"))
        }
        screen.print("\n" + table.text(width: surroundings.columns, isColoured: surroundings.isColoured))
        for error in load.errors { screen.print("failed: \(error)") }
        screen.print(
            "\(load.finished) statements, one flip, one rollback: \(load.failures) failed, \(misplaced(load)) went to the "
                + "wrong pool after a flip's reply.")
    }

    private func port(_ address: String) -> String { String(address.split(separator: ":").last ?? "") }
}

/// The demo's settings never change.
private struct FixedSettings: SettingsSource {
    let settings: Settings
    func load() throws(SettingsProblems) -> Settings { settings }
}

/// The demo's log: the story is told elsewhere, so only what somebody must act on is shown.
private struct QuietLog: Log {
    let errors: @Sendable (String) -> Void

    init(_ errors: @escaping @Sendable (String) -> Void) { self.errors = errors }

    func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField]) {
        guard level == .error else { return }
        errors("\(message) " + fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") + "\n")
    }
}
