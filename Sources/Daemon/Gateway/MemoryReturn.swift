import Model
import Network

/// Gives back, now and then, the memory that statements and connections have left behind.
final class MemoryReturn: Service {
    /// What the log calls it.
    let name = "memory"
    /// How often, in milliseconds: so seldom that it costs nothing, so often that a burst is forgotten soon.
    private static let interval: Int64 = 30_000
    private let clock: any Clock

    init(clock: any Clock) { self.clock = clock }

    func start() async throws {}

    func run() async throws {
        while true {
            try await clock.sleep(milliseconds: Self.interval)
            giveBackMemory()
        }
    }
}
