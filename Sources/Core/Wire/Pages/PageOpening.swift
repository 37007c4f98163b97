import Bytes

/// What a page begins with, `id` and `infoUri`: the same for all pages of a statement, which mostly come one after the
/// other. It is remembered, so that it need not be read again.
struct PageOpening: Sendable {
    private var text: [UInt8] = []
    /// The infoUri in it.
    private(set) var info = PageURI(kind: .info, value: 0..<0, path: 0..<0, isEscaped: false)
    /// Characters of the id in it.
    private(set) var idCount = 0
    /// The bytes that are scanned now begin with the page.
    var isAtHand = false
    /// The id that the scanner has is that of the text.
    var isKnown = false

    /// Longer ones are not remembered.
    private static let maximumText = 256

    /// Its bytes, with the comma behind the infoUri.
    var count: Int { text.count }

    /// Whether `bytes` begin as the page before did.
    func begins(_ bytes: Span<UInt8>) -> Bool {
        isKnown && text.count <= bytes.count && equals(bytes, 0..<text.count, text.span)
    }

    /// The infoUri was read: remembers how the page began, if it did as engines let pages begin.
    mutating func note(_ bytes: Span<UInt8>, upTo end: Int, _ uris: Slots<PageURI>, _ idCount: Int, isUsual: Bool) {
        guard isAtHand, isUsual, end <= Self.maximumText, uris.count == 1, let info = uris.first else { return }
        text.replace(with: bytes.extracting(0..<end))
        self.info = info
        self.idCount = idCount
        isKnown = true
    }
}
