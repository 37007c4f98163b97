import Engine
import Model

/// The records of statements that have not ended, or have not been written since: it puts events together and says
/// what is to be written.
///
/// Events of one statement may come from several loops, in any order; what a later event says is not undone by an
/// earlier one that comes late. A statement that ended stays ended, unless it was given up (abandoned, lost) and a poll
/// shows that it went on. An event costs a look-up, however many records are held: it must keep up with the loops.
struct RecordBook {
    /// Records that wait to be written, have just been, or lack their beginning, at most; beyond, the oldest are dropped
    /// and counted. Those that go on and are in the store are no part of it: they must not push out what ends meanwhile.
    let capacity: Int
    /// So many times the capacity may go on and be in the store; what is let go beyond is found there again.
    private static let going = 10
    /// How long after its first change a record of a statement that goes on is written, in milliseconds: most
    /// statements have ended by then and are written once.
    static let settling: Int64 = 200
    /// The same where all that is new is that it runs.
    static let resting: Int64 = 5000
    /// How long an ended record waits for late events of other loops, and one without a beginning for it.
    static let lateness: Int64 = 1000

    private var entries = HashTable<RecordEntry>()
    /// To be written now, soon, some time: in the order in which their turn comes.
    private var ended = Queue<RecordEntry>()
    private var settling = Queue<RecordEntry>()
    private var resting = Queue<RecordEntry>()
    /// Ended and written.
    private var leaving = Queue<RecordEntry>()
    /// How many stand in one of the first three.
    private var waiting = 0
    /// Ended, and nobody was told yet.
    private var untold: [RecordEntry] = []
    /// Given out to be written, each at this revision.
    private var drafted: [(entry: RecordEntry, revision: UInt32)] = []
    /// What an event came of last: the next is often of the same.
    private var latest: RecordEntry?
    /// Events came, but no beginning.
    private var orphans: Set<StatementKey> = []
    /// Records that were dropped before they were written.
    private(set) var dropped: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    /// The records it holds of statements whose beginning is known.
    var records: [StatementRecord] { entries.all.filter(\.hasBegun).map(\.record) }

    /// How many records the store does not have as they are.
    var unwrittenCount: Int { entries.all.count(where: \.isUnwritten) }

    /// How many places in its queues are taken, also by what has moved on.
    var queuedCount: Int { ended.count + settling.count + resting.count + leaving.count }

    /// Whether a record is held whose beginning is known.
    func holds(_ key: StatementKey) -> Bool { entry(key)?.hasBegun ?? false }

    /// Whether a record is held that has ended.
    func hasEnded(_ key: StatementKey) -> Bool { entry(key)?.hasEnded ?? false }

    /// Takes a record that does not begin with a submission here.
    /// - Parameter isStored: whether the store has it as it is.
    mutating func recall(_ record: StatementRecord, isStored: Bool, now: Int64) {
        let entry = RecordEntry(record, now: now)
        latest = nil
        if let earlier = self.entry(record.key) {
            // Events came first: what they say is put upon the record.
            entry.putUpon(earlier)
            entries.remove(record.key.spread) { $0 === earlier }
            letGo(earlier)
        } else if isStored {
            entry.written = entry.revision
        }
        orphans.remove(record.key)
        add(entry)
        enqueue(entry, news: .much, now: now)
    }

    /// Takes an event.
    mutating func take(_ event: StatementEvent, now: Int64) {
        let entry = entry(event.key, now: now)
        took(entry.take(event), of: entry, now: now)
    }

    /// Takes all that a course tells.
    mutating func take(_ course: StatementCourse, now: Int64) {
        let entry = entry(course.key, now: now)
        took(entry.take(course), of: entry, now: now)
    }

    private mutating func took(_ news: StatementCourse.News, of entry: RecordEntry, now: Int64) {
        entry.touched = now
        if !entry.hasBegun {
            orphans.insert(entry.key)
        } else if !orphans.isEmpty {
            orphans.remove(entry.key)
        }
        enqueue(entry, news: news, now: now)
    }

    private func entry(_ key: StatementKey) -> RecordEntry? { entries.find(key.spread) { $0.key == key } }

    private mutating func add(_ entry: RecordEntry) {
        let key = entry.key
        entries.add(entry, at: key.spread) { $0.key == key }
    }

    private mutating func entry(_ key: StatementKey, now: Int64) -> RecordEntry {
        if let latest, latest.key == key, !latest.isGone { return latest }
        let entry: RecordEntry
        if let known = self.entry(key) {
            entry = known
        } else {
            entry = RecordEntry(key, now: now)
            add(entry)
        }
        latest = entry
        return entry
    }

    /// Puts a changed entry where its turn to be written comes.
    private mutating func enqueue(_ entry: RecordEntry, news: StatementCourse.News, now: Int64) {
        guard entry.hasBegun else { return }
        if entry.hasEnded {
            if !entry.isTold {
                entry.isTold = true
                untold.append(entry)
            }
            if entry.isUnwritten, entry.standing != .ended {
                move(entry, to: .ended)
                ended.append(entry)
            }
            return
        }
        guard entry.isUnwritten else { return }
        switch news {
        case .none:
            break
        case .little where entry.standing == .none:
            move(entry, to: .resting)
            entry.waiting = now
            resting.append(entry)
        case .little:
            break
        case .much where entry.standing == .none || entry.standing == .resting:
            move(entry, to: .settling)
            entry.waiting = now
            settling.append(entry)
        case .much:
            break
        }
    }

    private mutating func move(_ entry: RecordEntry, to standing: RecordEntry.Standing) {
        if entry.standing == .none { waiting += 1 }
        if standing == .none { waiting -= 1 }
        entry.standing = standing
    }

    // MARK: Writing

    /// Keys of which events came, but no beginning, for so long that none will come.
    func strays(limit: Int, now: Int64) -> [StatementKey] {
        if orphans.isEmpty { return [] }
        return Array(
            orphans.lazy.filter { key in entry(key).map { now - $0.touched >= Self.lateness } ?? true }
                .prefix(limit))
    }

    /// Gives up a stray that the store does not know either.
    mutating func forget(_ key: StatementKey) {
        if !orphans.isEmpty { orphans.remove(key) }
        if let entry = entries.remove(key.spread, where: { $0.key == key }) { letGo(entry) }
    }

    private mutating func letGo(_ entry: RecordEntry) {
        entry.isGone = true
        if entry.standing != .none { move(entry, to: .none) }
    }

    /// What has ended since the last call, to be counted and told in the log.
    mutating func takeEnded() -> [RecordEntry] {
        defer { untold = [] }
        return untold
    }

    /// Takes out what is to be written now, until the next call of `written` or `putBack`.
    /// - Parameter all: also what could wait.
    mutating func takeDrafts(limit: Int, now: Int64, all: Bool) -> [RecordDraft] {
        drafted.removeAll(keepingCapacity: true)
        func draw(_ queue: inout Queue<RecordEntry>, _ standing: RecordEntry.Standing, after delay: Int64) {
            while drafted.count < limit, let entry = queue.first, all || now - entry.waiting >= delay {
                _ = queue.popFirst()
                // It may have moved on to another queue since.
                guard entry.standing == standing, !entry.isGone else { continue }
                entry.standing = .none
                waiting -= 1
                if entry.isUnwritten { drafted.append((entry, entry.revision)) }
            }
        }
        draw(&ended, .ended, after: .min)
        draw(&settling, .settling, after: Self.settling)
        draw(&resting, .resting, after: Self.resting)
        return drafted.map(\.entry.draft)
    }

    /// The store has what was taken out.
    mutating func written() {
        for (entry, revision) in drafted where !entry.isGone {
            entry.written = revision
            if entry.hasEnded, !entry.isUnwritten { leaving.append(entry) }
        }
        drafted.removeAll(keepingCapacity: true)
    }

    /// The store did not take it.
    mutating func putBack(now: Int64) {
        for (entry, _) in drafted where !entry.isGone { enqueue(entry, news: .much, now: now) }
        drafted.removeAll(keepingCapacity: true)
    }

    /// Lets go what ended and is written, and what there is no room for: first what the store has, then what ended,
    /// then what goes on, each from the oldest; last what has no beginning.
    mutating func tidy(now: Int64) {
        while let entry = leaving.first, now - entry.touched >= Self.lateness || entry.isUnwritten || entry.isGone {
            _ = leaving.popFirst()
            // One that changed again comes here again.
            if !entry.isUnwritten, entry.hasEnded { forget(entry) }
        }
        // A queue still holds what has moved on to another; where that one has all the writer's time, it would grow.
        let most = 2 * entries.count + 1000
        if settling.count > most { settling.keep { $0.standing == .settling && !$0.isGone } }
        if resting.count > most { resting.keep { $0.standing == .resting && !$0.isGone } }
        while load > capacity, let entry = leaving.popFirst() {
            // One that changed again stands among those that ended too.
            if !entry.isUnwritten { forget(entry) }
        }
        while load > capacity, let entry = ended.popFirst() { drop(entry, from: .ended) }
        while load > capacity, let entry = settling.popFirst() { drop(entry, from: .settling) }
        while load > capacity, let entry = resting.popFirst() { drop(entry, from: .resting) }
        while load > capacity, let key = orphans.first { forget(key) }
        let excess = entries.count - load - Self.going * capacity
        if excess > 0 {
            for entry in Array(entries.all.lazy.filter { $0.hasBegun && !$0.isUnwritten }.prefix(excess)) {
                forget(entry)
            }
        }
    }

    /// What the capacity bounds.
    private var load: Int { waiting + leaving.count + orphans.count }

    private mutating func drop(_ entry: RecordEntry, from standing: RecordEntry.Standing) {
        guard entry.standing == standing, !entry.isGone else { return }
        if entry.isUnwritten { dropped += 1 }
        forget(entry)
    }

    private mutating func forget(_ entry: RecordEntry) {
        guard !entry.isGone else { return }
        forget(entry.key)
    }
}
