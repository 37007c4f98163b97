import Engine
import Model
import Wire

/// One coordinator to be probed, and how.
struct ProbeTarget: Equatable, Sendable {
    /// Its registration.
    var registration: UInt32
    /// Its name, for the log.
    var name: String
    /// Where it is.
    var url: ServerURL
    /// Which endpoint counts its workers depends on it.
    var dialect: Dialect
    /// The settings of its pool.
    var settings: ProbeSettings
    /// The address that last answered.
    var address: CoordinatorAddress?
}

/// Decides which coordinators are probed when: at a fixed rate each, one probe of a coordinator at a time, and out of
/// turn when somebody doubts what is known. One that failed a probe is asked again at once, until it is known whether it
/// is down: with the shipped settings (every 2 s, 1.5 s for an answer, three failures) a coordinator that freezes right
/// after an answer is down 6.5 s later, one that refuses after 3 s.
struct ProbeSchedule: Equatable, Sendable {
    /// Probes out of turn are at least this far apart, in milliseconds: a coordinator that is gone is doubted by
    /// every statement it had.
    static let minimumGap: Int64 = 250
    /// Probes of a coordinator that failed the last one are at least this far apart, in milliseconds: a server that
    /// refuses for a moment is not down. One that is silent has had that long when the time for its answer is up.
    static let doubtfulGap: Int64 = 500

    private struct Entry: Equatable, Sendable {
        var interval: Int64
        var due: Int64
        var last: Int64?
        var isRunning = false
        var isDoubted = false
        var isFailing = false
    }
    private var entries: [UInt32: Entry] = [:]

    /// Says which coordinators there are, by registration, and how often each is probed, in milliseconds. New ones are
    /// due at once.
    mutating func keep(_ intervals: [UInt32: Int64], now: Int64) {
        entries = entries.filter { intervals[$0.key] != nil }
        for (registration, interval) in intervals {
            if entries[registration] == nil {
                entries[registration] = Entry(interval: interval, due: now)
            } else {
                entries[registration]?.interval = interval
            }
        }
    }

    /// What is known of a coordinator is in doubt.
    mutating func doubt(_ registration: UInt32) { entries[registration]?.isDoubted = true }

    /// The coordinators to probe now. Each is running until `ended`.
    mutating func takeDue(now: Int64) -> [UInt32] {
        var taken: [UInt32] = []
        for (registration, entry) in entries where !entry.isRunning {
            var entry = entry
            let waited = now - (entry.last ?? .min / 2)
            let isDoubtDue =
                entry.isDoubted && waited >= Self.minimumGap || entry.isFailing && waited >= Self.doubtfulGap
            guard now >= entry.due || isDoubtDue else { continue }
            // The rate stays fixed however long probes take and however many come out of turn.
            if now >= entry.due { entry.due += max(1, (now - entry.due) / entry.interval + 1) * entry.interval }
            entry.isRunning = true
            entry.isDoubted = false
            entry.last = now
            entries[registration] = entry
            taken.append(registration)
        }
        return taken.sorted()
    }

    /// A probe has ended.
    /// - Parameter isInDoubt: whether it failed, and more of them are needed to tell.
    mutating func ended(_ registration: UInt32, isInDoubt: Bool = false) {
        entries[registration]?.isRunning = false
        entries[registration]?.isFailing = isInDoubt
    }
}
