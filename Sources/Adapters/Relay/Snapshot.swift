import Engine
import Model
import Network
import Wire

/// A coordinator as the loops see it: everything that a request needs of it, made once per table.
final class Target: Sendable {
    let coordinator: Coordinator
    let address: SocketAddress?
    let load: CoordinatorLoad
    let dialect: Dialect
    let startsOnPost: Bool
    let uiURL: String?
    /// `Host: authority` and what every request carries, as bytes.
    let requestLines: [UInt8]
    /// `X-Penstock-Pool` and `X-Penstock-Coordinator`, as bytes.
    let responseLines: [UInt8]

    init(_ coordinator: Coordinator, pool: Pool?, load: CoordinatorLoad) {
        self.coordinator = coordinator
        self.load = load
        address = coordinator.address.flatMap { SocketAddress(ip: $0.ip, port: $0.port) }
        dialect = pool?.dialect ?? .trino
        startsOnPost = pool?.starts == .post
        uiURL = pool?.uiURL
        // Upstream is asked for identity: pages are spliced, not decoded (design 3).
        requestLines = Array("Host: \(coordinator.authority)\r\nAccept-Encoding: identity\r\n".utf8)
        responseLines = Array(
            "X-Penstock-Pool: \(coordinator.pool)\r\nX-Penstock-Coordinator: \(coordinator.name)\r\n".utf8)
    }
}

/// What all loops route by: immutable, replaced whole.
final class Snapshot: Sendable {
    let table: RoutingTable
    let targets: Targets
    /// By index into the table's coordinators.
    let loads: [CoordinatorLoad]
    let limits: RelayLimits
    let retries: RetryTerms
    /// What failures are judged by.
    let policy: Policy
    /// Headers that some selector looks at, in lower case with X-Trino- for both twins.
    let selectorHeaders: Set<String>

    init(
        table: RoutingTable, limits: RelayLimits, retries: RetryTerms, policy: Policy,
        load: (UInt32) -> CoordinatorLoad
    ) {
        self.table = table
        self.limits = limits
        self.retries = retries
        self.policy = policy
        var targets: [Target] = []
        var loads: [CoordinatorLoad] = []
        for coordinator in table.coordinators {
            let count = load(coordinator.registration)
            loads.append(count)
            targets.append(
                Target(coordinator, pool: table.group(coordinator.group)?.pool(coordinator.pool), load: count))
        }
        self.targets = Targets(targets)
        self.loads = loads
        selectorHeaders = Set(table.selectors.flatMap { $0.headers.map { Selector.canonicalName($0.name) } })
    }
}

/// The coordinators of a table by their registrations. They are few, and every poll looks one up.
struct Targets: Sendable {
    private let registrations: [UInt32]
    private let all: [Target]

    init(_ all: [Target]) {
        self.all = all
        registrations = all.map(\.coordinator.registration)
    }

    subscript(registration: UInt32) -> Target? {
        registrations.firstIndex(of: registration).map { all[$0] }
    }
}
