import Network
import SQLite
import Synchronization

/// A small coordinator that speaks the statement protocol as Trino does and runs real SQL through SQLite: the demo's
/// cluster, and a fake for tests that can go wrong on demand.
///
/// It listens on a loop of its own; SQL runs on further threads. Its tables begin with sample data (catalog `tpch`) and
/// an empty catalog `memory` that takes writes; they go with it unless a file is named.
public final class DemoCoordinator: Sendable {
    private let name: String
    private let address: SocketAddress
    private let script: FaultScript
    private let path: String?
    private let onDeath: @Sendable () -> Void
    private let parts = Mutex<Parts?>(nil)

    private struct Parts {
        let thread: LoopThread<Server>
        let database: Database
    }

    /// - Parameters:
    ///   - name: what it calls itself: `blue-1`.
    ///   - address: where it listens; port 0 takes a free one.
    ///   - faults: what it does wrong, from the start.
    ///   - data: a file for its tables, which several coordinators may share; nil keeps them for this one.
    ///   - onDeath: called on its loop's thread when a script lets it die for good; nothing listens any more then.
    public init(
        name: String, address: SocketAddress, faults: FaultScript = FaultScript(), data: String? = nil,
        onDeath: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        self.address = address
        script = faults
        path = data
        self.onDeath = onDeath
    }

    /// Makes the tables and listens.
    /// - Returns: where it listens.
    /// - Throws: `NetworkError` if it cannot listen, `SQLiteError` if the tables cannot be made.
    public func start() async throws -> SocketAddress {
        let database = try Database(path: path, name: name)
        let way = LoopWay()
        let (name, address, script, onDeath) = (name, address, script, onDeath)
        let thread = try LoopThread<Server>(name: name) { loop in
            Server(
                loop, name: name, address: address, database: database, script: script, onDeath: onDeath,
                post: { job in way.post(job) })
        }
        way.lead(to: thread)
        keep(Parts(thread: thread, database: database))
        do {
            return try await thread.perform { server in try server.listen() }
        } catch {
            await stop()
            throw error
        }
    }

    /// Puts a script in the place of the one before, as `PUT /-/faults` does.
    public func apply(_ faults: FaultScript) {
        parts.withLock { $0?.thread }?.post { $0.take(faults) }
    }

    // Not in the async functions themselves: optimised, those may lock in the name of a thread that they have left.

    @inline(never)
    private func keep(_ made: Parts) { parts.withLock { $0 = made } }

    @inline(never)
    private func takeParts() -> Parts? { parts.withLock { $0.take() } }

    /// Resets what is open, ends its threads and removes its tables, unless a file was named for them.
    public func stop() async {
        guard let parts = takeParts() else { return }
        parts.thread.post { $0.end() }
        parts.thread.stop()
        await parts.thread.join()
        parts.database.remove()
    }
}

/// The way back from a session's thread to the loop. It holds the loop's thread weakly: that one's state holds it.
private final class LoopWay: Sendable {
    private struct Target {
        weak var thread: LoopThread<Server>?
    }

    private let target = Mutex(Target())

    func lead(to thread: LoopThread<Server>) {
        target.withLock { $0.thread = thread }
    }

    func post(_ job: @escaping @Sendable (Server) -> Void) {
        target.withLock { $0.thread }?.post(job)
    }
}
