import Bytes

/// The members of a page that the scanner knows; their raw values are the order in which both engines write them.
enum PageMember: UInt8 {
    case id, infoURI, partialCancelURI, nextURI, columns, rows, stats, error, warnings, updateType, updateCount
    /// `state` within `stats`.
    case state
    case other
}

/// Names the member of a page whose key is `bytes[range]`; a key may be written with escapes.
func pageMember(_ bytes: Span<UInt8>, _ range: Range<Int>) -> PageMember {
    if firstIndex(of: 0x5C, in: bytes, from: range.lowerBound, to: range.upperBound) >= 0 {
        guard let key = unescaped(bytes, range) else { return .other }
        return plainMember(key.span, 0..<key.count)
    }
    return plainMember(bytes, range)
}

private func plainMember(_ bytes: Span<UInt8>, _ range: Range<Int>) -> PageMember {
    @inline(__always) func has(_ name: StaticString) -> Bool { equals(bytes, range, name) }
    switch range.count {
    case 2: return has("id") ? .id : .other
    case 4: return has("data") ? .rows : .other
    case 5: return has("stats") ? .stats : has("error") ? .error : .other
    case 7: return has("nextUri") ? .nextURI : has("infoUri") ? .infoURI : has("columns") ? .columns : .other
    case 8: return has("warnings") ? .warnings : .other
    case 10: return has("updateType") ? .updateType : has("binaryData") ? .rows : .other
    case 11: return has("updateCount") ? .updateCount : .other
    case 16: return has("partialCancelUri") ? .partialCancelURI : .other
    default: return .other
    }
}
