import Wire

/// Heads of requests: taken off the bytes one by one, kept while they are not whole.
extension Front {
    /// Bytes of a head before it counts under `limits.heads`.
    private static let freeHead = 16 << 10

    func processKept() {
        let bytes = kept
        kept = []
        let used = process(bytes.span)
        guard state != .closing else { return }
        if used == 0, kept.isEmpty {
            // The head is not whole: the bytes stay where they are, for it may come in very many pieces.
            kept = bytes
            reserveHead()
        } else if used < bytes.count {
            keep(bytes.span.extracting(used..<bytes.count))
        }
        processMore()
    }

    /// Takes requests off the bytes for as long as each is answered at once. Answers how many bytes it took.
    func process(_ bytes: Span<UInt8>) -> Int {
        isProcessing = true
        var at = 0
        while state == .head, at < bytes.count {
            let used = takeRequest(bytes.extracting(at..<bytes.count))
            if used == 0 { break }
            at += used
        }
        isProcessing = false
        return at
    }

    func keep(_ bytes: Span<UInt8>) {
        var rest: [UInt8] = []
        rest.append(contentsOf: bytes)
        rest.append(contentsOf: kept)
        kept = rest
        reserveHead()
    }

    private func reserveHead() {
        if state == .head, headWaits { _ = reserveHead(kept.count) }
    }

    /// A head over 16 KiB counts under `limits.heads` until its request is answered. Without room it is refused.
    private func reserveHead(_ count: Int) -> Bool {
        let wanted = max(0, count - Self.freeHead)
        guard wanted > headBudget else { return true }
        guard relay.hub.headBytes.take(wanted - headBudget, limit: relay.limits.heads) else {
            refuse(431, "The gateway has no room for more large headers now (limits.heads). Try again later.\n")
            return false
        }
        headBudget = wanted
        return true
    }

    /// Handles the request that begins here. Answers how many bytes it took; 0 if its head is not whole, or if it was
    /// refused.
    private func takeRequest(_ bytes: Span<UInt8>) -> Int {
        if headWaits, let kept = head.take() { relay.requestHead = kept } else { relay.requestHead.reset() }
        switch relay.requestHead.parse(bytes) {
        case .more:
            head = relay.takeRequestHead()
            if !headWaits {
                headWaits = true
                deadline = relay.now + relay.limits.headTime
            }
            return 0
        case .bad(let violation):
            refuse(violation.status, violation.reason + "\n")
            return 0
        case .whole: break
        }
        headWaits = false
        let outline = relay.lendRequestHead { $0.outline }
        let end = outline.end
        guard reserveHead(end) else { return 0 }
        deadline = .max
        relay.refresh()
        isLastAnswer = !outline.keepsAlive || outline.version == .http10 || (sawEnd && end == bytes.count)
        // A statement may be empty; it is kept as any other.
        let hasBody = outline.isChunked || outline.contentLength > 0
        if hasBody || outline.method == .post { return end + beginBody(bytes, outline) }
        state = .exchange
        dispatch(bytes)
        return end
    }

    func releaseHead() {
        guard headBudget > 0 else { return }
        relay.hub.headBytes.giveBack(headBudget)
        headBudget = 0
    }
}
