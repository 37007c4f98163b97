import Engine
import FoundationEssentials

/// The answer to /v1/info, as far as it is understood. Everything in it may be missing: servers of another make say
/// less, and buenavista gives its version as a number.
struct InfoBody: Decodable {
    var isStarting: Bool
    var state: String?
    var uptime: String?
    var coordinatorID: String?
    var version: String?

    private enum CodingKeys: String, CodingKey {
        case isStarting = "starting"
        case state, uptime
        case coordinatorID = "coordinatorId"
        case nodeVersion
    }
    private enum VersionKeys: String, CodingKey {
        case version
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        isStarting = members.lenient(Bool.self, .isStarting) ?? false
        state = members.lenient(String.self, .state)
        uptime = members.lenient(String.self, .uptime)
        coordinatorID = members.lenient(String.self, .coordinatorID)
        // A member of another shape than expected counts as missing.
        let node = try? members.nestedContainer(keyedBy: VersionKeys.self, forKey: .nodeVersion)
        version = node?.lenient(String.self, .version) ?? node?.lenient(Int.self, .version).map(String.init)
    }

    /// Reads a body; nil unless it is a JSON object.
    static func read(_ body: [UInt8]) -> InfoBody? {
        try? JSONDecoder().decode(InfoBody.self, from: Data(body))
    }
}

/// The number of workers, as Presto's /v1/cluster and Trino's /v1/integrations/gateway/metrics (from 478 on) tell it.
struct WorkersBody: Decodable {
    var activeWorkers: Int?
    var clusterSize: Int?

    /// The number in a body; nil if it is not there.
    static func read(_ body: [UInt8]) -> Int? {
        let read = try? JSONDecoder().decode(WorkersBody.self, from: Data(body))
        return read?.activeWorkers ?? read?.clusterSize
    }
}

extension KeyedDecodingContainer {
    /// The member, or nil if it is missing or of another type.
    fileprivate func lenient<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
        try? decodeIfPresent(type, forKey: key)
    }
}
