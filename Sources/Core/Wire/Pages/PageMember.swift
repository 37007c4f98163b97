import Bytes

/// The members of a page that the scanner knows; their raw values are the order in which both engines write them.
enum PageMember: UInt8 {
    case id, infoURI, partialCancelURI, nextURI, columns, rows, stats, error, warnings, updateType, updateCount
    /// `state` within `stats`.
    case state
    case other

    /// Whether a string that it is has to be read whole.
    @inline(__always)
    var isWord: Bool {
        switch self {
        case .id, .infoURI, .partialCancelURI, .nextURI, .state: true
        case .columns, .rows, .stats, .error, .warnings, .updateType, .updateCount, .other: false
        }
    }
}

/// Names the member of a page whose key is `bytes[range]`, which may be written with escapes.
func pageMember(_ bytes: Span<UInt8>, _ range: Range<Int>, isEscaped: Bool) -> PageMember {
    guard isEscaped else { return plainMember(bytes, range) }
    guard let key = unescaped(bytes, range) else { return .other }
    return plainMember(key.span, 0..<key.count)
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

/// Names the member of a page that begins at `start` with the quote of its key, and tells where its value begins, when it
/// is one of those that most pages have, without white space; nil for all others, however they are written.
@inline(__always)
func usualMember(_ bytes: Span<UInt8>, at start: Int) -> (member: PageMember, value: Int)? {
    guard start &+ 19 <= bytes.count else { return nil }
    @inline(__always) func begins(_ text: StaticString) -> Bool {
        equals(bytes, start..<start &+ text.utf8CodeUnitCount, text)
    }
    switch bytes[start &+ 1] {
    case UInt8(ascii: "i"):
        if begins("\"id\":") { return (.id, start &+ 5) }
        if begins("\"infoUri\":") { return (.infoURI, start &+ 10) }
    case UInt8(ascii: "p"): if begins("\"partialCancelUri\":") { return (.partialCancelURI, start &+ 19) }
    case UInt8(ascii: "n"): if begins("\"nextUri\":") { return (.nextURI, start &+ 10) }
    case UInt8(ascii: "c"): if begins("\"columns\":") { return (.columns, start &+ 10) }
    case UInt8(ascii: "d"): if begins("\"data\":") { return (.rows, start &+ 7) }
    case UInt8(ascii: "s"):
        if begins("\"stats\":") { return (.stats, start &+ 8) }
    default: break
    }
    return nil
}
