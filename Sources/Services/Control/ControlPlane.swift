import Engine
import Model

/// What the admin API does, over the services.
public final class ControlPlane: Sendable {
    /// The services behind the routes.
    public struct Services: Sendable {
        var routing: Routing
        var flipping: Flipping
        var history: History
        var attending: Attending
        var reloading: Reloading

        /// These services.
        public init(
            routing: Routing, flipping: Flipping, history: History, attending: Attending, reloading: Reloading
        ) {
            self.routing = routing
            self.flipping = flipping
            self.history = history
            self.attending = attending
            self.reloading = reloading
        }
    }

    struct State {
        var isReady = false
        var front = ""
    }

    let services: Services
    let storage: any Storage
    let traffic: any Traffic
    let clock: any Clock
    let version: String
    let replica: String
    let started: (at: Timestamp, monotonic: Int64)
    let state = Guarded(State())

    /// A control plane of a gateway that starts now.
    /// - Parameters:
    ///   - version: the gateway's version.
    ///   - replica: what flips call this gateway in `acknowledged`.
    public init(
        services: Services, storage: any Storage, traffic: any Traffic, clock: any Clock, version: String,
        replica: String
    ) {
        self.services = services
        self.storage = storage
        self.traffic = traffic
        self.clock = clock
        self.version = version
        self.replica = replica
        started = (clock.now(), clock.monotonic())
    }

    /// Says where the front door is, for the status.
    public func serves(front: String) { state.withLock { $0.front = front } }

    /// Says on both listeners whether clients are served.
    public func setReady(_ isReady: Bool) {
        state.withLock { $0.isReady = isReady }
        traffic.setReady(isReady)
    }

    func view() -> GroupView {
        GroupView(
            table: traffic.table, inFlight: traffic.inFlight(), waiting: traffic.waiting(),
            openTransactions: traffic.openTransactions(),
            left: services.routing.left, isCertain: services.history.isCertain)
    }
}
