import Engine
import Model
import Wire

/// Pages: kept until they are whole or large, asked about, spliced, sent (design 3, 'Pages are spliced').
extension Exchange {
    func takePage(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        guard head.contentEncodingIsIdentity else {
            dropUpstream()
            return handle(.notProtocol)
        }
        scanner.reset()
        scanned = 0
        answerLength = head.contentLength
        answerChunked = head.isChunked
        if isWhole {
            if body.isEmpty { return handle(.empty) }
            putAnswerHead(head, bytes)
            return leaveWhole(bytes.extracting(body), isHeadReady: true)
        }
        phase = .assembling
        // A page that drips has as long as an answer has; servers that run statements in the POST have all the time.
        if target?.startsOnPost == true { answerBy = now + relay.limits.readerProgress }
        buildAnswerHead(head, bytes)
        if leaveInChunks(bytes, body) { return }
        if body.count > relay.limits.pageStart {
            let start = bytes.extracting(body)
            if !startLeaving(start) { page.append(contentsOf: start) }
        } else if !keepPage(bytes, body) {
            startLeavingKept()
        }
    }

    /// The page that was assembled is whole.
    func takeWholePage() {
        let whole = takePageAway()
        if whole.isEmpty { return handle(.empty) }
        leaveWhole(whole.span, isHeadReady: false)
        out.giveBack(pageRoom: consume whole)
    }

    /// Scans a whole page, asks the statement's cell, splices and sends it in one write.
    private func leaveWhole(_ body: Span<UInt8>, isHeadReady: Bool) {
        switch scanner.scan(body, from: scanned, keepsURIs: true) {
        case .whole: break
        case .streams(let safe):
            guard !isFramed else { break }
            var rest = scanner
            guard case .whole = rest.scan(body, from: safe) else {
                dropUpstream()
                return handle(.cut)
            }
        case .more:
            dropUpstream()
            return handle(.cut)
        case .malformed:
            dropUpstream()
            return handle(.notProtocol)
        }
        // JSON that is no page ends no statement: somebody before the coordinator may have said it.
        guard !scanner.isBlank else {
            dropUpstream()
            return handle(.notProtocol)
        }
        if scanner.hasError, !scanner.hasNext, cell != nil {
            // The output is used by what may be answered instead.
            if isHeadReady { out.copy(into: &answerHead) }
            guard judgePage(body) else { return }
            out.clear()
            out.put(answerHead)
        } else if !isHeadReady {
            out.clear()
            out.put(answerHead)
        }
        guard let sequence = ask(isLast: !scanner.hasNext, isWhole: true) else { return }
        noteTransaction()
        if isSubmitting, remembersNext, !scanner.hasNext {
            // No URI leads to it, and a client that missed it asks for its wait page again.
            if isHeadReady { out.copy(into: &answerHead) }
            keepPage(body, nil)
            out.clear()
            out.put(answerHead)
        }
        out.put("Content-Length: ")
        out.put(decimal: body.count + growth(body))
        out.put("\r\n\r\n")
        let at = splice(body, sequence: sequence)
        if let started = startedTransaction, let target {
            out.put(body, at..<body.count)
            return hold(transaction: started, at: target)
        }
        hasLeft = true
        write(body, at..<body.count)
        end()
    }

    /// Whether the answer says by itself where it ends.
    var isFramed: Bool { answerLength >= 0 || answerChunked }

    // MARK: Asking

    /// Asks the statement's cell whether the page may leave, and reports what it told. Nil: something else was
    /// answered.
    /// - Parameters:
    ///   - leavesUnread: it leaves before all of it was scanned.
    ///   - isWhole: with it the exchange ends.
    func ask(isLast: Bool, leavesUnread: Bool = false, isWhole: Bool = false) -> UInt32? {
        let name = isSubmitting && !(scanner.hasError && isLast) ? noteSubmitted(isLast: isLast) : nil
        // But for a page that waits for the store.
        let endsExchange = isWhole && isCounted && startedTransaction == nil
        let facts = facts(isLast: isLast, leavesUnread: leavesUnread)
        let (attempt, now) = (attempt, now)
        let asked = cell.lend {
            $0.page(attempt: attempt, facts: facts, name: name, endsExchange: endsExchange, now: now)
        }
        guard let result = asked else { return (tag?.sequence ?? 0) &+ 1 }
        switch result.step {
        case .relay(let sequence):
            if endsExchange { isCounted = false }
            if result.isUnnamed || result.becameRunning || result.ended { noteChange(result) }
            if let rule = result.retriedBy { relay.hub.retries.onResult(rule, succeeded: true, now: now) }
            remembersNext = result.hasPast
            return sequence
        case .superseded:
            cancelOnTheSide()
            answerCurrent()
        case .own(let error):
            dropUpstream()
            answerOwn(error)
        case .kept:
            dropUpstream()
            answerKept()
        case .columnsDiffer(let verdict, let error):
            guard let cell else { return nil }
            report(cell, .judged(verdict, coordinator: target?.coordinator.name ?? ""))
            cancelOnTheSide()
            if let error { endHere(error, cell) } else { act(.surfaceKept(verdict)) }
        }
        return nil
    }

    /// Reports what a page that leaves has shown.
    private func noteChange(_ result: Cell.PageResult) {
        guard let cell else { return }
        if result.isUnnamed { noteAdopted(cell) }
        if result.becameRunning { report(cell, .running) }
        if result.becameRunning || result.ended { noteLeftQueue() }
        if result.ended { reportEnd(cell) }
    }

    private func facts(isLast: Bool, leavesUnread: Bool = false) -> PageFacts {
        let isQueued: Bool
        switch scanner.state {
        case .absent, .queued, .waitingForPrerequisites, .waitingForResources, .dispatching, .planning, .starting,
            .other:
            isQueued = true
        case .running, .finishing, .finished, .failed: isQueued = false
        }
        return PageFacts(
            hasNext: !isLast, runs: scanner.hasColumns || scanner.hasRows || !isQueued, writes: writes,
            failed: scanner.hasError, hasRows: scanner.hasRows || leavesUnread,
            columns: scanner.hasColumns && !scanner.isWithinColumns ? scanner.columnsHash : nil,
            changesSession: changesSession)
    }

    /// Judges the error that a last page carries. True: the page is to leave as it is.
    private func judgePage(_ body: Span<UInt8>) -> Bool {
        guard let cell else { return true }
        if isSubmitting, let name = noteSubmitted(isLast: true) { cell.named(name) }
        let error = readError(scanner.errorJSON)
        let step = judge(failure(error), answer: .page)
        switch step {
        case .passOn: return true
        case .surface(let verdict):
            endByFailure(cell, verdict)
            return true
        case .retry(_, let keeps):
            if keeps { keepPage(body, error) }
        case .askAgain, .gone, .surfaceKept, .end, .superseded, .own, .kept: break
        }
        act(step)
        return false
    }

    /// The failure that a page's error is; one that cannot be read has no name and no text.
    private func failure(_ error: QueryError?) -> Failure {
        Failure(
            step: isSubmitting ? .submit : .poll,
            error: error ?? QueryError(name: nil, type: nil, code: nil, message: ""))
    }

    /// Keeps the page with the error, with the client's URIs.
    private func keepPage(_ body: Span<UInt8>, _ error: QueryError?) {
        out.clear()
        let at = splice(body, sequence: 0)
        out.put(body, at..<body.count)
        var kept: [UInt8] = []
        out.copy(into: &kept)
        out.clear()
        keepAnswer(answerHead, kept, error: error)
    }

    /// A coordinator that takes one statement at a time, to see whether it has workers, has shown that it has.
    private func noteLeftQueue() {
        guard let target, target.coordinator.capacity != nil, !scanner.hasError else { return }
        relay.hub.sink.accept(.leftQueue(registration: target.coordinator.registration))
    }

    /// The first page of an adopted statement tells the engine's id, which its tag did not. The gateway that took the
    /// POST may have died before it wrote that down.
    private func noteAdopted(_ cell: Cell) {
        let queryID = pageID
        guard !queryID.isEmpty else { return }
        cell.named(Cell.Name(queryID))
        report(cell, .answered(number: Int(attempt), queryID: queryID))
        relay.hub.shownIDs.add(queryID.utf8.span, of: cell)
    }

    /// The engine's id of the statement, as the page tells it; empty before that was met.
    var pageID: String { scanner.lendID { text($0, 0..<$0.count) } }

    /// The page that has left was the last. A cancel that came meanwhile stands: it cannot be called back.
    func noteLastPage() {
        guard let cell else { return }
        // The page may have begun to leave before its id had come.
        if isSubmitting, cell.placement.queryID.isEmpty, let name = noteSubmitted(isLast: true) { cell.named(name) }
        if scanner.hasError {
            let step = judge(failure(readError(scanner.errorJSON)), answer: .page)
            if case .surface(let verdict) = step { endByFailure(cell, verdict) }
        } else {
            let result = cell.page(attempt: attempt, facts: facts(isLast: true), now: now)
            if result.ended { reportEnd(cell) }
            if let rule = result.retriedBy { relay.hub.retries.onResult(rule, succeeded: true, now: now) }
        }
    }

    /// An updateType that is not a session statement's: Trino gives one to those too, and the text told already.
    private var writes: Bool {
        guard scanner.hasUpdateType, let cell, cell.reads else { return false }
        return cell.submission?.kind != .session
    }

    private func reportEnd(_ cell: Cell) {
        relay.finished(cell)
        report(cell, .ended(.finished, failure: nil, message: nil))
    }
}
