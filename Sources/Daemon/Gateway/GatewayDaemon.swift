import AdminServer
import Engine
import Model
import Network
import Relay
import Services
import StorageSQLite
import Telemetry
import WebClient
import Wire

/// Why a gateway did not start.
public enum GatewayProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The state directory cannot be used, or another gateway has it.
    case state(String)
    /// The keys that tags are made with can neither be read nor made.
    case keys(String)
    /// An address cannot be listened on, or the token file cannot be used.
    case listening(String)

    /// What to tell whoever started it.
    public var description: String {
        switch self {
        case .state(let text), .listening(let text): text
        case .keys(let text):
            "the keys in the store cannot be read: \(text). Without them no running statement could be polled; repair "
                + "the state directory, or name another."
        }
    }
}

/// One gateway: the wiring of all modules, and the order in which they start and stop.
public final class GatewayDaemon: Sendable {
    /// Where a gateway is reached.
    public struct Doors: Equatable, Sendable {
        /// The front door, as `host:port`.
        public var front: String
        /// The admin listener, as `host:port`.
        public var admin: String
        /// The admin API's token file.
        public var tokenFile: String
    }

    private let settings: Settings
    private let source: any SettingsSource
    private let directory: String
    private let log: any Log
    private let applyLog: @Sendable (LogSettings) -> Void
    private let clock = SystemClock()
    private let running = Guarded<Running?>(nil)

    /// What a start has made.
    private struct Running: Sendable {
        var relay: Relay
        var storage: any Storage
        var control: ControlPlane
        var history: History
        /// Backwards: the first started is the last stopped.
        var tasks: [(name: String, task: Task<Void, Never>)]
    }

    /// A gateway that does not run yet.
    ///
    /// - Parameters:
    ///   - settings: what to start with.
    ///   - source: what a reload reads again.
    ///   - directory: the state directory, resolved.
    ///   - applyLog: told of the log's settings at each reload.
    public init(
        settings: Settings, source: any SettingsSource, directory: String, log: any Log,
        applyLog: @escaping @Sendable (LogSettings) -> Void = { _ in }
    ) {
        self.settings = settings
        self.source = source
        self.directory = directory
        self.log = log
        self.applyLog = applyLog
    }

    /// Starts everything; when it returns, clients are served.
    public func start() async throws(GatewayProblem) -> Doors {
        let storage: SQLiteStorage
        do {
            storage = try SQLiteStorage(directory: directory)
        } catch {
            throw .state("\(error)")
        }
        let owner = await storage.claimOwner()
        let keys: TagKeys
        do {
            keys = try await storage.tagKeys(now: clock.now())
        } catch {
            await storage.close()
            throw .keys("\(directory): \(error)")
        }
        var stored = OperationalState()
        do {
            stored = try await storage.load(now: clock.now())
        } catch {
            log.error("the store cannot be read; routing goes by the settings", LogField("problem", "\(error)"))
        }
        return try await start(storage, owner, keys, stored)
    }

    private func start(
        _ storage: SQLiteStorage, _ owner: Owner, _ keys: TagKeys, _ stored: OperationalState
    ) async throws(GatewayProblem) -> Doors {
        let intake = Intake()
        let relay = Relay(
            owner: owner, keys: keys, loops: settings.listen.loops ?? processorCount(),
            maximumConnections: settings.limits.clientConnections ?? connectionBound(),
            externalBase: settings.listen.externalURL?.description, limits: settings.limits,
            retries: settings.retries, policy: settings.policy.rules, sink: intake, clock: clock)
        relay.restore(pins: stored.pins, tombstones: stored.tombstones)
        let routing = Routing(
            settings: settings, stored: stored, storage: storage, traffic: relay, clock: clock, log: log)
        let probing = Probing(routing: routing, web: CurlWeb(), names: SystemNames(), clock: clock, log: log)
        let history = History(
            intake: intake, stored: stored, storage: storage, traffic: relay, clock: clock, log: log)
        let attending = Attending(
            intake: intake, routing: routing, probing: probing, storage: storage, clock: clock, log: log)
        let retention = Retention(routing: routing, storage: storage, clock: clock, log: log)
        let applyLog = applyLog
        let reloading = Reloading(
            source: source, routing: routing, log: log,
            takers: [{ relay.apply($0.limits, retries: $0.retries, policy: $0.policy.rules) }, { applyLog($0.log) }])
        let flipping = Flipping(routing: routing, storage: storage, clock: clock, log: log, replica: "local")
        let control = ControlPlane(
            services: ControlPlane.Services(
                routing: routing, flipping: flipping, history: history, attending: attending, reloading: reloading),
            storage: storage, traffic: relay, clock: clock, version: releaseVersion, replica: "local")
        let admin = try adminServer(control)

        var tasks: [(name: String, task: Task<Void, Never>)] = []
        let front: SocketAddress
        do {
            let memory = MemoryReturn(clock: clock)
            for service in [routing, history, attending, probing, retention, memory] as [any Service] {
                try await service.start()
                tasks.append(run(service))
            }
            let listen = settings.listen
            front = try await relay.start(
                address: try address(listen.address, listen.port, "listen.address"),
                authority: "\(authorityHost(listen.address)):\(listen.port)")
            try await admin.start()
            tasks.append(run(admin))
        } catch {
            for started in tasks.reversed() { started.task.cancel() }
            await relay.stop()
            await storage.close()
            throw .listening("\(error)")
        }
        let doors = Doors(
            front: "\(front)", admin: admin.address.map { "\($0)" } ?? "",
            tokenFile: settings.admin.tokenPath(in: directory))
        control.serves(front: doors.front)
        control.setReady(true)
        let made = Running(relay: relay, storage: storage, control: control, history: history, tasks: tasks)
        running.withLock { $0 = made }
        log.info(
            "serving", LogField("front", doors.front), LogField("admin", doors.admin),
            LogField("state", directory))
        return doors
    }

    /// Reads the settings again; what came of it is in the log.
    public func reload() async {
        _ = try? await running.withLock { $0?.control }?.reload()
    }

    /// Stops everything: not ready but accepting for the delay, then `Connection: close`, at most for the grace, then
    /// the end (design 8).
    public func stop(delay: Duration, grace: Duration) async {
        guard let made = running.withLock({ $0 }) else { return }
        made.control.setReady(false)
        log.info("stopping", LogField("connections", "\(made.relay.openConnections)"))
        try? await Task.sleep(for: delay)
        made.relay.closeGently()
        let deadline = ContinuousClock.now + grace
        while ContinuousClock.now < deadline, !Task.isCancelled, isBusy(made.relay) {
            try? await Task.sleep(for: .milliseconds(50))
        }
        await end()
    }

    /// Stops everything at once.
    public func end() async {
        guard
            let made = running.withLock({ running in
                let made = running
                running = nil
                return made
            })
        else { return }
        await made.relay.stopAccepting()
        await made.relay.stop()
        // Backwards; each has its time, so that one that hangs keeps nobody from ending.
        for started in made.tasks.reversed() {
            started.task.cancel()
            await started.task.value
        }
        await made.storage.close()
        log.info("stopped")
    }

    /// Statements that run, and connections on which something may come, keep a gateway that stops.
    private func isBusy(_ relay: Relay) -> Bool {
        relay.openConnections > 0 || relay.inFlight().values.contains { $0.queued + $0.running > 0 }
    }

    // MARK: Parts

    private func adminServer(_ control: ControlPlane) throws(GatewayProblem) -> AdminServer {
        let credential: Credential
        do {
            credential = try Credential.stored(at: settings.admin.tokenPath(in: directory))
        } catch {
            throw .listening("\(error)")
        }
        return AdminServer(
            address: try address(settings.admin.address, settings.admin.port, "admin.address"), api: control,
            credential: credential, metrics: settings.admin.metrics, metricsText: metricsText)
    }

    private func run(_ service: any Service) -> (name: String, task: Task<Void, Never>) {
        let log = log
        let task = Task {
            do {
                try await service.run()
            } catch is CancellationError {
                return
            } catch {
                log.error("a service ended", LogField("service", service.name), LogField("problem", "\(error)"))
            }
        }
        return (service.name, task)
    }

    private func address(_ host: String, _ port: UInt16, _ key: String) throws(GatewayProblem) -> SocketAddress {
        if let literal = SocketAddress(ip: host, port: port) { return literal }
        guard let found = resolve(host: host, port: port).first else {
            throw .listening("\(key): \(host) is neither an address nor a name of this host")
        }
        return found
    }

    /// A host as it stands in an authority.
    private func authorityHost(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

    /// `limits.client_connections: auto`: a long poll holds two descriptors, and some are needed for everything else.
    private func connectionBound() -> Int { max(64, (raiseDescriptorLimit() - 256) / 2) }
}
