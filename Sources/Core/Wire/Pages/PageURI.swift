import Bytes

/// Which of a page's URIs it is.
public enum PageURIKind: UInt8, Sendable {
    case info, partialCancel, next
}

/// A URI of a page, as offsets into the span that was scanned.
public struct PageURI: Equatable, Sendable {
    /// Which one.
    public var kind: PageURIKind
    /// What stands between the quotes.
    public var value: Range<Int>
    /// From the first `/` (or `?`, `#`) after the authority to the end of the value; empty when there is none.
    public var path: Range<Int>
    /// The value holds JSON escapes: then `unescaped` gives the URI itself, and `path` counts for nothing.
    public var isEscaped: Bool
}

/// Where path and query of the URI `bytes[value]` are: after `scheme://authority`, or all of it when there is none.
public func pathOfURI(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Range<Int> {
    let http = value.lowerBound &+ 7
    if http <= value.upperBound, equals(bytes, value.lowerBound..<http, "http://") {
        return search(bytes, from: http, to: value.upperBound, marksOfPaths)..<value.upperBound
    }
    var index = value.lowerBound
    while index < value.upperBound, isSchemeByte(bytes[index]) { index &+= 1 }
    guard index &+ 2 < value.upperBound, index > value.lowerBound, equals(bytes, index..<index &+ 3, "://") else {
        return value
    }
    return search(bytes, from: index &+ 3, to: value.upperBound, marksOfPaths)..<value.upperBound
}

/// Marks what ends an authority.
@inline(__always)
private func marksOfPaths(_ bytes: Sixteen) -> Sixteen {
    bytes.marks(of: 0x2F) | bytes.marks(of: 0x3F) | bytes.marks(of: 0x23)
}

private func isSchemeByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
}

/// The state that a page's `stats` shows; informational only, the absence of nextUri is what ends a statement.
public enum PageState: UInt8, Sendable {
    /// Not met yet.
    case absent
    case queued, waitingForPrerequisites, waitingForResources, dispatching, planning, starting, running, finishing
    case finished, failed
    /// A word that neither engine uses.
    case other
}

/// Names the state `bytes[range]`.
func pageState(_ bytes: Span<UInt8>, _ range: Range<Int>) -> PageState {
    @inline(__always) func matches(_ text: StaticString) -> Bool { equals(bytes, range, text) }
    switch range.count {
    case 6: if matches("QUEUED") { return .queued } else if matches("FAILED") { return .failed }
    case 7: if matches("RUNNING") { return .running }
    case 8:
        if matches("FINISHED") { return .finished } else if matches("PLANNING") { return .planning }
        if matches("STARTING") { return .starting }
    case 9: if matches("FINISHING") { return .finishing }
    case 11: if matches("DISPATCHING") { return .dispatching }
    case 21: if matches("WAITING_FOR_RESOURCES") { return .waitingForResources }
    case 25: if matches("WAITING_FOR_PREREQUISITES") { return .waitingForPrerequisites }
    default: break
    }
    return .other
}
