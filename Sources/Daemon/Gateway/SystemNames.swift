import Model
import Network
import Engine
import Threads

/// The system's name resolution, on a thread of its own: it may take seconds.
actor SystemNames: Names, ThreadActor {
    nonisolated let executor = ThreadExecutor(name: "names")

    func resolve(host: String, port: UInt16) -> [CoordinatorAddress] {
        Network.resolve(host: host, port: port).map { CoordinatorAddress(ip: $0.ip, port: $0.port) }
    }
}
