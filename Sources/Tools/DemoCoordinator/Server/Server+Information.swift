import Wire

extension Server {
    /// What the endpoints beside statements answer; nil for a path that there is none for.
    func information(_ request: Request) -> Response? {
        switch (request.method, request.path) {
        case (.get, "/v1/info"), (.head, "/v1/info"): .json(info)
        case (.get, "/v1/info/state"), (.head, "/v1/info/state"): .json(Array("\"\(behaviour.state)\"".utf8))
        case (.get, "/v1/info/coordinator"): .empty(200)
        case (.get, "/v1/status"), (.head, "/v1/status"): .json(status)
        case (.get, "/v1/cluster"): .json(cluster)
        case (.get, "/v1/integrations/gateway/metrics") where behaviour.dialect == .trino:
            .json(
                Array(
                    #"{"clusterSize":\#(behaviour.workers),"totalFreeBytes":1310720000,"aggregatedSystemLoad":0.1}"#
                        .utf8))
        case (.get, "/v1/query"): .json(queries(authority(request)))
        case (.get, "/ui/query.html"), (.get, "/ui"):
            Response(
                status: 200, contentType: "text/html",
                body: Array(
                    "<!DOCTYPE html><title>\(name)</title><h1>\(name)</h1><p>\(request.query.filter { $0.isLetter || $0.isNumber || $0 == "_" })</p>"
                        .utf8))
        default: nil
        }
    }

    private var uptime: String { duration(milliseconds: loop.now - startedAt) }

    private var info: [UInt8] {
        var bytes: [UInt8] = []
        let isTrino = behaviour.dialect == .trino
        bytes.append(ascii: "{")
        if isTrino {
            bytes.append(member: "nodeId", name)
            bytes.append(member: "state", behaviour.state)
        }
        bytes.append(member: "nodeVersion")
        bytes.append(ascii: "{")
        bytes.append(member: "version", Version.node)
        bytes.append(ascii: "}")
        bytes.append(member: "environment", "demo")
        bytes.append(member: "coordinator", true)
        // Presto does not say which incarnation it is.
        if isTrino { bytes.append(member: "coordinatorId", ids.incarnation) }
        bytes.append(member: "starting", isStarting)
        bytes.append(member: "uptime", uptime)
        bytes.append(ascii: "}")
        return bytes
    }

    private var status: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(ascii: "{")
        bytes.append(member: "nodeId", name)
        bytes.append(member: "nodeVersion")
        bytes.append(ascii: "{")
        bytes.append(member: "version", Version.node)
        bytes.append(ascii: "}")
        bytes.append(member: "environment", "demo")
        bytes.append(member: "coordinator", true)
        bytes.append(member: "uptime", uptime)
        bytes.append(member: "externalAddress", address.ip)
        bytes.append(member: "internalAddress", address.ip)
        bytes.append(ascii: "}")
        return bytes
    }

    /// As Presto's /v1/cluster, which tells how many workers there are.
    private var cluster: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(ascii: "{")
        bytes.append(member: "runningQueries", running)
        bytes.append(member: "blockedQueries", 0)
        bytes.append(member: "queuedQueries", waiting.count)
        bytes.append(member: "activeWorkers", behaviour.workers)
        bytes.append(member: "runningDrivers", 0)
        bytes.append(member: "runningTasks", running)
        bytes.append(member: "reservedMemory", decimal: 0)
        bytes.append(member: "totalInputRows", 0)
        bytes.append(member: "totalInputBytes", 0)
        bytes.append(member: "totalCpuTimeSecs", 0)
        bytes.append(ascii: "}")
        return bytes
    }

    private func queries(_ authority: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(ascii: "[")
        for id in order.suffix(100) {
            guard let statement = statements[id], statement.phase != .submitted else { continue }
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: statement.information(authority: authority))
        }
        bytes.append(ascii: "]")
        return bytes
    }
}

extension Statement {
    /// What /v1/query/{id} says of it: the members of Trino's that clients read.
    func information(authority: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(ascii: "{")
        bytes.append(member: "queryId", id)
        bytes.append(member: "session")
        bytes.append(ascii: "{")
        bytes.append(member: "queryId", id)
        bytes.append(member: "user", session.user)
        bytes.append(member: "source", session.source)
        bytes.append(member: "catalog", session.catalog)
        bytes.append(member: "schema", session.schema)
        bytes.append(ascii: "}")
        bytes.append(member: "state", state.rawValue)
        bytes.append(member: "scheduled", phase == .running)
        bytes.append(member: "self", "\(authority)/v1/query/\(id)")
        bytes.append(member: "query", sql)
        bytes.append(member: "updateType", planned?.updateType)
        bytes.append(member: "queryStats")
        bytes.append(ascii: "{")
        bytes.append(member: "createTime", created.rfc3339)
        bytes.append(member: "processedInputPositions", givenRows)
        bytes.append(ascii: "}")
        if let failure {
            bytes.append(member: "errorType", failure.type)
            bytes.append(member: "errorCode")
            bytes.append(ascii: "{")
            bytes.append(member: "code", failure.code)
            bytes.append(member: "name", failure.name)
            bytes.append(member: "type", failure.type)
            bytes.append(ascii: "}")
        }
        bytes.append(ascii: "}")
        return bytes
    }
}

/// A time as the engines' servers write it: `9.06m`, two decimals of the largest unit that it fills.
func duration(milliseconds: Int64) -> String {
    let units: [(String, Double)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
    let time = Double(max(0, milliseconds))
    let (name, size) = units.first { time >= $0.1 } ?? ("ms", 1)
    let hundredths = Int((time / size * 100).rounded())
    return "\(hundredths / 100).\(padded(hundredths % 100, 2))\(name)"
}
