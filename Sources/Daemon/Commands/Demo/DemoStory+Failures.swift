import DemoCoordinator
import Engine
import Model

/// The story's second half: what runs breaks, and is run again where that is safe.
extension DemoStory {
    /// How long blue-1 is dead, in milliseconds.
    private static let death: Int64 = 4000
    /// After how long without workers blue-2's engine gives a statement up, in milliseconds; real ones take 5 min.
    private static let workerWait: Int64 = 2000
    /// Of the statements that read a table; INSERTs have none of it.
    private static let ofReads = "FROM"

    func failures(_ cast: Cast) async throws(Failure) {
        try await join(cast)
        try await stick(cast)
        try await die(cast)
        try await loseWorkers(cast)
    }

    /// A second coordinator comes to blue.
    private func join(_ cast: Cast) async throws(Failure) {
        let request = CoordinatorRequest(
            name: "blue-2", group: "default", pool: "blue", url: "http://\(cast.stage.blue2Address)")
        _ = try await cast.admin.post(["v1", "coordinators"], request, as: CoordinatorBody.self)
        try await until("blue-2 is ready") { () throws(Failure) in try await health("blue-2", cast) == .ready }
        screen.tell("a second coordinator is added to blue: blue-2")
        try await wait(Self.act)
    }

    /// blue-1 shows no rows any more. A statement of which its client has seen rows cannot be run again unseen: those
    /// that have come so far end first.
    private func stick(_ cast: Cast) async throws(Failure) {
        let load = cast.load
        load.begin(act: Self.withDeath, isChange: true)
        var hang = Fault(step: .executing, deed: .hang)
        hang.page = 1
        hang.sql = Self.ofReads
        cast.stage.blue1.apply(script(hang))
        screen.tell("blue-1 gets stuck: queries that run there give no rows")
        try await until("some queries are stuck on blue-1") { () throws(Failure) in load.reading(on: "blue-1") >= 3 }
        try await wait(1000)
        // An INSERT that runs on a coordinator that dies has written or not: nobody can tell, it is not run again, and
        // its client is told PENSTOCK_OUTCOME_UNKNOWN. That would be a failure; so none runs at that moment.
        load.letWritersRest(true)
        try await until("nothing gives rows on blue-1, and nothing writes") { () throws(Failure) in
            !load.isDelivering("blue-1") && !load.isWriting
        }
    }

    /// blue-1 dies and comes back as a new process, which has forgotten everything. Its first statements fail as those
    /// of a real one do that has just started.
    private func die(_ cast: Cast) async throws(Failure) {
        let load = cast.load
        var die = Fault(step: .any, deed: .die)
        die.times = 1
        die.forMs = Self.death
        var empty = Fault(step: .queued, deed: .fail)
        empty.times = 2
        empty.sql = Self.ofReads
        empty.error = Fault.ScriptedError(
            name: "GENERIC_INTERNAL_ERROR", type: "INTERNAL_ERROR", code: 65_536, message: "nodes is empty")
        let running = load.reading(on: "blue-1")
        cast.stage.blue1.apply(script(die, empty))
        // It dies of the next request: of this one, or of one that came before it.
        _ = try? await cast.web.perform(WebRequest(url: "http://\(cast.stage.blue1Address)/v1/info"))
        screen.tell("blue-1 dies: its connections are reset, nobody listens there; \(running) queries ran on it")
        screen.add("The writers had finished theirs first: an INSERT that runs on a coordinator when it dies has")
        screen.add("written or not. It is not run again, its client is told PENSTOCK_OUTCOME_UNKNOWN: a failure.")
        load.letWritersRest(false)
        try await until("blue-1 is down") { () throws(Failure) in try await health("blue-1", cast) != .ready }
        screen.tell(
            "the gateway has seen it: new statements go to blue-2; polls of the \(running) are told to ask again")
        try await until("blue-1 is back") { () throws(Failure) in try await health("blue-1", cast) == .ready }
        screen.tell("blue-1 is back, a new process that knows none of the \(running): they run again, no row had left")
        screen.add("The first two queries that it takes fail: \"nodes is empty\", as on a Trino that has just started.")
        try await wait(2 * Self.act)
    }

    /// blue-2 loses its workers for a while: what it takes stays in its queue.
    private func loseWorkers(_ cast: Cast) async throws(Failure) {
        let load = cast.load
        load.begin(act: Self.withoutWorkers, isChange: true)
        var workerless = FaultScript()
        workerless.workers = 0
        workerless.workerWaitMs = Self.workerWait
        // Just after a probe, so that some statements come before the next one tells.
        let checked = try await coordinator("blue-2", cast).checked
        try await until("blue-2 is probed") { () throws(Failure) in
            try await coordinator("blue-2", cast).checked != checked
        }
        cast.stage.blue2.apply(workerless)
        screen.tell("blue-2 loses its workers: it takes statements as before, and queues them all")
        try await until("blue-2 has no workers") { () throws(Failure) in try await health("blue-2", cast) != .ready }
        screen.tell("the gateway has seen it: new statements go to blue-1, queries that are queued move there")
        screen.add(
            "INSERTs stay until the engine gives them up, after \(Self.workerWait / 1000) s: then none had begun.")
        try await wait(Self.workerWait + 1500)
        cast.stage.blue2.apply(FaultScript())
        try await until("blue-2 is ready") { () throws(Failure) in try await health("blue-2", cast) == .ready }
        screen.tell("blue-2 has its workers again, and takes statements")
        try await wait(Self.act)
    }

    private func script(_ faults: Fault...) -> FaultScript {
        var script = FaultScript()
        script.faults = faults
        return script
    }

    private func health(_ name: String, _ cast: Cast) async throws(Failure) -> CoordinatorHealth {
        try await coordinator(name, cast).health
    }

    private func coordinator(_ name: String, _ cast: Cast) async throws(Failure) -> CoordinatorBody {
        try await cast.admin.get(["v1", "coordinators", name], as: CoordinatorBody.self).body
    }
}
