import Synchronization
import Wire

/// How many statements a coordinator has, by what is known of them. Loops raise and lower it; selection reads it.
public final class CoordinatorLoad: Sendable {
    private let queued = Atomic<Int>(0)
    private let running = Atomic<Int>(0)
    private let presumed = Atomic<Int>(0)
    private let placed = Atomic<UInt64>(0)

    /// No statements.
    public init() {}

    /// All statements in flight.
    public var total: Int {
        queued.load(ordering: .relaxed) + running.load(ordering: .relaxed) + presumed.load(ordering: .relaxed)
    }

    /// Queued, running and presumed statements.
    public var parts: (queued: Int, running: Int, presumed: Int) {
        (queued.load(ordering: .relaxed), running.load(ordering: .relaxed), presumed.load(ordering: .relaxed))
    }

    /// Attempts that were ever placed here.
    public var submitted: UInt64 { placed.load(ordering: .relaxed) }

    /// An attempt is placed here.
    func place() { placed.wrappingAdd(1, ordering: .relaxed) }

    /// A statement counts differently from now on.
    public func move(from old: Counted, to new: Counted) {
        guard old != new else { return }
        add(-1, to: old)
        add(1, to: new)
    }

    private func add(_ amount: Int, to counted: Counted) {
        switch counted {
        case .nowhere: break
        case .queued: queued.wrappingAdd(amount, ordering: .relaxed)
        case .running: running.wrappingAdd(amount, ordering: .relaxed)
        case .presumed: presumed.wrappingAdd(amount, ordering: .relaxed)
        }
    }
}

/// What names a statement to people and engines, and where it runs: it changes only while the POST is under way.
public struct Placement: Sendable {
    /// The group.
    public var group: String
    /// The pool.
    public var pool: String
    /// The coordinator's name.
    public var coordinator: String
    /// Its registration.
    public var registration: UInt32
    /// The coordinator's incarnation when it took the statement; nil where another gateway sent it.
    public var incarnation: UInt32?
    /// When the POST was taken.
    public var submitted: Timestamp
    /// The engine's query id, once it answered.
    public var queryID: String
    /// The open transaction it belongs to.
    public var transaction: String?
    /// The count of the coordinator.
    public var load: CoordinatorLoad?

    /// A statement that was placed nowhere yet.
    public init(group: String, submitted: Timestamp) {
        self.group = group
        self.submitted = submitted
        pool = ""
        coordinator = ""
        registration = 0
        incarnation = nil
        queryID = ""
        transaction = nil
        load = nil
    }
}

/// A statement's machine under its lock. Polls may come on any loop: lock, step, unlock, act (design 3).
public final class Cell: Sendable {
    /// The statement.
    public let key: StatementKey
    /// The gateway's id of the statement, as bytes: responses carry it.
    public let idBytes: [UInt8]
    private struct State: Sendable {
        var machine: StatementMachine
        var placement: Placement
    }
    private let state: Mutex<State>

    /// A cell around a machine. What the machine counts already is counted at once.
    public init(key: StatementKey, machine: StatementMachine, placement: Placement) {
        self.key = key
        idBytes = statementIDBytes(owner: key.owner, statement: key.number)
        state = Mutex(State(machine: machine, placement: placement))
        placement.load?.move(from: .nowhere, to: machine.counted)
    }

    /// Where the statement is.
    public var placement: Placement { state.withLock { $0.placement } }
    /// A copy of the machine, for those who only look.
    public var machine: StatementMachine { state.withLock { $0.machine } }

    /// Places an attempt on a coordinator and counts it there.
    public func submit(attempt: UInt16, placement: Placement, startsOnPost: Bool? = nil, now: Int64) {
        step {
            $0.machine.onSubmit(attempt: attempt, startsOnPost: startsOnPost, now: now)
            $0.placement = placement
        }
        placement.load?.place()
    }

    /// No coordinator took the attempt.
    public func submissionFailed() { step { $0.machine.onSubmissionFailed() } }

    /// The engine gave the statement an id. `isNewIncarnation`: the id is of an incarnation that the table did not know
    /// yet when the statement was placed, so that its number tells nothing of this statement.
    public func named(_ queryID: String, isNewIncarnation: Bool = false) {
        state.withLock { state in
            state.placement.queryID = queryID
            if isNewIncarnation { state.placement.incarnation = nil }
        }
    }

    /// A poll arrived.
    public func poll(attempt: UInt16, sequence: UInt32, now: Int64) -> StatementMachine.Poll {
        step { $0.machine.onPoll(attempt: attempt, sequence: sequence, now: now) }
    }

    /// The connect for a poll reached nobody.
    public func pollUnwritten(attempt: UInt16) { state.withLock { $0.machine.onPollUnwritten(attempt: attempt) } }

    /// A HEAD arrived.
    public func touch(now: Int64) { state.withLock { $0.machine.onTouch(now: now) } }

    /// A poll's exchange has ended.
    public func exchangeEnded(now: Int64) { state.withLock { $0.machine.onExchangeEnded(now: now) } }

    /// A page is about to leave. `becameRunning`: it is the first to show that the statement runs; `isUnnamed`: the
    /// engine's id is not known yet, because another gateway took the POST.
    public func page(
        attempt: UInt16, facts: PageFacts, now: Int64
    ) -> (step: StatementMachine.Page, becameRunning: Bool, ended: Bool, isUnnamed: Bool) {
        step {
            let before = $0.machine
            let answer = $0.machine.onPage(attempt: attempt, facts: facts, now: now)
            let after = $0.machine
            return (
                answer, before.counted != .running && after.counted == .running,
                before.phase != after.phase && after.phase == .relayed, $0.placement.queryID.isEmpty
            )
        }
    }

    /// A poll got no usable answer.
    public func unanswered(attempt: UInt16, patience: Int64, now: Int64) -> StatementMachine.Unanswered {
        step { $0.machine.onUnanswered(attempt: attempt, patience: patience, now: now) }
    }

    /// A poll was answered 404.
    public func forgotten(
        attempt: UInt16, incarnation: Incarnation, at moment: Timestamp, patience: Int64, now: Int64
    ) -> StatementMachine.Unanswered {
        step {
            $0.machine.onForgotten(
                attempt: attempt, incarnation: incarnation, at: moment, patience: patience, now: now)
        }
    }

    /// A poll was answered with something that is no page.
    public func broken(attempt: UInt16) -> StatementMachine.Unanswered {
        step { $0.machine.onBroken(attempt: attempt) }
    }

    /// The gateway ends the statement.
    public func end(_ error: OwnError) { step { $0.machine.onEnd(error) } }

    /// A DELETE arrived.
    public func cancel(attempt: UInt16, withdrawsUnstarted: Bool, now: Int64) -> StatementMachine.Cancel {
        step { $0.machine.onCancel(attempt: attempt, withdrawsUnstarted: withdrawsUnstarted, now: now) }
    }

    /// The coordinator refused the DELETE.
    public func cancelRefused() { step { $0.machine.onCancelRefused() } }

    /// The coordinator confirmed a DELETE by id.
    public func canceledThere(now: Int64) -> Bool { step { $0.machine.onCanceledThere(now: now) } }

    /// The coordinator answered the gateway's DELETE, or did not.
    public func cancelAnswered(confirmed: Bool, countFor milliseconds: Int64, now: Int64) {
        step { $0.machine.onCancelAnswered(confirmed: confirmed, countFor: milliseconds, now: now) }
    }

    /// Looks at the clock.
    public func tick(abandoned: Int64, remembered: Int64, now: Int64) -> StatementMachine.Tick {
        step { $0.machine.onTick(abandoned: abandoned, remembered: remembered, now: now) }
    }

    /// The open transaction that the statement belongs to, while it has not ended.
    public var transactionInUse: String? {
        state.withLock { state in state.machine.phase == .open ? state.placement.transaction : nil }
    }

    /// A presumed statement was not polled in time.
    public func presumptionEnded() -> Bool { step { $0.machine.onPresumptionEnded() } }

    /// One step under the lock; the coordinator's count follows the machine.
    @inline(__always)
    private func step<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
        state.withLock { state in
            let before = state.machine.counted
            let load = state.placement.load
            let answer = body(&state)
            let after = state.machine.counted
            if before != .nowhere, state.placement.load !== load {
                load?.move(from: before, to: .nowhere)
                state.placement.load?.move(from: .nowhere, to: after)
            } else if before != after {
                state.placement.load?.move(from: before, to: after)
            }
            return answer
        }
    }
}

/// All statements that this gateway holds, in shards, so that loops seldom meet.
public final class CellTable: Sendable {
    private final class Shard: Sendable { let cells = Mutex<[StatementKey: Cell]>([:]) }
    private let shards: [Shard]
    /// How many shards there are.
    public static let shardCount = 64

    /// No statements.
    public init() { shards = (0..<Self.shardCount).map { _ in Shard() } }

    private func shard(_ key: StatementKey) -> Shard { shards[Int(truncatingIfNeeded: key.number) & 63] }

    /// The cell of a statement.
    public func cell(_ key: StatementKey) -> Cell? { shard(key).cells.withLock { $0[key] } }

    /// Adds a cell unless there is one; answers the one that is there then.
    public func add(_ cell: Cell) -> Cell {
        shard(cell.key).cells.withLock { cells in
            if let present = cells[cell.key] { return present }
            cells[cell.key] = cell
            return cell
        }
    }

    /// Forgets a statement.
    public func remove(_ key: StatementKey) { shard(key).cells.withLock { $0[key] = nil } }

    /// The cells of one shard, to be looked at without its lock.
    public func cells(ofShard index: Int) -> [Cell] { shards[index].cells.withLock { Array($0.values) } }

    /// All cells.
    public var all: [Cell] { (0..<Self.shardCount).flatMap { cells(ofShard: $0) } }
}
