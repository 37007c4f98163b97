/// The two contexts of a statement's URIs.
enum URIContext: String {
    case queued, executing
}

/// The slugs of one statement: `y` and 40 hexadecimal digits, another for each context and token, so that a URI says
/// nothing about the next one. Nothing of value hangs on them here, so they are mixed and not signed.
struct Slugs {
    private let key: [UInt64]

    init(using generator: inout some RandomNumberGenerator) {
        key = (0..<3).map { _ in generator.next() }
    }

    /// The slug of a token.
    func slug(_ context: URIContext, _ token: Int) -> String {
        let seed = UInt64(truncatingIfNeeded: token) << 1 | (context == .executing ? 1 : 0)
        let words = key.enumerated().map { offset, word in
            mix(word ^ mix(seed &+ UInt64(offset) &* 0x9E37_79B9_7F4A_7C15))
        }
        let digits = words.map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "y" + digits.joined().prefix(40)
    }

    private func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
