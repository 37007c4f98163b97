@testable import Wire

/// A page as it leaves a relay that puts marks around each URI, and what the scanner said of it.
struct SplicedPage {
    var scanner = PageScanner()
    /// What has left.
    var output: [UInt8] = []
    /// The URIs found, decoded, in their order.
    var uris: [PageURIKind: String] = [:]
    /// Their paths, where they need no decoding.
    var paths: [PageURIKind: String] = [:]
    /// How the scan ended; nil when the page did not end.
    var end: PageStep?
    /// The step that offered to stream was taken.
    var streamed = false

    static let open: UInt8 = 0x01
    static let close: UInt8 = 0x02

    /// What has left without the marks: the page's own bytes.
    var withoutMarks: [UInt8] { output.filter { $0 != Self.open && $0 != Self.close } }

    /// Relays `page`, which comes in the pieces between `cuts`.
    ///
    /// - Parameters:
    ///   - lead: Bytes that stand before what is given to the scanner, as a head does in a read buffer.
    ///   - takesOffers: Let the rest pass unscanned once the scanner says that it may.
    init(_ page: [UInt8], cuts: [Int], lead: Int = 0, takesOffers: Bool = false) {
        var kept: [UInt8] = []
        var start = 0
        for cut in cuts + [page.count] {
            let buffer = [UInt8](repeating: 0x22, count: lead) + kept + Array(page[start..<cut])
            start = cut
            if streamed {
                output += buffer[lead...]
                continue
            }
            var from = lead
            var step = scanner.scan(buffer.span, from: from)
            if case .streams(let safe) = step {
                relay(buffer, from..<safe)
                from = safe
                if takesOffers {
                    streamed = true
                    output += buffer[safe...]
                    continue
                }
                step = scanner.scan(buffer.span, from: from)
            }
            switch step {
            case .more(let safe):
                relay(buffer, from..<safe)
                kept = Array(buffer[safe...])
            case .whole(let safe):
                relay(buffer, from..<safe)
                output += buffer[safe...]
                kept = []
                end = end ?? step
            case .streams, .malformed:
                end = step
                return
            }
        }
        output += kept
    }

    private mutating func relay(_ buffer: [UInt8], _ range: Range<Int>) {
        var at = range.lowerBound
        for uri in scanner.uris {
            output += buffer[at..<uri.value.lowerBound] + [Self.open] + buffer[uri.value] + [Self.close]
            at = uri.value.upperBound
            let text = unescaped(buffer.span, uri.value) ?? []
            uris[uri.kind] = String(decoding: text, as: UTF8.self)
            if !uri.isEscaped { paths[uri.kind] = String(decoding: buffer[uri.path], as: UTF8.self) }
        }
        output += buffer[at..<range.upperBound]
    }
}

extension Decoded {
    /// The URIs that a page carries.
    var pageURIs: [PageURIKind: String] {
        var uris: [PageURIKind: String] = [:]
        uris[.info] = self["infoUri"]?.text
        uris[.partialCancel] = self["partialCancelUri"]?.text
        uris[.next] = self["nextUri"]?.text
        return uris
    }
}
