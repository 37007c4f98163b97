import Engine
import Model
import Synchronization

/// Open transactions and the coordinators they live on. The store has them too; this is what the loops ask.
final class TransactionPins: Sendable {
    private struct Pin {
        var registration: UInt32
        var used: Timestamp
        /// When the store was last told of its use.
        var saved: Timestamp
    }
    private let pins = Mutex<[String: Pin]>([:])

    /// The store is told of a pin's use at most this often, in milliseconds.
    private static let saveInterval: Int64 = 60_000
    /// More open transactions than this are not pinned; the oldest goes.
    private static let maximum = 100_000

    /// The registration a transaction is pinned to. `toSave`: its use is to be noted in the store.
    func use(_ id: String, now: Timestamp) -> (registration: UInt32, toSave: TransactionPin?)? {
        pins.withLock { pins in
            guard var pin = pins[id] else { return nil }
            pin.used = now
            var toSave: TransactionPin?
            if now.milliseconds - pin.saved.milliseconds >= Self.saveInterval {
                pin.saved = now
                toSave = TransactionPin(id: id, registration: pin.registration, used: now)
            }
            pins[id] = pin
            return (pin.registration, toSave)
        }
    }

    /// A transaction began.
    func add(_ id: String, registration: UInt32, now: Timestamp) {
        pins.withLock { pins in
            if pins.count >= Self.maximum, let oldest = pins.min(by: { $0.value.used < $1.value.used }) {
                pins[oldest.key] = nil
            }
            pins[id] = Pin(registration: registration, used: now, saved: now)
        }
    }

    /// A transaction ended.
    func remove(_ id: String) { pins.withLock { $0[id] = nil } }

    /// Removes what was not used for so many milliseconds; answers the ids.
    func expire(idle milliseconds: Int64, now: Timestamp) -> [String] {
        pins.withLock { pins in
            let gone = pins.filter { now.milliseconds - $0.value.used.milliseconds >= milliseconds }.map(\.key)
            for id in gone { pins[id] = nil }
            return gone
        }
    }

    /// Open transactions by registration.
    var counts: [UInt32: Int] {
        pins.withLock { pins in
            var counts: [UInt32: Int] = [:]
            for pin in pins.values { counts[pin.registration, default: 0] += 1 }
            return counts
        }
    }
}
