import Engine
import Model
import Wire

/// Writes what happened to statements, behind, in batches (design 7), and tells each end in the log. It never holds up
/// a statement: when the store is away, records wait here, bounded, and the oldest are dropped and counted.
public final class History: Service {
    /// What the log and the status call it.
    public let name = "history"
    /// How often it takes the loops' events, in milliseconds.
    private static let tick: Int64 = 100
    /// How long a store that is away is not tried again, in milliseconds.
    private static let patience: Int64 = 1000
    /// Records in one transaction.
    private static let batch = 500
    /// Records that wait here at most, some 20 MB.
    private static let capacity = 20_000
    /// The share of one core's time that writing may take, as one in so many: the loops need the cores more. What
    /// comes faster than that waits, and is dropped beyond the capacity.
    private static let share: Int64 = 20
    /// The same while more comes than that share could write: most of it is lost then, whatever is done.
    private static let shareOfOverflow: Int64 = 80
    /// The longest rest between two writes, in milliseconds.
    private static let longestRest: Int64 = 1000
    /// How long after the start statements of gone owners are presumed to run, in milliseconds; as long as the engines
    /// wait for a poll (design 4).
    private static let presumption: Int64 = 300_000

    private struct State {
        var book = RecordBook(capacity: History.capacity)
        /// Unfinished statements of gone owners that were not polled yet.
        var presumed: [StatementKey: StatementRecord] = [:]
        var ended: [StatementState: UInt64] = [:]
        var retries = RetryCounts()
        /// Whether the last write failed.
        var isStoreAway = false
        /// Until when nothing is written, on the monotonic clock.
        var resting: Int64 = .min
        /// Records that had been dropped when it was written last.
        var dropped: UInt64 = 0
        /// It writes the smaller share.
        var overflows = false

        /// Rests after so much work. A machine that is short of time for one write must not keep all from being written
        /// for long.
        mutating func rest(after milliseconds: Int64, now: Int64) {
            // Of what the smaller share lost the greater one would have written so much: if it is no more, it keeps up.
            let more = UInt64(History.shareOfOverflow / History.share - 1) * UInt64(History.batch)
            overflows = book.dropped - dropped > (overflows ? more : 0)
            dropped = book.dropped
            let share = overflows ? History.shareOfOverflow : History.share
            resting = max(resting, now + min(milliseconds * (share - 1), History.longestRest))
        }
    }

    private let intake: Intake
    private let storage: any Storage
    private let traffic: any Traffic
    private let clock: any Clock
    private let log: any Log
    /// When it began, on the monotonic clock.
    private let started: Int64
    /// Whether a crash may have lost records of what still runs.
    private let mayHaveLost: Bool
    private let state: Guarded<State>
    private let turns = Turns()

    /// A writer of what lies in the intake.
    /// - Parameter stored: what the store had at this start; its unfinished statements are presumed to run.
    public init(
        intake: Intake, stored: OperationalState, storage: any Storage, traffic: any Traffic, clock: any Clock,
        log: any Log
    ) {
        self.intake = intake
        self.storage = storage
        self.traffic = traffic
        self.clock = clock
        self.log = log
        started = clock.monotonic()
        mayHaveLost = stored.endedUncleanly
        var state = State()
        for record in stored.unfinished { state.presumed[record.key] = record }
        self.state = Guarded(state)
    }

    /// Counts what gone owners left.
    public func start() async throws {
        let presumed = state.withLock { Array($0.presumed.values) }
        traffic.presume(presumed.filter(\.isWithCoordinator))
        guard !presumed.isEmpty else { return }
        log.info("statements of an earlier run may still run", LogField("statements", "\(presumed.count)"))
    }

    /// Writes until its task is cancelled, then writes what is left.
    public func run() async throws {
        do {
            while true {
                try await clock.sleep(milliseconds: Self.tick)
                await flush(all: false)
                endPresumption()
            }
        } catch {
            // Cancelled: the gateway stops, and no loop has anything more to say.
            await flush(all: true)
        }
    }

    // MARK: Writing

    /// Takes the events that lie ready and writes what is due.
    /// - Parameter all: also what could wait.
    func flush(all: Bool) async {
        await turns.take {
            await take(intake.takeEvents())
            while all || mayWrite {
                let begun = clock.monotonic()
                let drafts = state.withLock { $0.book.takeDrafts(limit: Self.batch, now: begun, all: all) }
                guard !drafts.isEmpty, await write(drafts, begun: begun) else { break }
            }
            let now = clock.monotonic()
            state.withLock { $0.book.tidy(now: now) }
        }
    }

    private var mayWrite: Bool {
        let now = clock.monotonic()
        return state.withLock { now >= $0.resting }
    }

    private func take(_ batch: EventBatch) async {
        for event in batch.events {
            guard case .adopted(let attempt, let registration) = event.change else { continue }
            await recall(event.key, attempt: attempt, registration: registration, at: event.at)
        }
        let now = clock.monotonic()
        let strays = state.withLock { state in
            // A span, because an element of the array would be copied.
            let courses = batch.courses.span
            for index in courses.indices { state.book.take(courses[index], now: now) }
            for event in batch.events {
                state.book.take(event, now: now)
                if case .judged(let verdict, _) = event.change { state.retries.add(verdict) }
            }
            return now >= state.resting ? state.book.strays(limit: Self.batch, now: now) : []
        }
        if !strays.isEmpty { await recall(strays: strays) }
        let isLogged = log.writesFinished
        let ended = state.withLock { state in
            var drafts: [RecordDraft] = []
            var finished: UInt64 = 0
            for entry in state.book.takeEnded() {
                // Nearly all: their count waits for the end.
                if case .finished = entry.state { finished += 1 } else { state.ended[entry.state, default: 0] += 1 }
                if entry.hasStory { state.retries.add(ended: entry.record) }
                if isLogged { drafts.append(entry.draft) }
            }
            if finished > 0 { state.ended[.finished, default: 0] += finished }
            return drafts
        }
        log.write(finished: ended)
    }

    private func write(_ drafts: [RecordDraft], begun: Int64) async -> Bool {
        do throws(StorageProblem) {
            try await storage.record(drafts)
            let now = clock.monotonic()
            let wasAway = state.withLock { state in
                state.book.written()
                state.rest(after: now - begun, now: now)
                defer { state.isStoreAway = false }
                return state.isStoreAway
            }
            if wasAway { log.info("history is written again") }
            return true
        } catch {
            let now = clock.monotonic()
            let isNews = state.withLock { state in
                state.book.putBack(now: now)
                state.resting = now + Self.patience
                defer { state.isStoreAway = true }
                return !state.isStoreAway
            }
            if isNews { log.error("history cannot be written", LogField("problem", error.text)) }
            return false
        }
    }

    /// Finds the record of a statement whose owner is gone, so that its history is completed.
    private func recall(_ key: StatementKey, attempt: Int, registration: UInt32, at time: Timestamp) async {
        let isHeld = state.withLock { $0.presumed[key] == nil && $0.book.holds(key) }
        if isHeld { return }
        let id = statementID(owner: key.owner, statement: key.number)
        var found = state.withLock { $0.presumed.removeValue(forKey: key) }
        if found == nil { found = await stored(id) }
        var record = found ?? StatementRecord(id: id, key: key, submitted: time)
        if found == nil, let coordinator = traffic.table.coordinator(registration) {
            // Its record was lost: what the tag tells is all that is known.
            record.state = .running
            record.group = coordinator.group
            record.pool = coordinator.pool
            record.coordinator = coordinator.name
            record.registration = registration
            record.attempts = [
                AttemptRecord(number: attempt, pool: coordinator.pool, coordinator: coordinator.name, started: time)
            ]
        }
        let (recalled, isStored) = (record, found != nil)
        let now = clock.monotonic()
        state.withLock { $0.book.recall(recalled, isStored: isStored, now: now) }
    }

    /// Late events of statements that ended, or whose beginning was lost.
    private func recall(strays keys: [StatementKey]) async {
        let begun = clock.monotonic()
        let found: [StatementRecord]
        do throws(StorageProblem) {
            found = try await storage.statements(ids: keys.map { statementID(owner: $0.owner, statement: $0.number) })
        } catch {
            // Then their history begins here.
            log.debug("records could not be read", LogField("problem", error.text))
            found = []
        }
        let now = clock.monotonic()
        state.withLock { state in
            for record in found { state.book.recall(record, isStored: true, now: now) }
            for key in keys {
                if !state.book.holds(key) { state.book.forget(key) }
                // One whose end was told without a poll that adopted it is presumed no longer.
                if state.book.hasEnded(key) { state.presumed[key] = nil }
            }
            // Reading takes its share as writing does.
            state.rest(after: now - begun, now: now)
        }
    }

    private func stored(_ id: String) async -> StatementRecord? {
        do throws(StorageProblem) {
            return try await storage.statement(id)
        } catch {
            // Then its history begins here.
            log.debug("record could not be read", LogField("problem", error.text))
            return nil
        }
    }

    /// Ends what gone owners left and nobody asked for.
    func endPresumption() {
        guard clock.monotonic() - started >= Self.presumption else { return }
        guard !state.withLock({ $0.presumed.isEmpty }) else { return }
        let keys = traffic.forgetPresumed()
        let (now, at) = (clock.monotonic(), clock.now())
        state.withLock { state in
            // One that no coordinator has is counted nowhere, so the loops never had it.
            let unplaced = state.presumed.values.filter { !$0.isWithCoordinator }.map(\.key)
            for key in keys + unplaced {
                guard let record = state.presumed.removeValue(forKey: key) else { continue }
                // What only reads left nothing behind; of anything else nobody knows.
                let end: StatementState = record.kind?.reads == true ? .abandoned : .lost
                state.book.recall(record, isStored: true, now: now)
                state.book.take(
                    StatementEvent(key: key, at: at, change: .ended(end, failure: nil, message: nil)), now: now)
            }
            state.presumed = [:]
        }
    }

    /// Whether all that may still run is counted: some minutes after a start that followed a crash nothing of the
    /// earlier run is left.
    var isCertain: Bool { !mayHaveLost || clock.monotonic() - started >= Self.presumption }

    // MARK: Reading

    /// Statements that ended since the start, by state.
    var ended: [StatementState: UInt64] { state.withLock { $0.ended } }
    /// What was judged, retried and waited for since the start.
    var retryCounts: RetryCounts { state.withLock { $0.retries } }
    /// Records and events that were dropped since the start.
    var dropped: UInt64 { state.withLock { $0.book.dropped } + intake.droppedEvents }
    /// Records that wait for the store, if it is away.
    var unwritten: Int { state.withLock { $0.isStoreAway ? $0.book.unwrittenCount : 0 } }

    /// The statements that match, newest first: the store's, and over them what it does not have yet.
    func statements(_ filter: StatementFilter) async throws(StorageProblem) -> [StatementRecord] {
        await flush(all: true)
        let held = currentRecords()
        do throws(StorageProblem) {
            return filter.merge(stored: try await storage.statements(filter), held: held)
        } catch {
            guard case .away = error else { throw error }
            return filter.merge(stored: [], held: held)
        }
    }

    /// One statement, by the gateway's id or any engine query id.
    func statement(_ id: String) async throws(StorageProblem) -> StatementRecord? {
        await flush(all: true)
        let held = currentRecords()
        if let own = held.first(where: { $0.id == id }) { return own }
        let named = held.filter { $0.queryIDs.contains(id) }.max { $0.submitted < $1.submitted }
        if let named { return named }
        return try await storage.statement(id)
    }

    /// The lines of the retry log that match, newest first: the store's, and over them what it does not have yet.
    func retries(_ filter: RetryFilter) async throws(StorageProblem) -> [RetryRecord] {
        await flush(all: true)
        let held = currentRecords()
        let newer = Set(held.map(\.id))
        var lines = held.flatMap { record in record.lines.filter { filter.matches($0, queryIDs: record.queryIDs) } }
        do throws(StorageProblem) {
            lines += try await storage.retries(filter).filter { !newer.contains($0.statement) }
        } catch {
            guard case .away = error else { throw error }
        }
        return Array(lines.sorted { $0.position > $1.position }.prefix(filter.limit))
    }

    /// The records held, in the states that the loops know already.
    private func currentRecords() -> [StatementRecord] {
        let live = traffic.liveStates()
        return state.withLock { $0.book.records }.map { record in
            var record = record
            if let now = live[record.key], !record.state.isTerminal { record.state = now }
            return record
        }
    }
}

extension StatementFilter {
    /// Puts records that are newer than the store's over them: newest first, at most `limit`.
    func merge(stored: [StatementRecord], held: [StatementRecord]) -> [StatementRecord] {
        let newer = Set(held.map(\.id))
        let matching = held.filter(matches)
        let position = after.flatMap { id in held.first { $0.id == id } }
        // Of what is held only that can be placed which follows the cursor; the store places its own.
        let placed = matching.filter { record in
            if after == nil || stored.contains(where: { $0.id == record.id }) { return true }
            return position.map { $0.isListed(before: record) } ?? false
        }
        let all = stored.filter { !newer.contains($0.id) } + placed
        return Array(all.sorted { $0.isListed(before: $1) }.prefix(limit))
    }

    /// Whether a record is one that the filter asks for.
    func matches(_ record: StatementRecord) -> Bool {
        (states.isEmpty || states.contains(record.state)) && (user == nil || user == record.user)
            && (source == nil || source == record.source) && (group == nil || group == record.group)
            && (pool == nil || pool == record.pool) && (coordinator == nil || coordinator == record.coordinator)
            && (isRetried == nil || isRetried == record.isRetried) && matches(record.verdicts)
            && (since.map { record.submitted >= $0 } ?? true) && (until.map { record.submitted < $0 } ?? true)
    }

    /// Whether one of a statement's verdicts is such as the filter asks for.
    private func matches(_ verdicts: [VerdictRecord]) -> Bool {
        if classes.isEmpty, rules.isEmpty { return true }
        return verdicts.contains { verdict in
            (classes.isEmpty || classes.contains(verdict.failureClass))
                && (rules.isEmpty || verdict.rule.map(rules.contains) ?? false)
        }
    }
}

extension StatementRecord {
    /// Whether a coordinator has it, as far as the record knows.
    fileprivate var isWithCoordinator: Bool { registration != 0 && state != .waiting }

    /// Newest first; of one moment, the one with the higher number.
    fileprivate func isListed(before other: StatementRecord) -> Bool {
        if submitted != other.submitted { return submitted > other.submitted }
        return (key.owner.counter, key.number) > (other.key.owner.counter, other.key.number)
    }
}
