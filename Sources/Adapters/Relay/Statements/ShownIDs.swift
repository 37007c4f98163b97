import Engine
import Synchronization
import Wire

/// Which statement a query id that a client was shown names. Once the statement has ended, the suffix of its id leads to
/// its coordinator; only an id of which that does not hold is kept for as long as the last page can be re-read.
///
/// It keeps no id: a keyed hash of 64 bits stands for each, so that nobody can make one that meets another's.
final class ShownIDs: Sendable {
    struct Entry: Sendable {
        var key: StatementKey
        var registration: UInt32
        /// The suffix of the id is known to lead there.
        fileprivate var hasKnownSuffix: Bool
        /// When it was shown, or last seen to be that of a statement that is held.
        fileprivate var at: Timestamp
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        /// In the order they came, from `first` on, so that the oldest are found without a search. Of an id that came
        /// again, or is gone, the time is another, or there is none.
        var order: [(id: UInt64, at: Timestamp)] = []
        var first = 0

        /// Takes out of the order what is gone, once that is most of it; gives its room back too.
        mutating func tidy() {
            guard order.count > 4096, order.count > 2 * entries.count else { return }
            order = order[first...].filter { entries[$0.id]?.at == $0.at }
            first = 0
            guard entries.capacity > 8 * (entries.count + 1024) else { return }
            var fewer = [UInt64: Entry](minimumCapacity: entries.count)
            for (id, entry) in entries { fewer[id] = entry }
            entries = fewer
        }
    }

    private let hash: KeyedHash
    private let state = Mutex(State())
    /// Beyond this the oldest are forgotten: ids whose suffix is known are still routed by it.
    private static let maximum = 200_000

    /// No ids.
    /// - Parameter hash: keyed with a secret.
    init(_ hash: KeyedHash) { self.hash = hash }

    /// A client is about to be shown this id.
    /// - Parameters:
    ///   - hasKnownSuffix: the suffix of the id is known to lead to this registration.
    ///   - isLive: whether a statement is still held; its id is not forgotten, however old it is.
    func add(
        _ id: Span<UInt8>, key: StatementKey, registration: UInt32, hasKnownSuffix: Bool, at: Timestamp,
        remembered: Int64, isLive: (StatementKey) -> Bool
    ) {
        let id = hash.of(id)
        state.withLock { state in
            state.entries[id] = Entry(
                key: key, registration: registration, hasKnownSuffix: hasKnownSuffix, at: at)
            state.order.append((id, at))
            while state.first < state.order.count {
                let oldest = state.order[state.first]
                let isFull = state.entries.count > Self.maximum
                guard at.milliseconds - oldest.at.milliseconds > 2 * remembered || isFull else { break }
                state.first += 1
                guard let entry = state.entries[oldest.id], entry.at == oldest.at else { continue }
                if !isFull, isLive(entry.key) {
                    state.entries[oldest.id]?.at = at
                    state.order.append((oldest.id, at))
                } else {
                    state.entries[oldest.id] = nil
                }
            }
            state.tidy()
        }
    }

    /// The statement that the id names has ended, and nothing of it is remembered.
    func ended(_ id: String, of key: StatementKey) {
        let id = hash.of(id)
        state.withLock { state in
            guard let entry = state.entries[id], entry.key == key, entry.hasKnownSuffix else { return }
            state.entries[id] = nil
            state.tidy()
        }
    }

    /// What an id names.
    func find(_ id: String) -> Entry? {
        let id = hash.of(id)
        return state.withLock { $0.entries[id] }
    }
}
