import FoundationEssentials
import Glibc
import Model
import Network
import SettingsFiles
import Telemetry
import Files

/// What `penstock serve` was told.
public struct ServeOptions: Equatable, Sendable {
    /// A settings file; nil: defaults.
    public var config: String?
    /// `key.path=value`, over what the file says.
    public var overrides: [String]
    /// Options from their parts.
    public init(config: String? = nil, overrides: [String] = []) {
        self.config = config
        self.overrides = overrides
    }
}

/// Runs a gateway until a signal ends it. Answers with the process's exit code: 0, or 1 when it did not start.
public func serve(
    _ options: ServeOptions, environment: [String: String], output: @Sendable (String) -> Void,
    errors: @escaping @Sendable (String) -> Void
) async -> Int32 {
    prepareProcess()
    let signals: Signals
    do {
        signals = try Signals()
    } catch {
        errors("penstock: signals cannot be handled: \(error)\n")
        return 1
    }
    let file = SettingsFile(path: options.config, overrides: options.overrides, environment: environment)
    let settings: Settings
    do throws(SettingsProblems) {
        settings = try file.load()
    } catch {
        errors(render(error.problems))
        return 1
    }
    let log = LogWriter(
        settings.log, output: .standardError, environment: environment, now: { SystemClock().now() })
    let gateway = GatewayDaemon(
        settings: settings, source: file, directory: settings.state.resolvedDirectory(environment: environment),
        log: log, applyLog: { log.apply($0) })
    let doors: GatewayDaemon.Doors
    do throws(GatewayProblem) {
        doors = try await gateway.start()
    } catch {
        errors("penstock: \(error)\n")
        return 1
    }
    if settings.groups.allSatisfy({ $0.pools.allSatisfy(\.coordinators.isEmpty) }), options.config == nil {
        errors(
            "No coordinator is known yet. Add one: penstock add blue-1 default/blue http://HOST:8080 "
                + "--url http://\(doors.admin) --token-file \(doors.tokenFile)\n")
    }
    output("listening front \(doors.front)\nlistening admin \(doors.admin)\n")
    await attend(signals, gateway, settings.shutdown)
    return 0
}

/// Does what signals ask for until one has asked for the end.
private func attend(_ signals: Signals, _ gateway: GatewayDaemon, _ shutdown: ShutdownSettings) async {
    var stopping: Task<Void, Never>?
    let (ended, finish) = AsyncStream.makeStream(of: Void.self)
    let listening = Task {
        for await request in signals.requests {
            switch request {
            case .reload: await gateway.reload()
            case .stop:
                if let stopping {
                    // A second signal ends at once.
                    stopping.cancel()
                    await gateway.end()
                    finish.finish()
                } else {
                    stopping = Task {
                        await gateway.stop(delay: shutdown.delay, grace: shutdown.grace)
                        finish.finish()
                    }
                }
            }
        }
    }
    for await _ in ended {}
    listening.cancel()
    signals.stop()
}

/// What every gateway process needs before it does anything: a peer's reset and a full disk quota show as errors, not
/// as the end of the process, and there are as many descriptors as may be.
public func prepareProcess() {
    ignoreBrokenPipes()
    signal(SIGXFSZ, SIG_IGN)
    _ = raiseDescriptorLimit()
}

/// How many processors this process may use.
func processorCount() -> Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
