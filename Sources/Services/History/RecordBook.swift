import Engine
import Model
import Wire

/// The records of statements that have not ended, or have not been written since: it puts events together and says
/// what is to be written.
///
/// Events of one statement may come from several loops, in any order; what a later event says is not undone by an
/// earlier one that comes late. A statement that ended stays ended, unless it was given up (abandoned, lost) and a poll
/// shows that it went on. An event costs a look-up, however many records are held: it must keep up with the loops.
struct RecordBook {
    /// A version of a record that is to be written.
    struct Draft: Equatable, Sendable {
        /// The record.
        var record: StatementRecord
        fileprivate var revision: UInt32
    }

    /// Records that it holds at most; beyond, the oldest are dropped and counted.
    let capacity: Int
    /// How long after its first change a record of a statement that goes on is written, in milliseconds: most
    /// statements have ended by then and are written once.
    static let settling: Int64 = 200
    /// The same where all that is new is that it runs.
    static let resting: Int64 = 5000
    /// How long an ended record waits for late events of other loops, and one without a beginning for it.
    static let lateness: Int64 = 1000

    private var entries: [StatementKey: RecordEntry] = [:]
    /// To be written now, soon, some time: in the order in which their turn comes.
    private var ended = Queue<RecordEntry>()
    private var settling = Queue<RecordEntry>()
    private var resting = Queue<RecordEntry>()
    /// Ended and written.
    private var leaving = Queue<RecordEntry>()
    /// Ended, and nobody was told yet.
    private var untold: [RecordEntry] = []
    /// Events came, but no beginning.
    private var orphans: Set<StatementKey> = []
    /// Records that were dropped before they were written.
    private(set) var dropped: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    /// The records it holds of statements whose beginning is known.
    var records: [StatementRecord] { entries.values.filter(\.hasBegun).map(\.record) }

    /// How many records the store does not have as they are.
    var unwrittenCount: Int { entries.values.count(where: \.isUnwritten) }

    /// How many places in its queues are taken, also by what has moved on.
    var queuedCount: Int { ended.count + settling.count + resting.count + leaving.count }

    /// Whether a record is held whose beginning is known.
    func holds(_ key: StatementKey) -> Bool { entries[key]?.hasBegun ?? false }

    /// Whether a record is held that has ended.
    func hasEnded(_ key: StatementKey) -> Bool { entries[key]?.record.state.isTerminal ?? false }

    /// Takes a record that does not begin with a submission here.
    /// - Parameter isStored: whether the store has it as it is.
    mutating func recall(_ record: StatementRecord, isStored: Bool, now: Int64) {
        let entry = RecordEntry(record, now: now)
        entry.hasBegun = true
        entry.isTold = record.ended != nil
        if let earlier = entries[record.key] {
            // Events came first: what they say is put upon the record.
            entry.putUpon(earlier)
        } else if isStored {
            entry.written = entry.revision
        }
        orphans.remove(record.key)
        entries[record.key] = entry
        enqueue(entry, change: .much, now: now)
    }

    /// Takes an event.
    mutating func take(_ event: StatementEvent, now: Int64) {
        let entry: RecordEntry
        var wasOrphan = false
        if let known = entries[event.key] {
            entry = known
            wasOrphan = !known.hasBegun
        } else {
            let id = statementID(owner: event.key.owner, statement: event.key.number)
            entry = RecordEntry(StatementRecord(id: id, key: event.key, submitted: event.at), now: now)
            entries[event.key] = entry
        }
        let change = entry.take(event)
        entry.touched = now
        if !entry.hasBegun {
            orphans.insert(event.key)
        } else if wasOrphan {
            orphans.remove(event.key)
        }
        enqueue(entry, change: change, now: now)
    }

    /// Puts a changed entry where its turn to be written comes.
    private mutating func enqueue(_ entry: RecordEntry, change: RecordEntry.Change, now: Int64) {
        guard entry.hasBegun else { return }
        if entry.record.state.isTerminal {
            if !entry.isTold {
                entry.isTold = true
                untold.append(entry)
            }
            if entry.isUnwritten, entry.place != .ended {
                entry.place = .ended
                ended.append(entry)
            }
            return
        }
        guard entry.isUnwritten else { return }
        switch change {
        case .none:
            break
        case .little where entry.place == .none:
            entry.place = .resting
            entry.waiting = now
            resting.append(entry)
        case .little:
            break
        case .much where entry.place == .none || entry.place == .resting:
            entry.place = .settling
            entry.waiting = now
            settling.append(entry)
        case .much:
            break
        }
    }

    // MARK: Writing

    /// Keys of which events came, but no beginning, for so long that none will come.
    func strays(now: Int64) -> [StatementKey] {
        orphans.filter { key in entries[key].map { now - $0.touched >= Self.lateness } ?? true }
    }

    /// Gives up a stray that the store does not know either.
    mutating func forget(_ key: StatementKey) {
        orphans.remove(key)
        if let entry = entries.removeValue(forKey: key) { entry.isGone = true }
    }

    /// Records that have ended since the last call, to be told in the log.
    mutating func takeEnded() -> [StatementRecord] {
        defer { untold = [] }
        return untold.map(\.record)
    }

    /// Takes out what is to be written now; what the store does not take is to be put back.
    /// - Parameter all: also what could wait.
    mutating func takeDrafts(limit: Int, now: Int64, all: Bool) -> [Draft] {
        var drafts: [Draft] = []
        func draw(_ queue: inout Queue<RecordEntry>, _ place: RecordEntry.Place, after delay: Int64) {
            while drafts.count < limit, let entry = queue.first, all || now - entry.waiting >= delay {
                _ = queue.popFirst()
                // It may have moved on to another queue since.
                guard entry.place == place, !entry.isGone else { continue }
                entry.place = .none
                if entry.isUnwritten { drafts.append(Draft(record: entry.record, revision: entry.revision)) }
            }
        }
        draw(&ended, .ended, after: .min)
        draw(&settling, .settling, after: Self.settling)
        draw(&resting, .resting, after: Self.resting)
        return drafts
    }

    /// The store has these.
    mutating func written(_ drafts: [Draft]) {
        for draft in drafts {
            guard let entry = entries[draft.record.key] else { continue }
            entry.written = draft.revision
            if entry.record.state.isTerminal, !entry.isUnwritten { leaving.append(entry) }
        }
    }

    /// The store did not take these.
    mutating func putBack(_ drafts: [Draft], now: Int64) {
        for draft in drafts {
            if let entry = entries[draft.record.key] { enqueue(entry, change: .much, now: now) }
        }
    }

    /// Lets go what ended and is written, and what there is no room for: first what the store has, then what ended,
    /// then what goes on, each from the oldest.
    mutating func tidy(now: Int64) {
        while let entry = leaving.first, now - entry.touched >= Self.lateness || entry.isUnwritten || entry.isGone {
            _ = leaving.popFirst()
            // One that changed again comes here again.
            if !entry.isUnwritten, entry.record.state.isTerminal { forget(entry) }
        }
        // A queue still holds what has moved on to another; where that one has all the writer's time, it would grow.
        let most = 2 * entries.count + 1000
        if settling.count > most { settling.keep { $0.place == .settling && !$0.isGone } }
        if resting.count > most { resting.keep { $0.place == .resting && !$0.isGone } }
        while entries.count > capacity, let entry = leaving.popFirst() { forget(entry) }
        while entries.count > capacity, let entry = ended.popFirst() { drop(entry, from: .ended) }
        while entries.count > capacity, let entry = settling.popFirst() { drop(entry, from: .settling) }
        while entries.count > capacity, let entry = resting.popFirst() { drop(entry, from: .resting) }
        // What is left goes on and is in the store: its next event finds it there.
        if entries.count > capacity {
            for entry in Array(entries.values.prefix(entries.count - capacity)) { forget(entry) }
        }
    }

    private mutating func drop(_ entry: RecordEntry, from place: RecordEntry.Place) {
        guard entry.place == place, !entry.isGone else { return }
        if entry.isUnwritten { dropped += 1 }
        forget(entry)
    }

    private mutating func forget(_ entry: RecordEntry) {
        guard !entry.isGone else { return }
        forget(entry.record.key)
    }
}
