import Engine
import Model
import Wire

extension Exchange {
    /// Assembles the request as the coordinator gets it: the client's fields without those of its own connection,
    /// without what speaks to this gateway, with the coordinator's own authority (design 3, 'Connections').
    ///
    /// - Parameter shift: how far the head's offsets lie behind in `bytes`, where a path was put before it.
    func buildRequest(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path source: Range<Int>, shiftedBy shift: Int = 0,
        target: Target
    ) {
        if self.target !== target { self.target = target }
        out.clear()
        out.put(bytes, head.methodName.lowerBound + shift..<head.methodName.upperBound + shift)
        out.put(" ")
        path = out.count..<out.count + source.count
        out.put(bytes, source)
        out.put(" HTTP/1.1\r\n")
        out.put(target.requestLines)
        putFields(head, bytes, shiftedBy: shift)
        if head.method == .post {
            out.put("Content-Length: ")
            out.put(decimal: sql.count)
            out.put("\r\n")
        }
        if isSubmitting {
            out.put(credentials)
            putSubmissionLines(head)
        }
        out.put("\r\n")
        if !sql.isEmpty, sql.count <= Self.smallBody {
            request.lend { out.put($0, sql) }
        }
        out.copy(into: &requestHead)
    }

    /// Puts the fields that pass upstream; neighbours that pass go over in one piece.
    private func putFields(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, shiftedBy shift: Int) {
        var from = -1
        var to = -1
        // What a later poll brought is newer.
        let hasNewer = isSubmitting && !newerCredentials.isEmpty
        head.forEachField { field in
            guard passesUpstream(field), !hasNewer || !newerCredentials.contains(field.name) else { return }
            if field.start == to {
                to = field.end
            } else {
                if from >= 0 { out.put(bytes, from + shift..<to + shift) }
                from = field.start
                to = field.end
            }
        }
        if from >= 0 { out.put(bytes, from + shift..<to + shift) }
    }

    private func passesUpstream(_ field: Field) -> Bool {
        if field.isHopByHop { return false }
        switch field.name {
        case .host, .connection, .keepAlive, .proxyConnection, .contentLength, .transferEncoding, .te, .trailer,
            .upgrade, .expect, .acceptEncoding, .proxyHop, .forwarded, .penstockPool, .penstockRetries,
            .penstockAttempt, .penstockStatement, .penstockOther, .queryDataEncoding:
            return false
        case .other, .contentEncoding, .contentType, .location, .retryAfter, .date, .server, .authorization,
            .wwwAuthenticate, .cookie, .setCookie, .extraCredential, .user, .source, .clientTags, .catalog, .schema,
            .transactionID, .routingGroup, .preparedStatement, .traceToken, .prestoRetryQuery,
            .startedTransactionID, .clearTransactionID, .sessionChange:
            return true
        }
    }

    /// Assembles the answer's head without its framing.
    func buildAnswerHead(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) {
        putAnswerHead(head, bytes)
        out.copy(into: &answerHead)
    }

    /// Puts the answer's head without its framing into the loop's output.
    func putAnswerHead(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) {
        out.clear()
        // An answer before it, which did not leave, counts for nothing.
        changesSession = false
        startedTransaction = nil
        clearsTransaction = false
        let revision = head.revision
        if revision != 0, revision == relay.passedRevision {
            out.put(relay.passedLines)
        } else {
            putPassingLines(head, bytes)
            if !changesSession, startedTransaction == nil, !clearsTransaction {
                relay.passedRevision = revision
                out.copy(into: &relay.passedLines)
            }
        }
        putOwnLines()
    }

    /// Puts what passes of the coordinator's head, and notes what it says of the client's session.
    private func putPassingLines(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) {
        out.put("HTTP/1.1 ")
        out.put(decimal: head.status)
        out.put(" ")
        out.put(bytes, head.reason)
        out.put("\r\n")
        var from = -1
        var to = -1
        head.forEachField { field in
            if field.name == .sessionChange { changesSession = true }
            if field.name == .startedTransactionID { startedTransaction = text(bytes, field.value) }
            if field.name == .clearTransactionID { clearsTransaction = true }
            guard passesDownstream(field) else { return }
            if field.start == to {
                to = field.end
            } else {
                if from >= 0 { out.put(bytes, from..<to) }
                from = field.start
                to = field.end
            }
        }
        if from >= 0 { out.put(bytes, from..<to) }
    }

    private func passesDownstream(_ field: Field) -> Bool {
        if field.isHopByHop { return false }
        switch field.name {
        case .connection, .keepAlive, .proxyConnection, .contentLength, .transferEncoding, .te, .trailer, .upgrade,
            .proxyHop, .penstockPool, .penstockRetries, .penstockAttempt, .penstockStatement, .penstockOther:
            return false
        case .other, .host, .expect, .acceptEncoding, .forwarded, .queryDataEncoding, .contentEncoding, .contentType,
            .location, .retryAfter, .date, .server, .authorization, .wwwAuthenticate, .cookie, .setCookie,
            .extraCredential, .user, .source, .clientTags, .catalog, .schema, .transactionID, .routingGroup,
            .preparedStatement, .traceToken, .prestoRetryQuery, .startedTransactionID, .clearTransactionID,
            .sessionChange:
            return true
        }
    }

    /// Puts the lines that say which statement, where, and which attempt this is.
    func putOwnLines() {
        if purpose == .poll, let tag { putNames(as: tag) } else { putNames() }
        if front?.closesAfterAnswer == true { out.put("Connection: close\r\n") }
    }

    /// One page of an attempt is answered like the last.
    private func putNames(as tag: Tag) {
        let names = Tag(
            registration: target?.coordinator.registration ?? 0, owner: tag.owner, statement: tag.statement,
            attempt: attempt, sequence: 0, minute: 0)
        if names == ownNames { return ownLines.lend { out.put($0, 0..<$0.count) } }
        let start = out.count
        putNames()
        out.copy(from: start, into: &ownLines)
        ownNames = names
    }

    private func putNames() {
        if let cell {
            putStatementLine(cell.key)
        } else if let tag {
            putStatementLine(StatementKey(owner: tag.owner, number: tag.statement))
        }
        if let target { putPlaceLines(target) }
        if purpose == .submission || tag != nil {
            out.put("X-Penstock-Attempt: ")
            out.put(decimal: Int(attempt))
            out.put("\r\n")
        }
    }

    private func putStatementLine(_ key: StatementKey) {
        out.put("X-Penstock-Statement: ")
        relay.putID(of: key)
        out.put("\r\n")
    }

    private func putPlaceLines(_ target: Target) { out.put(target.responseLines) }

    /// A slice as text.
    func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
