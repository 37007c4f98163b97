import DemoCoordinator
import Engine
import FoundationEssentials
import Gateway
import Model
import Network
import SettingsFiles

/// What runs while the demo's story is told: a gateway and embedded coordinators, which share their tables as two
/// clusters share a warehouse.
struct DemoStage {
    let doors: GatewayDaemon.Doors
    let blue1: DemoCoordinator
    let green1: DemoCoordinator
    /// It listens from the beginning; the story registers it.
    let blue2: DemoCoordinator
    let blue1Address: String
    let blue2Address: String
    let green1Address: String
    private let gateway: GatewayDaemon
    private let directory: String

    /// Starts everything, on free ports, with a temporary state directory.
    init(_ surroundings: Surroundings) async throws(Failure) {
        directory =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "penstock-demo-\(UUID().uuidString)"
            ).path
        do {
            guard let any = SocketAddress(ip: "127.0.0.1", port: 0) else {
                throw Failure(code: .refused, message: "there is no loopback address")
            }
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let tables = directory + "/tables.sqlite"
            blue1 = DemoCoordinator(name: "blue-1", address: any, data: tables)
            green1 = DemoCoordinator(name: "green-1", address: any, data: tables)
            blue2 = DemoCoordinator(name: "blue-2", address: any, data: tables)
            blue1Address = "\(try await blue1.start())"
            green1Address = "\(try await green1.start())"
            blue2Address = "\(try await blue2.start())"
            let settings = try Self.settings(directory, blue: blue1Address, green: green1Address)
            gateway = GatewayDaemon(
                settings: settings, source: FixedSettings(settings: settings), directory: directory,
                log: QuietLog(surroundings.errors))
            doors = try await gateway.start()
        } catch {
            throw Failure(code: .refused, message: "the demo cannot start: \(error)")
        }
    }

    private static func settings(_ directory: String, blue: String, green: String) throws -> Settings {
        var settings = Settings()
        settings.listen.port = 0
        settings.admin.port = 0
        settings.state.directory = directory
        settings.policy.rules = try PolicyFile.shipped()
        for (index, name, address) in [(0, "blue-1", blue), (1, "green-1", green)] {
            guard let url = ServerURL("http://\(address)") else { continue }
            settings.groups[0].pools[index].coordinators = [CoordinatorSettings(name: name, url: url)]
            settings.groups[0].pools[index].probe.interval = .milliseconds(1000)
        }
        return settings
    }

    /// Ends everything and leaves nothing behind.
    func strike() async {
        await gateway.end()
        for coordinator in [blue1, green1, blue2] { await coordinator.stop() }
        try? FileManager.default.removeItem(atPath: directory)
    }
}

/// The demo's settings never change.
private struct FixedSettings: SettingsSource {
    let settings: Settings
    func load() throws(SettingsProblems) -> Settings { settings }
}

/// The demo's log: the story is told elsewhere, so only what somebody must act on is shown.
private struct QuietLog: Log {
    let errors: @Sendable (String) -> Void

    init(_ errors: @escaping @Sendable (String) -> Void) { self.errors = errors }

    func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField]) {
        guard level == .error else { return }
        errors("\(message) " + fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") + "\n")
    }
}
