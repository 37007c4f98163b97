import Bytes

/// Finds the URIs of a page while it passes, and what the page says of its statement.
///
/// It reads the members of the outermost object, in any order, and `state` within `stats`; everything else is crossed.
/// Members that are null count as absent. It keeps its place between reads, so a span may end at any byte.
public struct PageScanner: Sendable {
    /// The URIs that the last call of `scan` found, in their order. Each call begins with none, unless told otherwise.
    public private(set) var uris = Slots<PageURI>()
    /// The page's `id`, up to 128 bytes; empty before it was met.
    public var idBytes: [UInt8] { id.bytes }
    /// Lends `idBytes` to `body`, without a copy.
    public mutating func lendID<Result>(_ body: (Span<UInt8>) -> Result) -> Result { id.lend(body) }
    /// A nextUri: more pages follow.
    public private(set) var hasNext = false
    /// Columns, be it none of them (`[]`).
    public private(set) var hasColumns = false
    /// At least one row, or spooled rows.
    public private(set) var hasRows = false
    /// An error.
    public private(set) var hasError = false
    /// An updateType: the statement writes, or changes the session.
    public private(set) var hasUpdateType = false
    /// The state in `stats`.
    public private(set) var state = PageState.absent
    /// The `error` object, its first 64 KiB; `readError` takes it.
    public private(set) var errorJSON: [UInt8] = []
    /// A hash of the bytes of `columns` behind the opening bracket, as far as they were scanned; 0 without columns. It
    /// is compared within one process only, and never stored.
    @inlinable
    public var columnsHash: UInt64 { columns.hash }
    /// `columns` has begun and its end was not scanned yet.
    @inlinable
    public var isWithinColumns: Bool { columns.isOpen }

    /// Nothing of what makes a page was met: JSON perhaps, but not the protocol's.
    public var isBlank: Bool {
        !hasNext && !hasError && !hasColumns && !hasRows && id.isEmpty && state == .absent
    }

    private var id = PageID()
    private var place = Place.start
    private var member = PageMember.other
    /// Within `stats`, of which `state` has not been met.
    private var isInStats = false
    /// The string or container that is crossed.
    private var crossing = Crossing.container
    @usableFromInline
    var columns = PageColumns()
    private var opening = PageOpening()
    /// The members came in the engines' order so far.
    private var isCanonical = true
    /// Where the last member stands in that order.
    private var rank = -1
    private var hasInfo = false
    private var wasOffered = false

    /// Bytes of `error` that are captured.
    static let maximumError = 64 * 1024
    /// Bytes of one URI.
    static let maximumURI = 64 * 1024
    /// Bytes of a key, an id or a state that are kept back until it is whole; a longer one is crossed.
    static let maximumWord = 128

    private enum Place {
        case start, firstKey, key, longKey, colon, value, literal, string, firstRow, nested, separator, over, broken
    }

    /// A scanner before its first page.
    public init() {}

    /// Begins anew, for the next page.
    public mutating func reset() {
        uris.removeAll(keeping: 16)
        id.count = 0
        hasNext = false
        hasColumns = false
        hasRows = false
        hasError = false
        hasUpdateType = false
        state = .absent
        if !errorJSON.isEmpty { errorJSON = [] }
        columns.reset()
        place = .start
        member = .other
        isInStats = false
        isCanonical = true
        rank = -1
        hasInfo = false
        wasOffered = false
    }

    /// Scans `bytes` from `from`: 0 at first, then where the last step's `safe` bytes now are.
    ///
    /// - Parameter keepsURIs: those that earlier calls found stay in `uris`. For a caller who gives all of the page
    ///   each time, with more behind it, so that their offsets hold.
    public mutating func scan(_ bytes: Span<UInt8>, from: Int, keepsURIs: Bool = false) -> PageStep {
        if !keepsURIs { uris.removeAll(keeping: 16) }
        var index = from
        opening.isAtHand = place == .start && from == 0
        if opening.isAtHand, opening.begins(bytes) { index = recallOpening() }
        while index < bytes.count {
            switch place {
            case .longKey, .string, .nested:
                index = cross(bytes, index)
            case .literal:
                while index < bytes.count, isLiteral(bytes[index]) { index &+= 1 }
                if index < bytes.count { place = .separator }
            case .start, .firstKey, .key, .colon, .value, .firstRow, .separator:
                let byte = bytes[index]
                if byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                    index &+= 1
                } else if let step = take(byte, bytes, &index) {
                    return step
                }
            case .over:
                return .whole(end: index)
            case .broken:
                return .malformed
            }
        }
        return place == .broken ? .malformed : place == .over ? .whole(end: index) : .more(safe: index)
    }

    /// Takes over what the page before began with; answers where that ends.
    private mutating func recallOpening() -> Int {
        id.count = opening.idCount
        uris.append(opening.info)
        hasInfo = true
        rank = Int(PageMember.infoURI.rawValue)
        member = .infoURI
        place = .key
        return opening.count
    }

    /// Takes the byte at `index`, which is no white space, and moves on; a step when the scan ends here.
    @inline(__always)
    private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>, _ index: inout Int) -> PageStep? {
        switch place {
        case .start:
            guard byte == 0x7B else { return fail() }
            place = .firstKey
            index &+= 1
        case .firstKey, .key:
            if byte == 0x7D, place == .firstKey { return close(&index) }
            guard byte == 0x22 else { return fail() }
            return takeKey(bytes, &index)
        case .colon:
            guard byte == 0x3A else { return fail() }
            place = .value
            index &+= 1
        case .value:
            return takeValue(byte, bytes, &index)
        case .firstRow:
            place = .nested
            guard byte != 0x5D else { return nil }
            hasRows = true
            return offer(index)
        case .separator:
            if byte == 0x7D { return close(&index) }
            guard byte == 0x2C else { return fail() }
            place = .key
            index &+= 1
        case .longKey, .literal, .string, .nested, .over, .broken:
            return fail()
        }
        return nil
    }

    private mutating func fail() -> PageStep {
        place = .broken
        return .malformed
    }

    /// Ends the page, or `stats`.
    private mutating func close(_ index: inout Int) -> PageStep? {
        index &+= 1
        if isInStats {
            isInStats = false
            place = .separator
            return nil
        }
        place = .over
        return .whole(end: index)
    }

    private mutating func offer(_ index: Int) -> PageStep? {
        guard isCanonical, hasInfo, hasNext, !wasOffered else { return nil }
        wasOffered = true
        return .streams(safe: index)
    }

    private mutating func takeKey(_ bytes: Span<UInt8>, _ index: inout Int) -> PageStep? {
        if isInStats {
            if index &+ 9 <= bytes.count, equals(bytes, index..<index &+ 9, "\"state\":\"") {
                member = .state
                place = .value
                index &+= 8
                return takeWord(bytes, &index)
            }
        } else if let usual = usualMember(bytes, at: index) {
            meet(usual.member)
            place = .value
            index = usual.value
            guard index < bytes.count, bytes[index] > 0x20 else { return nil }
            if bytes[index] == 0x22, member.isWord { return takeWord(bytes, &index) }
            return takeValue(bytes[index], bytes, &index)
        }
        let (end, isEscaped) = closingQuote(bytes, from: index &+ 1)
        if end < 0 {
            guard bytes.count &- index > Self.maximumWord else { return .more(safe: index) }
            isCanonical = false
            member = .other
            place = .longKey
            crossing = .string
            index &+= 1
            return nil
        }
        let key = index &+ 1..<end
        if isInStats {
            member = equals(bytes, key, "state") ? .state : .other
        } else {
            meet(pageMember(bytes, key, isEscaped: isEscaped))
        }
        index = end &+ 1
        passColon(bytes, &index)
        return nil
    }

    /// Goes on to a member of the outermost object.
    private mutating func meet(_ next: PageMember) {
        member = next
        if member == .other || Int(member.rawValue) <= rank { isCanonical = false }
        rank = Int(member.rawValue)
    }

    /// Goes on behind a key: mostly the colon follows at once.
    private mutating func passColon(_ bytes: Span<UInt8>, _ index: inout Int) {
        place = .colon
        if index < bytes.count, bytes[index] == 0x3A {
            place = .value
            index &+= 1
        }
    }

    /// Goes on behind a value: mostly the comma follows at once.
    private mutating func passComma(_ bytes: Span<UInt8>, _ index: inout Int) {
        place = .separator
        if index < bytes.count, bytes[index] == 0x2C {
            place = .key
            index &+= 1
        }
    }

    private mutating func takeValue(_ byte: UInt8, _ bytes: Span<UInt8>, _ index: inout Int) -> PageStep? {
        switch byte {
        case 0x22:
            if member.isWord { return takeWord(bytes, &index) }
            note()
            place = .string
            crossing = .string
            index &+= 1
        case 0x7B, 0x5B:
            note()
            if byte == 0x7B, member == .stats, !isInStats {
                isInStats = true
                place = .firstKey
                index &+= 1
                return nil
            }
            crossing = .container
            place = .nested
            if member == .error, byte == 0x7B { errorJSON = [byte] }
            index &+= 1
            if member == .columns { return takeColumns(bytes, &index) }
            if member == .rows {
                if byte == 0x5B {
                    place = .firstRow
                } else {
                    hasRows = true
                    return offer(index)
                }
            }
        case 0x6E:
            place = .literal
        default:
            guard isLiteral(byte) else { return fail() }
            note()
            place = .literal
        }
        return nil
    }

    /// Crosses the columns as far as they have come.
    private mutating func takeColumns(_ bytes: Span<UInt8>, _ index: inout Int) -> PageStep? {
        let start = index
        if let end = columns.recall(bytes, start) {
            index = end
        } else {
            index = cross(bytes, start)
            guard place != .nested else { return nil }
            columns.remember(bytes, start..<index)
        }
        passComma(bytes, &index)
        return nil
    }

    /// Notes that the member is there; rows and words are noted where they are read.
    private mutating func note() {
        switch member {
        case .columns:
            hasColumns = true
            columns.begin()
        case .error: hasError = true
        case .updateType: hasUpdateType = true
        case .id, .infoURI, .partialCancelURI, .nextURI, .rows, .stats, .warnings, .updateCount, .state, .other: break
        }
    }

    /// Takes a string that is needed whole: a URI, the id or the state.
    private mutating func takeWord(_ bytes: Span<UInt8>, _ index: inout Int) -> PageStep? {
        let isWord = member == .id || member == .state
        let (end, isEscaped) = closingQuote(bytes, from: index &+ 1)
        if end < 0 {
            let limit = isWord ? Self.maximumWord : Self.maximumURI
            guard bytes.count &- index > limit else { return .more(safe: index) }
            guard isWord else { return fail() }
            place = .string
            crossing = .string
            index &+= 1
            return nil
        }
        let value = index &+ 1..<end
        index = end &+ 1
        passComma(bytes, &index)
        let kind: PageURIKind
        switch member {
        case .id:
            id.keep(bytes, value)
            opening.isKnown = false
            return nil
        case .state:
            state = pageState(bytes, value)
            // The rest of `stats` holds nothing that is read.
            isInStats = false
            member = .stats
            crossing = .container
            place = .nested
            return nil
        case .infoURI:
            hasInfo = true
            kind = .info
        case .partialCancelURI:
            kind = .partialCancel
        case .nextURI:
            hasNext = true
            kind = .next
        case .columns, .rows, .stats, .error, .warnings, .updateType, .updateCount, .other:
            return nil
        }
        uris.append(PageURI(kind: kind, value: value, path: pathOfURI(bytes, value), isEscaped: isEscaped))
        if kind == .info { opening.note(bytes, upTo: index, uris, id.count, isUsual: isCanonical && place == .key) }
        return nil
    }

    /// Crosses a string or a container from within; where it ends, or the end of `bytes`.
    private mutating func cross(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        let end = crossing.cross(bytes, from: start)
        if place == .nested {
            if member == .error { capture(bytes, start..<end) }
            if member == .columns { columns.absorb(bytes, start..<end, isLast: crossing.isOver) }
        }
        if crossing.isOver { place = place == .longKey ? .colon : .separator }
        return end
    }

    private mutating func capture(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let room = Self.maximumError - errorJSON.count
        guard room > 0 else { return }
        for offset in range.prefix(room) { errorJSON.append(bytes[offset]) }
    }
}

/// What `true`, `false`, `null` and numbers are made of.
@inline(__always)
private func isLiteral(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
}
