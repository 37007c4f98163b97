import Bytes
import Engine
import Model
import Network
import Wire

/// A coordinator as the loops see it: everything that a request needs of it, made once per table.
final class Target: Sendable {
    let coordinator: Coordinator
    /// What its statements share.
    let place: Place
    let address: SocketAddress?
    let load: CoordinatorLoad
    let dialect: Dialect
    let startsOnPost: Bool
    let uiURL: String?
    /// `Host: authority` and what every request carries, as bytes.
    let requestLines: [UInt8]
    /// `X-Penstock-Pool` and `X-Penstock-Coordinator`, as bytes.
    let responseLines: [UInt8]
    /// The last five characters of its query ids, as bytes; empty while they are not known.
    let idSuffix: [UInt8]

    init(_ coordinator: Coordinator, pool: Pool?, load: CoordinatorLoad) {
        self.coordinator = coordinator
        self.load = load
        place = Place(
            group: coordinator.group, pool: coordinator.pool, coordinator: coordinator.name,
            registration: coordinator.registration, load: load)
        idSuffix = Array((coordinator.idSuffix ?? "").utf8)
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

extension Target {
    /// Whether an engine's query id ends as those of this coordinator do.
    func hasGiven(_ queryID: Span<UInt8>) -> Bool {
        let suffix = idSuffix
        let start = queryID.count - suffix.count
        guard !suffix.isEmpty, queryID.count == engineIDLength, queryID[start - 1] == UInt8(ascii: "_") else {
            return false
        }
        return equals(queryID, start..<queryID.count, suffix.span)
    }
}

/// What all loops route by: immutable, replaced whole.
final class Snapshot: Sendable {
    let table: RoutingTable
    /// In the order of the table's coordinators.
    let targets: Targets
    /// What is not placed on a coordinator yet, by index into the table's groups.
    let unplaced: [Place]
    /// By the same index: where all new statements of the group go, where there is nothing to choose.
    let onlyTargets: [Target?]
    /// What has no group.
    let nowhere = Place(group: "")
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
        let all = table.coordinators.map { coordinator in
            Target(
                coordinator, pool: table.group(coordinator.group)?.pool(coordinator.pool),
                load: load(coordinator.registration))
        }
        targets = Targets(all)
        onlyTargets = table.groups.map { group in
            let ready = all.filter {
                $0.coordinator.isReady && $0.place.pool == group.active && $0.place.group == group.name
            }
            return ready.count == 1 && ready[0].coordinator.capacity == nil ? ready[0] : nil
        }
        unplaced = table.groups.map { Place(group: $0.name) }
        selectorHeaders = Set(table.selectors.flatMap { $0.headers.map { Selector.canonicalName($0.name) } })
    }
}

/// The coordinators of a table by their registrations. They are few, and every poll looks one up.
struct Targets: Sendable {
    private let registrations: [UInt32]
    /// All of them, in the table's order.
    let all: [Target]

    init(_ all: [Target]) {
        self.all = all
        registrations = all.map(\.coordinator.registration)
    }

    subscript(registration: UInt32) -> Target? {
        registrations.firstIndex(of: registration).map { all[$0] }
    }
}
