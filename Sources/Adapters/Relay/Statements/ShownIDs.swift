import Engine
import Synchronization

/// Which statement a query id that a client was shown names. Once the statement has ended, the suffix of its id leads to
/// its coordinator; only an id of which that does not hold is kept for as long as the last page can be re-read.
final class ShownIDs: Sendable {
    struct Entry: Sendable {
        var key: StatementKey
        var registration: UInt32
    }

    /// An id with its place in the order.
    private final class Shown {
        let id: String
        let entry: Entry
        /// The suffix of the id is known to lead there.
        let hasKnownSuffix: Bool
        /// When it was shown, or last seen to be that of a statement that is held.
        var at: Timestamp
        var isGone = false

        init(_ id: String, _ entry: Entry, hasKnownSuffix: Bool, at time: Timestamp) {
            self.id = id
            self.entry = entry
            self.hasKnownSuffix = hasKnownSuffix
            at = time
        }
    }

    private struct State {
        var ids: [String: Shown] = [:]
        /// In the order they came, from `first` on, so that the oldest are found without a search.
        var order: [Shown] = []
        var first = 0
        /// How many in the order are gone.
        var gone = 0

        mutating func letGo(_ shown: Shown) {
            shown.isGone = true
            gone += 1
            if ids[shown.id] === shown { ids[shown.id] = nil }
        }

        /// Takes out of the order what is gone, once that is most of it; gives its room back too.
        mutating func tidy() {
            guard gone + first > 4096, (gone + first) * 2 > order.count else { return }
            order = order[first...].filter { !$0.isGone }
            first = 0
            gone = 0
            guard ids.capacity > 8 * (ids.count + 1024) else { return }
            var fewer = [String: Shown](minimumCapacity: ids.count)
            for shown in order { fewer[shown.id] = shown }
            ids = fewer
        }
    }

    private let state = Mutex(State())
    /// Beyond this the oldest are forgotten: ids whose suffix is known are still routed by it.
    private static let maximum = 200_000

    /// A client is about to be shown this id.
    /// - Parameters:
    ///   - hasKnownSuffix: the suffix of the id is known to lead to this registration.
    ///   - isLive: whether a statement is still held; its id is not forgotten, however old it is.
    func add(
        _ id: String, key: StatementKey, registration: UInt32, hasKnownSuffix: Bool, at: Timestamp, remembered: Int64,
        isLive: (StatementKey) -> Bool
    ) {
        state.withLock { state in
            if let earlier = state.ids[id] { state.letGo(earlier) }
            let shown = Shown(
                id, Entry(key: key, registration: registration), hasKnownSuffix: hasKnownSuffix, at: at)
            state.ids[id] = shown
            state.order.append(shown)
            while state.first < state.order.count {
                let oldest = state.order[state.first]
                let isFull = state.order.count - state.first - state.gone > Self.maximum
                let isExpired = at.milliseconds - oldest.at.milliseconds > 2 * remembered
                guard oldest.isGone || isExpired || isFull else { break }
                state.first += 1
                if oldest.isGone {
                    state.gone -= 1
                } else if !isFull, isLive(oldest.entry.key) {
                    oldest.at = at
                    state.order.append(oldest)
                } else {
                    state.ids[oldest.id] = nil
                }
            }
            state.tidy()
        }
    }

    /// The statement that the id names has ended, and nothing of it is remembered.
    func ended(_ id: String, of key: StatementKey) {
        state.withLock { state in
            guard let shown = state.ids[id], shown.entry.key == key, shown.hasKnownSuffix else { return }
            state.letGo(shown)
            state.tidy()
        }
    }

    /// What an id names.
    func find(_ id: String) -> Entry? { state.withLock { $0.ids[id]?.entry } }
}
