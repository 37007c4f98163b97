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
        /// The statements that are held, by the newest of their ids.
        var held = HashTable<Cell>()
        /// Other ids: earlier ones, and those of statements that are held no longer.
        var entries: [UInt64: Entry] = [:]
        /// Those in the order they came, from `first` on, so that the oldest are found without a search. Of an id that
        /// came again, or is gone, the time is another, or there is none.
        var order: [(id: UInt64, at: Timestamp)] = []
        var first = 0

        mutating func keep(_ id: UInt64, _ entry: Entry) {
            entries[id] = entry
            order.append((id, entry.at))
            while entries.count > ShownIDs.maximum, let oldest = takeOldest() { entries[oldest.id] = nil }
        }

        /// The oldest, if it is older than that.
        mutating func takeOldest(before moment: Int64 = .max) -> (id: UInt64, entry: Entry)? {
            while first < order.count, order[first].at.milliseconds < moment {
                let oldest = order[first]
                first += 1
                if let entry = entries[oldest.id], entry.at == oldest.at { return (oldest.id, entry) }
            }
            return nil
        }

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

    /// A client is about to be shown this id of a statement that is held. Where an engine gives an id twice, the newer
    /// statement has it.
    func add(_ id: Span<UInt8>, of cell: Cell) {
        let id = hash.of(id)
        state.withLock { $0.held.replace(with: cell, at: id) }
    }

    /// A client was shown this id, or is about to be, of a statement that is not held, or has another by now.
    /// - Parameter hasKnownSuffix: the suffix of the id is known to lead to this registration.
    func keep(_ id: Span<UInt8>, key: StatementKey, registration: UInt32, hasKnownSuffix: Bool, at: Timestamp) {
        let id = hash.of(id)
        state.withLock { state in
            _ = state.held.remove(id) { $0.key == key }
            state.keep(id, Entry(key: key, registration: registration, hasKnownSuffix: hasKnownSuffix, at: at))
        }
    }

    /// A statement is held no longer, and nothing of it is remembered.
    /// - Parameters:
    ///   - id: the newest of its ids.
    ///   - hasKnownSuffix: the suffix of the id is known to lead to this registration.
    func ended(_ id: Span<UInt8>, of cell: Cell, registration: UInt32, hasKnownSuffix: Bool, at: Timestamp) {
        let id = hash.of(id)
        state.withLock { state in
            let wasHeld = state.held.remove(id) { $0 === cell } != nil
            if hasKnownSuffix {
                guard let entry = state.entries[id], entry.key == cell.key, entry.hasKnownSuffix else { return }
                state.entries[id] = nil
                state.tidy()
            } else if wasHeld {
                state.keep(
                    id, Entry(key: cell.key, registration: registration, hasKnownSuffix: false, at: at))
            }
        }
    }

    /// Forgets what is older than twice as long as statements are remembered, in milliseconds.
    /// - Parameter isLive: whether a statement is still held; its id is not forgotten, however old it is.
    func expire(remembered: Int64, now: Timestamp, isLive: (StatementKey) -> Bool) {
        state.withLock { state in
            while let oldest = state.takeOldest(before: now.milliseconds - 2 * remembered) {
                if isLive(oldest.entry.key) {
                    state.entries[oldest.id]?.at = now
                    state.order.append((oldest.id, now))
                } else {
                    state.entries[oldest.id] = nil
                }
            }
            state.tidy()
        }
    }

    /// What an id names.
    func find(_ id: String) -> Entry? {
        let id = hash.of(id)
        let (cell, entry) = state.withLock { state in (state.held.find(id) { _ in true }, state.entries[id]) }
        guard let cell else { return entry }
        let placement = cell.placement
        return Entry(
            key: cell.key, registration: placement.registration, hasKnownSuffix: false, at: placement.submitted)
    }
}
