import Wire

/// Bodies of requests: statements, whole before anything is done with them.
extension Front {
    /// Takes what has come of the body; the rest follows. Answers how many bytes of it were used.
    func beginBody(_ bytes: Span<UInt8>, _ outline: RequestOutline) -> Int {
        let start = outline.end
        let length = max(0, outline.contentLength)
        let isChunked = outline.isChunked
        let limits = relay.limits
        guard length <= limits.statementText else {
            refuse(413, "The statement is longer than \(limits.statementText) bytes (limits.statement_text).\n")
            return bytes.count - start
        }
        let have = bytes.count - start
        if !isChunked, have >= length {
            exchange.take(Array(bytes.extracting(0..<start + length)), headEnd: start)
            state = .exchange
            dispatch(bytes)
            return length
        }
        head = relay.takeRequestHead()
        request = []
        request.append(contentsOf: bytes.extracting(0..<start))
        headEnd = start
        bodyLeft = length
        chunks = isChunked ? ChunkedBody() : nil
        state = .body
        deadline = relay.now + limits.bodyProgress
        if !isChunked, !reserveBody(length) {
            state = .bodyWaits
            stream.pauseReading()
            isPaused = true
            return 0
        }
        if outline.expectsContinue, have == 0 { writeText("HTTP/1.1 100 Continue\r\n\r\n") }
        if have > 0 { takeBody(bytes.extracting(start..<bytes.count)) }
        return have
    }

    func reserveBody(_ count: Int) -> Bool {
        guard relay.hub.bodyBytes.take(count, limit: relay.limits.bodies) else { return false }
        bodyBudget += count
        return true
    }

    func takeBody(_ bytes: Span<UInt8>) {
        guard var chunks else {
            // As much as it will take, for a capsule keeps it.
            if request.count == headEnd { request.reserveCapacity(headEnd + bodyLeft) }
            let count = min(bodyLeft, bytes.count)
            request.append(contentsOf: bytes.extracting(0..<count))
            bodyLeft -= count
            if count < bytes.count { kept.append(contentsOf: bytes.extracting(count..<bytes.count)) }
            if bodyLeft == 0 { bodyIsWhole() }
            return
        }
        var at = 0
        while state == .body {
            switch chunks.next(bytes, from: at) {
            case .bad: return refuse(400, "The chunked body is malformed.\n")
            case .more:
                self.chunks = chunks
                return
            case .end(let end):
                if end < bytes.count { kept.append(contentsOf: bytes.extracting(end..<bytes.count)) }
                return bodyIsWhole()
            case .data(let range):
                guard request.count - headEnd + range.count <= relay.limits.statementText else {
                    return refuse(413, "The statement is longer than the limit (limits.statement_text).\n")
                }
                guard reserveBody(range.count) else {
                    return refuse(503, "The gateway has no room for more bodies now (limits.bodies). Try again.\n")
                }
                request.append(contentsOf: bytes.extracting(range))
                at = range.upperBound
            }
        }
    }

    func bodyIsWhole() {
        guard let kept = head.take() else { return }
        relay.requestHead = kept
        let bytes = request
        request = []
        exchange.take(bytes, headEnd: headEnd)
        exchange.bodyBudget = bodyBudget
        chunks = nil
        bodyBudget = 0
        deadline = .max
        state = .exchange
        relay.refresh()
        dispatch(bytes.span)
        processMore()
    }
}
