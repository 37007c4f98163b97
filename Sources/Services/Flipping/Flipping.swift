import Engine
import Model

/// Makes another pool of a group active: decides, commits, publishes, answers (design 6). A flip runs in a task of its
/// own, so that an operator's connection that drops stops nothing.
public final class Flipping: Sendable {
    /// What the metrics show of flips since the start.
    struct Counts: Equatable, Sendable {
        /// Flips committed, by group.
        var committed: [String: UInt64] = [:]
        /// Flips refused, by guard.
        var refused: [FlipGuard: UInt64] = [:]
    }
    private struct State {
        var counts = Counts()
        /// Groups of which a flip is being done.
        var busy: Set<String> = []
    }

    private let routing: Routing
    private let storage: any Storage
    private let clock: any Clock
    private let log: any Log
    /// What `acknowledged` calls this gateway.
    private let replica: String
    private let state = Guarded(State())

    /// A flipper of the groups that this routing keeps.
    /// - Parameter replica: what `acknowledged` calls this gateway.
    public init(routing: Routing, storage: any Storage, clock: any Clock, log: any Log, replica: String) {
        self.routing = routing
        self.storage = storage
        self.clock = clock
        self.log = log
        self.replica = replica
    }

    var counts: Counts { state.withLock { $0.counts } }

    /// Does what is ordered, or says what would be done. Every POST whose head arrives after this has returned goes by
    /// the new table.
    func flip(
        _ group: String, _ order: FlipOrder, reason: String?, by: String, isDryRun: Bool
    ) async throws(AdminProblem) -> FlipBody {
        let work = Task { () -> Result<FlipBody, AdminProblem> in
            do throws(AdminProblem) {
                return .success(try await self.perform(group, order, reason: reason, by: by, isDryRun: isDryRun))
            } catch {
                return .failure(error)
            }
        }
        let result = await work.value
        if case .failure(let problem) = result, let refusal = problem.guard, !isDryRun {
            state.withLock { $0.counts.refused[refusal, default: 0] += 1 }
            log.warning(
                "flip refused", LogField("group", group), LogField("guard", refusal.rawValue), LogField("by", by))
        }
        return try result.get()
    }

    private func perform(
        _ group: String, _ order: FlipOrder, reason: String?, by: String, isDryRun: Bool
    ) async throws(AdminProblem) -> FlipBody {
        let isInProgress = state.withLock { state in
            if isDryRun { return state.busy.contains(group) }
            return !state.busy.insert(group).inserted
        }
        defer {
            if !isDryRun && !isInProgress { state.withLock { _ = $0.busy.remove(group) } }
        }
        // The commit itself tells whether the store can be written; a dry run has to ask.
        let isWritable = isDryRun ? await storage.condition().isWritable : true
        let situation = FlipSituation(
            table: routing.traffic.table, group: group, newest: try await newest(group, for: order),
            isInProgress: isInProgress,
            isStoreWritable: isWritable)
        switch FlipDecision(order, in: situation) {
        case .unknownGroup: throw .unknown("group", group)
        case .unknownPool(let pool): throw .unknown("pool", pool)
        case .refuse(let refusal, let sentence): throw AdminProblem(refusal, detail: sentence)
        case .commit(let from, let to, let epoch, let undoes):
            let record = FlipRecord(
                group: group, from: from, to: to, epoch: epoch, reason: reason, by: by, at: clock.now(),
                forced: order.isForced, undoes: undoes)
            let flip = isDryRun ? nil : try await commit(record).number
            return FlipBody(
                flip: flip, group: group, active: to, previous: from, epoch: epoch, acknowledged: [replica],
                isDryRun: isDryRun)
        }
    }

    private func commit(_ record: FlipRecord) async throws(AdminProblem) -> FlipRecord {
        let committed: FlipRecord
        do throws(StorageProblem) {
            committed = try await storage.commit(record)
        } catch {
            if case .epochMismatch(let actual) = error {
                throw AdminProblem(.epochMismatch, detail: "Group \(record.group) has epoch \(actual) by now.")
            }
            throw .flipNeedsStore(error)
        }
        routing.flipped(committed)
        state.withLock { $0.counts.committed[record.group, default: 0] += 1 }
        log.info(
            "group flipped", LogField("group", record.group), LogField("from", record.from), LogField("to", record.to),
            LogField("epoch", "\(record.epoch)"), LogField("flip", "\(committed.number)"), LogField("by", record.by))
        return committed
    }

    /// The flip that a rollback would undo. Any other flip need not wait for the log.
    private func newest(_ group: String, for order: FlipOrder) async throws(AdminProblem) -> PastFlip? {
        guard order.target == .back else { return nil }
        do throws(StorageProblem) {
            return try await storage.flips(group: group, before: nil, limit: 1).first.map {
                PastFlip(number: $0.number, from: $0.from, isRollback: $0.undoes != nil)
            }
        } catch {
            throw .flipNeedsStore(error)
        }
    }
}

extension AdminProblem {
    fileprivate static func flipNeedsStore(_ problem: StorageProblem) -> AdminProblem {
        AdminProblem(.storeAway, detail: "A flip must be durable, and the store cannot be written: \(problem.text).")
    }
}
