import CSQLite
import Synchronization

/// Ends the running statement of a connection, from any thread.
public final class InterruptHandle: Sendable {
    /// The database's address while it is open, else zero. SQLite allows the call only until the close begins, so
    /// both happen under this lock.
    private let address: Mutex<UInt>

    init(_ database: OpaquePointer) {
        address = Mutex(UInt(bitPattern: database))
    }

    /// Makes the statement that runs now fail as interrupted; does nothing when none runs or the connection is closed.
    public func interrupt() {
        address.withLock { address in
            guard let database = unsafe OpaquePointer(bitPattern: address) else { return }
            unsafe sqlite3_interrupt(database)
        }
    }

    func close() {
        address.withLock { $0 = 0 }
    }
}
