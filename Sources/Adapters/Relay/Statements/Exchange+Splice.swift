import Bytes
import Engine
import Wire

/// Replaces the URIs of a page: the client's authority, and a tag (design 4.3).
extension Exchange {
    /// How much longer the page becomes when its URIs are replaced.
    func growth(_ body: Span<UInt8>) -> Int {
        var growth = 0
        for uri in scanner.uris {
            growth += base.count + uri.path.count - uri.value.count
            if needsSlash(body, uri) { growth += 1 }
            if uri.kind != .info { growth += 5 + Tag.length }
        }
        return growth
    }

    private func needsSlash(_ body: Span<UInt8>, _ uri: PageURI) -> Bool {
        uri.path.isEmpty || body[uri.path.lowerBound] != UInt8(ascii: "/")
    }

    /// Puts the body up to the end of its last URI into the output, with the URIs replaced; answers where the rest
    /// begins.
    func splice(_ body: Span<UInt8>, sequence: UInt32) -> Int {
        let made = makeTag(sequence: sequence)
        var at = 0
        for index in scanner.uris.indices {
            let uri = scanner.uris[index]
            out.put(body, at..<uri.value.lowerBound)
            base.lend { out.put($0, 0..<$0.count) }
            let start = out.count
            if needsSlash(body, uri) { out.put("/") }
            switch uri.kind {
            case .info:
                // Without a tag the path goes over with what follows it.
                at = uri.path.lowerBound
                continue
            case .partialCancel, .next:
                out.put(body, uri.path)
                put(made, behind: uri, body)
                at = uri.value.upperBound
            }
            if uri.kind == .next {
                // What is written with escapes is asked for without.
                if !uri.isEscaped { noteHanded(made, from: start) }
                if remembersNext { remember(body, uri) }
            }
        }
        return at
    }

    /// Notes the nextUri at the end of the output, unless it is a long one.
    private func noteHanded(_ tag: Tag, from start: Int) {
        guard out.count - start <= Self.maximumHanded else { return }
        out.copy(from: start, into: &handed.text)
        handed.tag = tag
        handed.key = relay.hub.keys.newest
    }

    /// Bytes of a nextUri that a connection keeps: those of Trino have some 160.
    private static let maximumHanded = 256

    /// Remembers the nextUri of a page that does not leave, because its client is gone.
    func rememberNext(_ body: Span<UInt8>) {
        guard remembersNext, let uri = scanner.uris.first(where: { $0.kind == .next }) else { return }
        remember(body, uri)
    }

    /// Remembers the nextUri that is handed out: polls of what is superseded are answered with it.
    private func remember(_ body: Span<UInt8>, _ uri: PageURI) {
        var path = unescaped(body, uri.path) ?? []
        if path.first != UInt8(ascii: "/") { path.insert(UInt8(ascii: "/"), at: 0) }
        cell?.handedOut(path)
    }

    /// Puts a tag behind a URI: what is verified later is the path as the client sends it.
    private func put(_ tag: Tag, behind uri: PageURI, _ body: Span<UInt8>) {
        var tag = tag
        // Partial cancels carry sequence 0, so that a tag tells by itself what its URI is.
        if uri.kind == .partialCancel { tag.sequence = 0 }
        let key = relay.hub.keys.newest
        if uri.isEscaped || needsSlash(body, uri) {
            var decoded = unescaped(body, uri.path) ?? []
            if decoded.first != UInt8(ascii: "/") { decoded.insert(UInt8(ascii: "/"), at: 0) }
            let question = firstIndex(
                of: UInt8(ascii: "?"), in: body, from: uri.path.lowerBound, to: uri.path.upperBound)
            return put(tag.text(key: key, path: decoded.span), hasQuery: question >= 0)
        }
        let (text, hasQuery) =
            uri.kind == .next
            ? nextTags.text(of: tag, key: key, bytes: body, path: uri.path)
            : cancelTags.text(of: tag, key: key, bytes: body, path: uri.path)
        put(text, hasQuery: hasQuery)
    }

    private func put(_ text: TagText, hasQuery: Bool) {
        if hasQuery { out.put("&via=") } else { out.put("?via=") }
        out.put(text)
    }

    func makeTag(sequence: UInt32) -> Tag {
        if purpose == .poll, !isSubmitting, let tag {
            // The page is of the attempt that was polled.
            return Tag(
                registration: tag.registration, owner: tag.owner, statement: tag.statement, attempt: tag.attempt,
                sequence: sequence, minute: relay.wall.minute)
        }
        let key = cell?.key
        return Tag(
            registration: target?.coordinator.registration ?? tag?.registration ?? 0,
            owner: key?.owner ?? tag?.owner ?? relay.hub.owner, statement: key?.number ?? tag?.statement ?? 0,
            attempt: attempt, sequence: sequence, minute: relay.wall.minute)
    }
}
