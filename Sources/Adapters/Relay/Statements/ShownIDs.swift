import Engine
import Synchronization

/// Every query id that a client was shown names its statement for as long as its last page can be re-read.
final class ShownIDs: Sendable {
    struct Entry: Sendable {
        var key: StatementKey
        var registration: UInt32
        var at: Timestamp
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// In the order they came, so that the oldest are found without a search.
        var order: [(id: String, at: Timestamp)] = []
        var first = 0
    }

    private let state = Mutex(State())
    /// Beyond this the oldest are forgotten: ids whose suffix is known are still routed by it.
    private static let maximum = 200_000

    /// A client is about to be shown this id.
    /// - Parameter isLive: whether a statement is still held; its id is not forgotten, however old it is.
    func add(
        _ id: String, key: StatementKey, registration: UInt32, at: Timestamp, remembered: Int64,
        isLive: (StatementKey) -> Bool
    ) {
        state.withLock { state in
            state.entries[id] = Entry(key: key, registration: registration, at: at)
            state.order.append((id, at))
            while state.first < state.order.count {
                let oldest = state.order[state.first]
                let isExpired = at.milliseconds - oldest.at.milliseconds > 2 * remembered
                let isFull = state.order.count - state.first > Self.maximum
                guard isExpired || isFull else { break }
                state.first += 1
                guard var entry = state.entries[oldest.id], entry.at == oldest.at else { continue }
                if !isFull, isLive(entry.key) {
                    entry.at = at
                    state.entries[oldest.id] = entry
                    state.order.append((oldest.id, at))
                } else {
                    state.entries[oldest.id] = nil
                }
            }
            if state.first > 4096, state.first * 2 > state.order.count {
                state.order.removeFirst(state.first)
                state.first = 0
            }
        }
    }

    /// What an id names.
    func find(_ id: String) -> Entry? { state.withLock { $0.entries[id] } }
}
