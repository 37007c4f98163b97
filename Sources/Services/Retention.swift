import Engine
import Model

/// Removes history that is older or larger than the settings allow.
public final class Retention: Service {
    /// What the log and the status call it.
    public let name = "retention"
    /// How often it looks, in milliseconds.
    private static let interval: Int64 = 60_000

    private let routing: Routing
    private let storage: any Storage
    private let clock: any Clock
    private let log: any Log

    /// A remover of history by the settings that this routing keeps.
    public init(routing: Routing, storage: any Storage, clock: any Clock, log: any Log) {
        self.routing = routing
        self.storage = storage
        self.clock = clock
        self.log = log
    }

    /// Serves at once.
    public func start() async throws {}

    /// Prunes until its task is cancelled.
    public func run() async throws {
        while true {
            try await clock.sleep(milliseconds: Self.interval)
            await prune()
        }
    }

    /// Prunes once.
    func prune() async {
        let bounds = routing.settings.state.history
        let before = clock.now().adding(milliseconds: -bounds.age.wholeMilliseconds)
        do throws(StorageProblem) {
            let pruned = try await storage.prune(before: before, maximumBytes: bounds.size)
            if pruned > 0 { log.info("history pruned", LogField("statements", "\(pruned)")) }
        } catch {
            log.debug("history was not pruned", LogField("problem", error.text))
        }
    }
}
