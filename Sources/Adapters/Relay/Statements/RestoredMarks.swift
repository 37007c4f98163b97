import Engine
import Model
import Synchronization

/// What the store remembered of statements whose owner is gone: which of their attempts were superseded, and whether
/// one of them may have been submitted unseen (design 4, 'Owner, adopted, lost' and 'Tombstones').
final class RestoredMarks: Sendable {
    private struct Mark {
        var superseded: UInt16 = 0
        var isSubmitted = false
    }

    private struct State {
        var marks: [StatementKey: Mark] = [:]
        var newest = Timestamp(milliseconds: 0)
    }

    private let state = Mutex(State())

    /// Takes over a tombstone; one of a canceled statement says nothing here.
    func add(_ tombstone: Tombstone) {
        state.withLock { state in
            var mark = state.marks[tombstone.key] ?? Mark()
            switch tombstone.kind {
            case .canceled: return
            case .superseded: mark.superseded = max(mark.superseded, tombstone.attempt)
            case .submitted: mark.isSubmitted = true
            }
            state.marks[tombstone.key] = mark
            state.newest = max(state.newest, tombstone.at)
        }
    }

    /// The highest attempt of the statement that was superseded; 0: none is known of.
    func supersededAttempt(of key: StatementKey) -> UInt16 {
        state.withLock { $0.marks[key]?.superseded ?? 0 }
    }

    /// Whether the statement, which waited, may have been submitted to where that starts it.
    func isSubmitted(_ key: StatementKey) -> Bool { state.withLock { $0.marks[key]?.isSubmitted ?? false } }

    /// Forgets them together, once the newest is no longer to be remembered: none comes after the start.
    func expire(remembered: Int64, now: Timestamp) {
        state.withLock { state in
            guard !state.marks.isEmpty, now.milliseconds - state.newest.milliseconds >= remembered else { return }
            state = State()
        }
    }
}
