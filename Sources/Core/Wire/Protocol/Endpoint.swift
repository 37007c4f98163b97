import Bytes

/// What a request target asks for. Ranges are offsets into the bytes that held the target.
public enum Endpoint: Equatable, Sendable {
    /// /v1/statement, with or without a query string.
    case statement
    /// Any path whose last query parameter is shaped like a tag; `path` is the target without it, as the coordinator
    /// knows it.
    case tagged(path: Range<Int>, tag: Range<Int>)
    /// /v1/query/{id}
    case queryID(Range<Int>)
    /// /v1/info
    case info
    /// /v1/info/state
    case infoState
    /// /v1/status
    case status
    /// /ui or /ui/
    case ui
    /// /ui/query.html?{id}
    case uiQuery(id: Range<Int>)
    /// /-/healthy
    case healthy
    /// /-/ready
    case ready
    /// Anything else.
    case unknown
}

/// What goes before a tag in a URI, after `?` or `&`.
private let tagParameter: StaticString = "via="

/// Classifies the request target `bytes[target]`.
///
/// Without a tag only the exact paths above are known, byte for byte, so that no other spelling of a path (`//`,
/// `/../`, `%2f`, `\`) reaches a coordinator.
public func endpoint(of target: Range<Int>, in bytes: Span<UInt8>) -> Endpoint {
    if let tagged = taggedEndpoint(target, bytes) { return tagged }
    let question = firstIndex(of: 0x3F, in: bytes, from: target.lowerBound, to: target.upperBound)
    let path = target.lowerBound..<(question < 0 ? target.upperBound : question)
    @inline(__always) func matches(_ text: StaticString) -> Bool { equals(bytes, path, text) }
    @inline(__always) func begins(_ text: StaticString) -> Bool {
        let end = path.lowerBound + text.utf8CodeUnitCount
        return end <= path.upperBound && equals(bytes, path.lowerBound..<end, text)
    }
    if begins("/v1/") {
        if matches("/v1/statement") { return .statement }
        if matches("/v1/info") { return .info }
        if matches("/v1/info/state") { return .infoState }
        if matches("/v1/status") { return .status }
        if begins("/v1/query/") {
            let id = path.lowerBound + 10..<path.upperBound
            return isQueryID(bytes, id) ? .queryID(id) : .unknown
        }
        return .unknown
    }
    if matches("/ui") || matches("/ui/") { return .ui }
    if matches("/ui/query.html"), question >= 0 {
        let id = question + 1..<target.upperBound
        return isQueryID(bytes, id) ? .uiQuery(id: id) : .unknown
    }
    if matches("/-/healthy") { return .healthy }
    if matches("/-/ready") { return .ready }
    return .unknown
}

private func taggedEndpoint(_ target: Range<Int>, _ bytes: Span<UInt8>) -> Endpoint? {
    let name = tagParameter.utf8CodeUnitCount
    let start = target.upperBound - Tag.length
    let separator = start - name - 1
    guard separator > target.lowerBound, bytes[separator] == 0x3F || bytes[separator] == 0x26,
        equals(bytes, separator + 1..<start, tagParameter)
    else { return nil }
    return .tagged(path: target.lowerBound..<separator, tag: start..<target.upperBound)
}

/// Whether `bytes[range]` may be a statement's or a query's id: 1 to 128 letters, digits, `_`, `-` and, though not as
/// the first, `.` (buenavista's ids have one).
private func isQueryID(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard (1...128).contains(range.count), bytes[range.lowerBound] != 0x2E else { return false }
    for index in range {
        switch bytes[index] {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: break
        default: return false
        }
    }
    return true
}
