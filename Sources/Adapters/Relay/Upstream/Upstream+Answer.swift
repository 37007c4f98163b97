import Network
import Wire

/// Takes answers apart: head, framing, body.
extension Upstream {
    func take(_ bytes: Span<UInt8>) {
        guard !hasHead else { return takeBody(bytes, from: 0) }
        if headWaits, let kept = head.take() { relay.responseHead = kept } else { relay.responseHead.reset() }
        headWaits = false
        var at = 0
        while at < bytes.count {
            let rest = bytes.extracting(at..<bytes.count)
            switch relay.responseHead.parse(rest) {
            case .more:
                kept = []
                kept.append(contentsOf: rest)
                head = relay.takeResponseHead()
                headWaits = true
                return
            case .bad: return fail(.notProtocol)
            case .whole: break
            }
            let status = relay.responseHead.status
            if status >= 200 {
                hasHead = true
                return relay.lendResponseHead { head in
                    keepsAlive = head.keepsAlive
                    takeFirst(head, rest)
                }
            }
            // 100 and 103 announce the answer; 101 was not asked for.
            guard status != 101 else { return fail(.notProtocol) }
            at += relay.lendResponseHead { $0.end }
            relay.responseHead.reset()
        }
    }

    /// The head is there: hands it over with the first piece of the body.
    private func takeFirst(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) {
        guard client != nil else { return discard() }
        let start = head.end
        if head.hasNoBody(method: method) {
            let client = finish(keep: keepsAlive && start == bytes.count)
            client?.answered(self, head, bytes, body: start..<start, isWhole: true)
            return
        }
        if head.isChunked {
            var body = ChunkedBody()
            switch body.next(bytes, from: start) {
            case .bad: return fail(.notProtocol)
            case .more:
                framing = .chunked(body)
                client?.answered(self, head, bytes, body: start..<start, isWhole: false)
            case .end(let end):
                let client = finish(keep: keepsAlive && end == bytes.count)
                client?.answered(self, head, bytes, body: start..<start, isWhole: true)
            case .data(let range):
                takeFirstChunk(body, range, head, bytes)
            }
        } else if head.contentLength >= 0 {
            let have = bytes.count - start
            if have >= head.contentLength {
                let client = finish(keep: keepsAlive && have == head.contentLength)
                client?.answered(self, head, bytes, body: start..<start + head.contentLength, isWhole: true)
            } else {
                framing = .length(head.contentLength - have)
                client?.answered(self, head, bytes, body: start..<bytes.count, isWhole: false)
            }
        } else {
            framing = .untilClose
            client?.answered(self, head, bytes, body: start..<bytes.count, isWhole: false)
        }
    }

    /// A small page comes as one chunk and its end in one read: it is handed over where it lies.
    private func takeFirstChunk(
        _ first: ChunkedBody, _ range: Range<Int>, _ head: borrowing ResponseHead, _ bytes: Span<UInt8>
    ) {
        var ahead = first
        if case .end(let end) = ahead.next(bytes, from: range.upperBound) {
            let client = finish(keep: keepsAlive && end == bytes.count)
            client?.answered(self, head, bytes, body: range, isWhole: true)
            return
        }
        framing = .chunked(first)
        client?.answered(self, head, bytes, body: range, isWhole: false)
        if client != nil { takeBody(bytes, from: range.upperBound) }
    }

    /// What of a chunked answer lies from there on in the same read: bytes of its body, and whether it ends there. Nil
    /// where its framing is broken.
    func chunksAhead(in bytes: Span<UInt8>, from: Int) -> (count: Int, hasEnd: Bool)? {
        guard case .chunked(var body) = framing else { return nil }
        var at = from
        var count = 0
        while true {
            switch body.next(bytes, from: at) {
            case .data(let range):
                count += range.count
                at = range.upperBound
            case .end: return (count, true)
            case .more: return (count, false)
            case .bad: return nil
            }
        }
    }

    private func takeBody(_ bytes: Span<UInt8>, from: Int) {
        guard client != nil else { return discard() }
        switch framing {
        case .length(let left):
            let have = bytes.count - from
            if have >= left {
                finish(keep: keepsAlive && have == left)?.received(bytes, from..<from + left, isLast: true)
            } else {
                framing = .length(left - have)
                client?.received(bytes, from..<bytes.count, isLast: false)
            }
        case .untilClose:
            client?.received(bytes, from..<bytes.count, isLast: false)
        case .chunked(var body):
            takeChunks(&body, bytes, from: from)
        case .rawChunks(var body):
            takeRawChunks(&body, bytes, from: from)
        }
    }

    private func takeChunks(_ body: inout ChunkedBody, _ bytes: Span<UInt8>, from: Int) {
        var at = from
        while true {
            switch body.next(bytes, from: at) {
            case .bad: return fail(.notProtocol)
            case .more:
                framing = .chunked(body)
                return
            case .end(let end):
                let client = finish(keep: keepsAlive && end == bytes.count)
                client?.received(bytes, end..<end, isLast: true)
                return
            case .data(let range):
                at = range.upperBound
                framing = .chunked(body)
                client?.received(bytes, range, isLast: false)
                guard client != nil else { return }
                if case .rawChunks = framing {
                    return takeRawChunks(&body, bytes, from: at)
                }
            }
        }
    }

    private func takeRawChunks(_ body: inout ChunkedBody, _ bytes: Span<UInt8>, from: Int) {
        var at = from
        while true {
            switch body.next(bytes, from: at) {
            case .bad: return fail(.notProtocol)
            case .data(let range): at = range.upperBound
            case .more:
                framing = .rawChunks(body)
                if from < bytes.count { client?.received(bytes, from..<bytes.count, isLast: false) }
                return
            case .end(let end):
                let client = finish(keep: keepsAlive && end == bytes.count)
                client?.received(bytes, from..<end, isLast: true)
                return
            }
        }
    }
}
