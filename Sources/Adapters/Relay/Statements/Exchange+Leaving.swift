import Wire

/// Pages that leave before they are whole, or as they came: what is large is not kept (design 3, 'Pages are spliced').
extension Exchange {
    /// Begins to send a chunked page of which enough is in this read, or all, if all of its URIs are in its first chunk:
    /// so none of it is copied.
    func leaveInChunks(_ bytes: Span<UInt8>, _ body: Range<Int>) -> Bool {
        // A page that waits for the store is assembled, if it can be; HTTP/1.0 knows no chunks.
        guard answerChunked, startedTransaction == nil, !isHTTP10 else { return false }
        // Where its framing breaks nothing of the page may have left: a POST's client that got nothing sends it again.
        guard let ahead = upstream?.chunksAhead(in: bytes, from: body.upperBound) else { return false }
        guard ahead.hasEnd || body.count + ahead.count > relay.limits.pageStart else { return false }
        let start = bytes.extracting(body)
        let step = scanner.scan(start, from: 0, keepsURIs: true)
        guard case .streams = step else {
            scanner.reset()
            return false
        }
        leave(start, step, isFollowed: body.upperBound < bytes.count)
        return true
    }

    /// Begins to send a page that is too large to be kept, unless it may be the last.
    func startLeavingKept() {
        let whole = takePageAway()
        if startLeaving(whole.span) { out.giveBack(pageRoom: consume whole) } else { page = whole }
    }

    /// Begins to send a page, unless it is kept back: then the answer is false. Only what came since the last call is
    /// scanned.
    func startLeaving(_ body: Span<UInt8>) -> Bool {
        let step = scanner.scan(body, from: scanned, keepsURIs: true)
        if keepsBack(body.count, step) { return false }
        leave(body, step)
        return true
    }

    /// Whether a page of which so much has come waits on: no nextUri was seen, so it may be the last, with an error at
    /// its end (design 3). Not for long, for the client waits too, and only while no row has left and there is room.
    private func keepsBack(_ count: Int, _ step: PageStep) -> Bool {
        let safe: Int
        switch step {
        case .more(let end), .whole(let end): safe = end
        case .streams, .malformed: return false
        }
        let limits = relay.limits
        guard !scanner.hasNext, count <= limits.lastPage, cell?.rowsLeft != true else { return false }
        if scanned == 0 { keepBackBy = now + limits.pollAnswer }
        guard now < keepBackBy, relay.hub.keptBytes.take(count - pageBudget, limit: limits.pagesKeptBack) else {
            return false
        }
        pageBudget = count
        scanned = safe
        answerBy = now + (target?.startsOnPost == true ? limits.readerProgress : limits.pollAnswer)
        return true
    }

    /// - Parameter isFollowed: behind the body lies more of the answer, which is handed over next.
    private func leave(_ body: Span<UInt8>, _ step: PageStep, isFollowed: Bool = false) {
        scanned = 0
        let safe: Int
        var streams = false
        switch step {
        case .malformed:
            dropUpstream()
            return handle(.notProtocol)
        case .streams(let end):
            safe = end
            // Without framing only the page's own end tells that it is not cut, so it is scanned to its end.
            streams = isFramed
        case .more(let end): safe = end
        case .whole: safe = body.count
        }
        // Whether this is the last page may not be known yet; its end is told when it has come.
        guard let sequence = ask(isLast: false, leavesUnread: true) else { return }
        self.sequence = sequence
        noteTransaction()
        // A page that cannot be kept back cannot wait for the store either.
        if let started = startedTransaction, let target { pin(started, at: target, stored: nil) }
        guard front != nil else {
            rememberNext(body)
            return upstream == nil ? end() : drop()
        }
        out.clear()
        out.put(answerHead)
        answerBy = now + relay.limits.readerProgress
        hasLeft = true
        if streams {
            let length = answerLength >= 0 ? answerLength + growth(body) : -1
            beginBody(contentLength: length, isChunked: answerChunked)
            phase = .streaming
            sendSpliced(body, upTo: body.count, isFollowed: isFollowed)
        } else {
            beginBody(contentLength: -1, isChunked: false)
            phase = .walking
            sendSpliced(body, upTo: safe)
            page.append(contentsOf: body.extracting(safe..<body.count))
        }
        giveBackBudget()
        settle()
    }

    /// Sends the head and the beginning of the body with its URIs replaced.
    private func sendSpliced(_ body: Span<UInt8>, upTo end: Int, isFollowed: Bool = false) {
        let spliced = end + growth(body)
        switch framing {
        case .length, .close: break
        case .chunks:
            if spliced > 0 {
                if owesLineEnd { out.put("\r\n") }
                out.put(chunkSize: spliced)
                owesLineEnd = true
            }
        // What the coordinator's chunk has left belongs to the same one here.
        case .rawChunks: out.put(chunkSize: spliced + (upstream?.passRawChunks() ?? 0))
        }
        let at = splice(body, sequence: sequence)
        if isFollowed, framing == .rawChunks {
            unsent = end - at
        } else {
            write(body, at..<end)
        }
    }

    /// Scans on through a page that leaves.
    func walk(isLast: Bool) {
        let body = takePageAway()
        answerBy = now + relay.limits.readerProgress
        let step = scanner.scan(body.span, from: 0)
        let safe: Int
        var isWhole = false
        switch step {
        case .malformed: return breakOff()
        case .more(let end), .streams(let end): safe = end
        case .whole:
            // What follows the page is white space: Presto ends it with a line feed.
            safe = body.count
            isWhole = true
        }
        if front != nil, safe > 0 {
            out.clear()
            sendSpliced(body.span, upTo: safe)
        }
        if isLast {
            guard isWhole else { return breakOff() }
            if !scanner.hasNext { noteLastPage() }
            if front != nil, framing == .chunks { endChunks() }
            return end()
        }
        if safe < body.count { page.append(contentsOf: body.span.extracting(safe..<body.count)) }
        settle()
    }

    private func giveBackBudget() {
        if pageBudget > 0 {
            relay.hub.keptBytes.giveBack(pageBudget)
            pageBudget = 0
        }
    }
}
