extension Failure {
    /// The message for records, at most 2,000 characters; nil where there is none.
    ///
    /// Servers put the URI that was asked for into their error pages, and whoever knows its slug can read the statement:
    /// of such a URI the message keeps only that it was one.
    public var shownMessage: String? { message.isEmpty ? nil : Self.withoutSlugs(String(message.prefix(2000))) }

    /// The text with what follows `/v1/statement/` in each URI left out.
    static func withoutSlugs(_ text: String) -> String {
        let known = Array("/v1/statement/".utf8)
        let bytes = Array(text.utf8)
        var shown: [UInt8] = []
        var at = 0
        while at < bytes.count {
            guard bytes[at] == known[0], bytes[at...].starts(with: known) else {
                shown.append(bytes[at])
                at += 1
                continue
            }
            shown += known
            shown += "...".utf8
            at += known.count
            while at < bytes.count, isPartOfURI(bytes[at]) { at += 1 }
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// What ends a URI in a text, a tag of HTML or a string of JSON.
    private static func isPartOfURI(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: ")"), UInt8(ascii: "\\"):
            false
        case _: true
        }
    }
}
