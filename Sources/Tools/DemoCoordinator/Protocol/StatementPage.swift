import Wire

/// The state that a page's `stats` show.
enum StatementState: String, Sendable {
    case queued = "QUEUED"
    /// Presto's, of what was not polled yet.
    case waitingForPrerequisites = "WAITING_FOR_PREREQUISITES"
    case running = "RUNNING"
    case finished = "FINISHED"
    case failed = "FAILED"

    var isDone: Bool { self == .finished || self == .failed }
}

/// What a page says, before it is bytes. The order of its members is that of every recorded page.
struct StatementPage {
    var id: String
    /// `http://host:port`, as the client named this coordinator.
    var authority: String
    var partialCancelURI: String?
    var nextPath: String?
    var columns: [ResultColumn]?
    /// Rows as JSON, comma between them, without the outer brackets; empty for a page without rows.
    var rows: [UInt8] = []
    var stats: StatementStats
    var failure: QueryFailure?
    var updateType: String?
    var updateCount: Int?

    /// The page's JSON. `hasParametricTimes`: the client knows types such as timestamp(6). Presto escapes what could be
    /// HTML, and ends with a new line.
    func json(hasParametricTimes: Bool, dialect: Dialect = .trino) -> [UInt8] {
        let json = json(hasParametricTimes: hasParametricTimes)
        guard dialect == .presto else { return json }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 64)
        for byte in json {
            switch byte {
            case UInt8(ascii: "&"): bytes.append(ascii: "\\u0026")
            case UInt8(ascii: "'"): bytes.append(ascii: "\\u0027")
            case UInt8(ascii: "<"): bytes.append(ascii: "\\u003C")
            case UInt8(ascii: ">"): bytes.append(ascii: "\\u003E")
            default: bytes.append(byte)
            }
        }
        bytes.append(ascii: "\n")
        return bytes
    }

    private func json(hasParametricTimes: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count + 2048)
        bytes.append(ascii: "{")
        bytes.append(member: "id", id)
        bytes.append(member: "infoUri", "\(authority)/ui/query.html?\(id)")
        bytes.append(member: "partialCancelUri", partialCancelURI)
        bytes.append(member: "nextUri", nextPath.map { authority + $0 })
        if let columns {
            bytes.append(member: "columns")
            bytes.append(ascii: "[")
            for (offset, column) in columns.enumerated() {
                if offset > 0 { bytes.append(UInt8(ascii: ",")) }
                column.write(to: &bytes, hasParametricTimes: hasParametricTimes)
            }
            bytes.append(ascii: "]")
        }
        if !rows.isEmpty {
            bytes.append(member: "data")
            bytes.append(ascii: "[")
            bytes.append(contentsOf: rows)
            bytes.append(ascii: "]")
        }
        bytes.append(member: "stats")
        stats.write(to: &bytes)
        if let failure {
            bytes.append(member: "error")
            failure.write(to: &bytes)
        }
        bytes.append(member: "warnings")
        bytes.append(ascii: "[]")
        bytes.append(member: "updateType", updateType)
        bytes.append(member: "updateCount", updateCount)
        bytes.append(ascii: "}")
        return bytes
    }
}

/// The numbers of a page's `stats`.
struct StatementStats: Equatable {
    var state: StatementState
    /// Whether tasks have been made: false for a statement that needs none, or has not begun.
    var hasStage = false
    var nodes = 0
    var splits = 0
    var completedSplits = 0
    var queuedMillis: Int64 = 0
    var elapsedMillis: Int64 = 0
    var rows = 0
    var rowBytes = 0

    func write(to bytes: inout [UInt8]) {
        bytes.append(ascii: "{")
        bytes.append(member: "state", state.rawValue)
        bytes.append(member: "queued", state == .queued)
        bytes.append(member: "scheduled", hasStage)
        if hasStage, splits > 0 {
            bytes.append(member: "progressPercentage", decimal: 100 * Double(completedSplits) / Double(splits))
            bytes.append(member: "runningPercentage", decimal: 0)
        }
        writeSplits(to: &bytes)
        for name in ["planningTimeMillis", "analysisTimeMillis", "cpuTimeMillis", "wallTimeMillis"] {
            bytes.append(member: name, 0)
        }
        bytes.append(member: "queuedTimeMillis", queuedMillis)
        bytes.append(member: "elapsedTimeMillis", elapsedMillis)
        bytes.append(member: "finishingTimeMillis", 0)
        bytes.append(member: "physicalInputTimeMillis", 0)
        bytes.append(member: "processedRows", rows)
        bytes.append(member: "processedBytes", rowBytes)
        for name in [
            "physicalInputBytes", "physicalWrittenBytes", "internalNetworkInputBytes", "peakMemoryBytes",
            "spilledBytes",
        ] {
            bytes.append(member: name, 0)
        }
        if hasStage { writeStage(to: &bytes) }
        bytes.append(ascii: "}")
    }

    private func writeSplits(to bytes: inout [UInt8]) {
        bytes.append(member: "nodes", nodes)
        bytes.append(member: "totalSplits", splits)
        bytes.append(member: "queuedSplits", 0)
        bytes.append(member: "runningSplits", splits - completedSplits)
        bytes.append(member: "completedSplits", completedSplits)
    }

    private func writeStage(to bytes: inout [UInt8]) {
        bytes.append(member: "rootStage")
        bytes.append(ascii: "{")
        bytes.append(member: "stageId", "0")
        bytes.append(member: "state", state.rawValue)
        bytes.append(member: "done", state.isDone)
        writeSplits(to: &bytes)
        for name in ["cpuTimeMillis", "wallTimeMillis"] { bytes.append(member: name, 0) }
        bytes.append(member: "processedRows", rows)
        bytes.append(member: "processedBytes", rowBytes)
        bytes.append(member: "physicalInputBytes", 0)
        bytes.append(member: "failedTasks", state == .failed ? 1 : 0)
        bytes.append(member: "coordinatorOnly", false)
        bytes.append(member: "subStages")
        bytes.append(ascii: "[]}")
    }
}
