import FoundationEssentials

@testable import Wire

/// A JSON document, decoded by Foundation: the other opinion that the scanner is held against.
indirect enum Decoded: Decodable, Equatable {
    case object([String: Decoded])
    case array([Decoded])
    case text(String)
    case number(Double)
    case truth(Bool)
    case null

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            var members: [String: Decoded] = [:]
            for key in object.allKeys { members[key.stringValue] = try object.decode(Decoded.self, forKey: key) }
            self = .object(members)
        } else if var array = try? decoder.unkeyedContainer() {
            var elements: [Decoded] = []
            while !array.isAtEnd { elements.append(try array.decode(Decoded.self)) }
            self = .array(elements)
        } else {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let truth = try? value.decode(Bool.self) {
                self = .truth(truth)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try value.decode(String.self))
            }
        }
    }

    static func decode(_ bytes: [UInt8]) throws -> Decoded {
        try JSONDecoder().decode(Decoded.self, from: Data(bytes))
    }

    /// The member of that name; nil where there is none or it is null.
    subscript(_ name: String) -> Decoded? {
        guard case .object(let members) = self, let member = members[name], member != .null else { return nil }
        return member
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }
}

/// What a page says of its statement; made from a scanner or from a decoded page, and then compared.
struct PageFacts: Equatable {
    var id = ""
    var hasNext = false
    var hasColumns = false
    var hasRows = false
    var hasError = false
    var hasUpdateType = false
    var state = ""

    init(_ page: Decoded) {
        id = page["id"]?.text ?? ""
        hasNext = page["nextUri"]?.text != nil
        hasColumns = page["columns"] != nil
        for rows in [page["data"], page["binaryData"]] {
            switch rows {
            case .array(let rows): hasRows = hasRows || !rows.isEmpty
            case .object: hasRows = true
            default: break
            }
        }
        hasError = page["error"] != nil
        hasUpdateType = page["updateType"] != nil
        state = Self.word(page["stats"]?["state"]?.text)
    }

    init(_ scanner: PageScanner) {
        id = String(decoding: scanner.idBytes, as: UTF8.self)
        hasNext = scanner.hasNext
        hasColumns = scanner.hasColumns
        hasRows = scanner.hasRows
        hasError = scanner.hasError
        hasUpdateType = scanner.hasUpdateType
        state = "\(scanner.state)"
    }

    private static func word(_ state: String?) -> String {
        switch state {
        case nil: "absent"
        case "QUEUED": "queued"
        case "WAITING_FOR_PREREQUISITES": "waitingForPrerequisites"
        case "WAITING_FOR_RESOURCES": "waitingForResources"
        case "DISPATCHING": "dispatching"
        case "PLANNING": "planning"
        case "STARTING": "starting"
        case "RUNNING": "running"
        case "FINISHING": "finishing"
        case "FINISHED": "finished"
        case "FAILED": "failed"
        default: "other"
        }
    }
}
