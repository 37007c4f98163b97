import Engine
import Gateway
import Model

/// The demo: a gateway and embedded coordinators in one process, and a story under load. In its first half pools are
/// flipped, drained and rolled back; in the second, coordinators break and statements are retried. Everything is real
/// but the clusters' size.
struct DemoStory {
    let surroundings: Surroundings
    let screen: DemoScreen

    private static let readers = 8
    private static let writers = 2
    /// How long an act lasts that only shows that statements run, in milliseconds.
    static let act: Int64 = 2500
    /// How long anything may take that the story waits for, in milliseconds.
    private static let patience: Int64 = 30_000

    private static let onBlue = "1 blue is active"
    private static let onGreen = "3 green is active"
    private static let backOnBlue = "5 blue is active again"
    static let withDeath = "6 blue-1 dies, comes back"
    static let withoutWorkers = "7 blue-2 has no workers"

    /// What the acts are played with.
    struct Cast {
        let stage: DemoStage
        let admin: AdminClient
        let load: DemoLoad
        let web: any Web
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
        let stage = try await DemoStage(surroundings)
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
        screen.clear()
        await stage.strike()
        signals.stop()
        return try ending.get()
    }

    // MARK: The story

    private func tell(_ stage: DemoStage) async throws(Failure) -> Bool {
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
        let web = surroundings.web()
        let client = StatementClient(front: doors.front, web: web)
        let made = await client.run(
            "CREATE TABLE \(DemoLoad.journalTable) (entry bigint)", user: "demo", clock: surroundings.clock)
        if let error = made.error {
            throw Failure(code: .refused, message: "the table that the demo writes to cannot be made: \(error)")
        }
        let load = DemoLoad(client: client, clock: surroundings.clock)
        load.begin(act: Self.onBlue)
        screen.tell("\(Self.readers) clients run queries, \(Self.writers) insert rows; blue is active")
        let clients = Task { await load.run(readers: Self.readers, writers: Self.writers) }
        let painter = Task { await paint(admin, load) }
        do throws(Failure) {
            let cast = Cast(stage: stage, admin: admin, load: load, web: web)
            try await changes(cast)
            try await failures(cast)
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
        let ending = try await DemoEnding(
            load, admin, table: StatementClient(front: stage.green1Address, web: web), misplaced: misplaced(load),
            clock: surroundings.clock)
        screen.print(ending.text(surroundings))
        return ending.isGood
    }

    /// Statements that began after a flip's reply and did not go to the pool that it made active.
    private func misplaced(_ load: DemoLoad) -> Int {
        let homes = [
            Self.onBlue: "blue", Self.onGreen: "green", Self.backOnBlue: "blue", Self.withDeath: "blue",
            Self.withoutWorkers: "blue",
        ]
        return load.tallies.reduce(0) { sum, tally in
            homes[tally.act].map { $0 == tally.pool } ?? true ? sum : sum + tally.statements
        }
    }

    /// The first half: pools change under load.
    private func changes(_ cast: Cast) async throws(Failure) {
        let (admin, load) = (cast.admin, cast.load)
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
    }

    private func drained(_ pool: String, _ admin: AdminClient) async throws(Failure) {
        try await until("pool \(pool) has drained") { () throws(Failure) in
            let group = try await admin.get(["v1", "groups", "default"], as: GroupBody.self).body
            return group.pools.first { $0.name == pool }?.drain == .done
        }
    }

    // MARK: Time

    func wait(_ milliseconds: Int64) async throws(Failure) {
        do {
            try await surroundings.clock.sleep(milliseconds: milliseconds)
        } catch {
            throw Failure(code: .refused, message: "the demo was stopped")
        }
    }

    /// Waits until something is so.
    func until(_ what: String, _ isSo: () async throws(Failure) -> Bool) async throws(Failure) {
        let deadline = surroundings.clock.monotonic() + Self.patience
        while try await !isSo() {
            guard surroundings.clock.monotonic() < deadline else {
                throw Failure(
                    code: .refused, message: "in \(Self.patience / 1000) s it did not come about that \(what)")
            }
            try await wait(50)
        }
    }

    private func paint(_ admin: AdminClient, _ load: DemoLoad) async {
        while !Task.isCancelled {
            if let group = try? await admin.get(["v1", "groups", "default"], as: GroupBody.self).body {
                let pools = group.pools.map { pool in
                    let coordinators = pool.coordinators.map { coordinator in
                        "\(coordinator.name) \(coordinator.health.rawValue) \(coordinator.inFlight)"
                    }
                    return "\(pool.name)\(pool.isActive ? "*" : ""): \(coordinators.joined(separator: ", "))"
                }
                screen.paint(
                    "        \(pools.joined(separator: "   "))   \(load.finished) ended, \(load.failures) failed")
            }
            guard (try? await surroundings.clock.sleep(milliseconds: 200)) != nil else { return }
        }
    }

    private func port(_ address: String) -> String { String(address.split(separator: ":").last ?? "") }
}
