import Engine
import Model

/// Attends to what the loops ask for: keeps pins and tombstones, probes what is in doubt, learns suffixes.
///
/// A page or an answer waits for what is written here, so each request is taken up at once; those that came meanwhile
/// go into the next transaction together. When the store is away, whoever waits is told so at once, and what could not
/// be written stays in memory here and is tried again.
public final class Attending: Service {
    /// What the log and the status call it.
    public let name = "attending"
    /// How often it tries again what the store did not take, and writes what nobody waits for, in milliseconds.
    private static let patience: Int64 = 1000
    /// Pins and tombstones that may wait for the store; beyond, the oldest are given up. The loops keep their own.
    private static let capacity = 10_000

    private struct State {
        var pins: [String: TransactionPin] = [:]
        var endedPins: Set<String> = []
        var tombstones: [Tombstone] = []
        var isStoreAway = false

        mutating func bound(to capacity: Int) {
            if tombstones.count > capacity { tombstones.removeFirst(tombstones.count - capacity) }
            if pins.count > capacity {
                let oldest = pins.values.sorted { $0.used < $1.used }.prefix(pins.count - capacity)
                for pin in oldest { pins[pin.id] = nil }
            }
            if endedPins.count > capacity { endedPins = [] }
        }
    }

    private let intake: Intake
    private let routing: Routing
    private let probing: Probing
    private let storage: any Storage
    private let clock: any Clock
    private let log: any Log
    private let state = Guarded(State())

    /// A service for the requests in the intake.
    public init(
        intake: Intake, routing: Routing, probing: Probing, storage: any Storage, clock: any Clock, log: any Log
    ) {
        self.intake = intake
        self.routing = routing
        self.probing = probing
        self.storage = storage
        self.clock = clock
        self.log = log
    }

    /// Serves at once.
    public func start() async throws {}

    /// Attends until its task is cancelled, then once more to what is left.
    public func run() async throws {
        await withTaskGroup { group in
            group.addTask { await self.ringOften() }
            for await _ in intake.rings { await attend(isPressing: false) }
            group.cancelAll()
        }
        await attend(isPressing: true)
    }

    private func ringOften() async {
        do {
            while true {
                try await clock.sleep(milliseconds: Self.patience)
                intake.ring()
            }
        } catch {
            // Cancelled with the service.
        }
    }

    /// What waits for a store that is away.
    var unwritten: Int {
        state.withLock { $0.isStoreAway ? $0.pins.count + $0.endedPins.count + $0.tombstones.count : 0 }
    }

    /// Takes up all requests.
    func attend(isPressing: Bool) async {
        var waiters: [@Sendable () -> Void] = []
        // What is not done before it is remembered: without a store it is not done, so nothing is to be remembered.
        var marks: [Tombstone] = []
        var askers: [@Sendable (Bool) -> Void] = []
        let failures = intake.takeFailures()
        let requests = intake.takeRequests()
        for request in requests {
            switch request {
            case .probe(let registration):
                probing.probeSoon(registration)
            case .suffixSeen(let registration, let suffix):
                if await routing.observe(suffix: suffix, of: registration) { probing.probeSoon(registration) }
            case .startsOnPost(let group, let pool):
                await routing.observe(startOnPost: StoredPoolStart(group: group, pool: pool))
            case .pin(let pin, let stored):
                state.withLock { state in
                    state.endedPins.remove(pin.id)
                    state.pins[pin.id] = pin
                }
                if let stored { waiters.append(stored) }
            case .unpin(let id):
                state.withLock { state in
                    state.pins[id] = nil
                    state.endedPins.insert(id)
                }
            case .failed:
                break  // The intake counts them.
            case .condemned(let registration):
                routing.observe(tooFewWorkersOn: registration)
                probing.probeSoon(registration)
            case .patternGaveUp(let rule):
                log.warning("a pattern of the policy reached a limit and counts as no match", LogField("rule", rule))
            case .leftQueue(let registration):
                routing.observe(leftQueueOf: registration)
            case .submitting(let key, let stored):
                marks.append(Tombstone(key: key, kind: .submitted, at: clock.now()))
                askers.append(stored)
            case .superseded(let key, let attempt, let stored):
                marks.append(
                    Tombstone(key: key, kind: .superseded, attempt: UInt16(clamping: attempt), at: clock.now()))
                askers.append(stored)
            case .tombstone(let tombstone, let stored):
                state.withLock { $0.tombstones.append(tombstone) }
                waiters.append(stored)
            }
        }
        // After what the requests say: failures for want of workers eject nobody who is condemned for them.
        for (registration, count) in failures {
            routing.observe(count, of: registration)
            if count.unavailable > 0 { probing.probeSoon(registration) }
        }
        // Without requests it was the clock that rang: then what nobody waits for is written too.
        if isPressing || requests.isEmpty || !waiters.isEmpty || !marks.isEmpty {
            let isStored = await write(marks)
            for asker in askers { asker(isStored) }
        }
        for waiter in waiters { waiter() }
    }

    /// Writes what waits, and these marks. False: nothing of it is known to be durable, and the marks are forgotten.
    private func write(_ marks: [Tombstone]) async -> Bool {
        let (pins, ended, tombstones) = state.withLock { state in
            (Array(state.pins.values), Array(state.endedPins), state.tombstones)
        }
        do throws(StorageProblem) {
            if !pins.isEmpty || !ended.isEmpty { try await storage.save(pins: pins, ended: ended) }
            if !tombstones.isEmpty || !marks.isEmpty { try await storage.save(tombstones + marks) }
            // Only this task changes the state, and it waited here: nothing came in between.
            state.withLock { $0 = State() }
            return true
        } catch {
            let isNews = state.withLock { state in
                defer { state.isStoreAway = true }
                state.bound(to: Self.capacity)
                return !state.isStoreAway
            }
            if isNews { log.error("pins and tombstones cannot be written", LogField("problem", error.text)) }
            return false
        }
    }
}
