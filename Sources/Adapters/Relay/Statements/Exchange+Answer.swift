import Engine
import Model
import Wire

/// Taking the coordinator's answer: what it is decides whether it is a page, a failure, or something to pass on.
extension Exchange {
    func answered(
        _ upstream: Upstream, _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>, isWhole: Bool
    ) {
        if isWhole { self.upstream = nil }
        connectBy = .max
        switch purpose {
        case .submission, .poll, .wait:
            guard head.status != 200 else { return takePage(head, bytes, body, isWhole) }
            return takeFailure(head, bytes, body, isWhole)
        case .pass: break
        case .cancelByID: return canceledByID(head, bytes, body, isWhole)
        }
        pass(head, bytes, body, isWhole)
    }

    func received(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool) {
        if isLast { upstream = nil }
        switch phase {
        case .assembling:
            let hasRoom = keepPage(bytes, range)
            if isLast { return takeWholePage() }
            if page.count > relay.limits.pageStart || !hasRoom { startLeavingKept() }
        case .judging:
            let hasRoom = keepPage(bytes, range)
            if isLast || !hasRoom || page.count >= Self.maximumFailureText { judgeStatus(isWhole: isLast) }
        case .walking:
            page.append(contentsOf: bytes.extracting(range))
            walk(isLast: isLast)
        case .streaming:
            answerBy = now + relay.limits.readerProgress
            emit(bytes, range, isLast: isLast)
        case .dropping:
            if isLast { end() }
        case .atRest, .asked, .pausing, .holding, .waiting, .storing:
            break
        }
    }

    // MARK: Passing on

    /// Relays an answer that is no page as it comes.
    func pass(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        guard front != nil else { return isWhole ? end() : drop() }
        hasLeft = true
        if isWhole {
            putWhole(head, bytes, body)
            write(bytes, body)
            return end()
        }
        putAnswerHead(head, bytes)
        phase = .streaming
        answerBy = now + relay.limits.readerProgress
        beginBody(contentLength: head.contentLength, isChunked: head.isChunked)
        emitFirst(bytes, body)
    }

    /// Puts the head of an answer whose body is all there.
    func putWhole(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>) {
        putAnswerHead(head, bytes)
        let length = method == .head ? head.contentLength : body.count
        if head.status != 204, head.status != 304, length >= 0 {
            out.put("Content-Length: ")
            out.put(decimal: length)
            out.put("\r\n")
        }
        out.put("\r\n")
    }

    /// Reads what still comes, and drops it.
    func drop() {
        phase = .dropping
        answerBy = now + relay.limits.readerProgress
    }

    // MARK: Framing towards the client

    /// Ends the head in the loop's output with the framing that fits.
    func beginBody(contentLength: Int, isChunked: Bool) {
        if contentLength >= 0 {
            framing = .length
            out.put("Content-Length: ")
            out.put(decimal: contentLength)
            out.put("\r\n\r\n")
        } else if isHTTP10 {
            framing = .close
            front?.closesAfterAnswer = true
            out.put("Connection: close\r\n\r\n")
        } else {
            framing = isChunked ? .rawChunks : .chunks
            out.put("Transfer-Encoding: chunked\r\n\r\n")
        }
    }

    /// Sends the head in the output and the first of the body that follows it; `spliced` bytes of the body are in the
    /// output already, behind `headEnd`.
    func emitFirst(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        switch framing {
        case .length, .close:
            write(bytes, range)
        case .chunks:
            if range.isEmpty { return write(bytes, range) }
            out.put(chunkSize: range.count)
            owesLineEnd = true
            write(bytes, range)
        case .rawChunks:
            // Between chunks a part of a size line may have been read already, which cannot be handed on.
            guard !range.isEmpty else {
                framing = .chunks
                return write(bytes, range)
            }
            out.put(chunkSize: range.count + (upstream?.passRawChunks() ?? 0))
            write(bytes, range)
        }
        settle()
    }

    /// Sends more of the body.
    func emit(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool) {
        guard front != nil else { return isLast ? end() : () }
        var range = range
        if let count = unsent.take() {
            range = range.lowerBound - count..<range.upperBound
        } else {
            out.clear()
        }
        switch framing {
        case .length, .close, .rawChunks: break
        case .chunks:
            if !range.isEmpty {
                if owesLineEnd { out.put("\r\n") }
                out.put(chunkSize: range.count)
                owesLineEnd = true
            }
        }
        if !range.isEmpty || out.count > 0 { write(bytes, range) }
        if isLast {
            if framing == .chunks { endChunks() }
            return end()
        }
        settle()
    }

    /// Sends the last chunk of our own framing.
    func endChunks() {
        out.clear()
        if owesLineEnd { out.put("\r\n") }
        out.put("0\r\n\r\n")
        owesLineEnd = false
        write([UInt8]().span, 0..<0)
    }

    /// Sends what is in the output and a slice behind it, in one write.
    func write(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard front != nil else { return }
        relay.counters.pageBytes += UInt64(range.count)
        let rest = bytes.extracting(range)
        if out.count == 0 {
            front.lend { $0.write(rest) }
        } else if range.count <= 16 << 10 {
            out.put(bytes, range)
            out.withBytes { bytes in front.lend { $0.write(bytes) } }
        } else {
            out.withBytes { bytes in front.lend { $0.write(bytes, rest) } }
        }
        out.clear()
    }

    // MARK: Answers of the gateway's own

    /// Answers a text that is no page.
    func answerText(_ status: Int, _ text: String) {
        guard let front else { return end() }
        hasLeft = true
        out.clear()
        out.put("HTTP/1.1 ")
        out.put(decimal: status)
        out.put(" ")
        out.put(reasonPhrase(status))
        out.put("\r\nContent-Type: text/plain; charset=utf-8\r\n")
        putOwnLines()
        out.put("Content-Length: ")
        out.put(decimal: text.utf8.count)
        out.put("\r\n\r\n")
        if method != .head { out.put(text: text) }
        out.withBytes { front.write($0) }
        end()
    }

    /// Answers a page of the gateway's own.
    func answerPage(_ body: [UInt8]) {
        guard let front else { return end() }
        hasLeft = true
        out.clear()
        out.put("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n")
        putOwnLines()
        out.put("Content-Length: ")
        out.put(decimal: body.count)
        out.put("\r\n\r\n")
        out.put(body)
        out.withBytes { front.write($0) }
        end()
    }
}

/// The reason phrase of a status that the gateway answers itself (RFC 9110, 15).
func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 204: "No Content"
    case 302: "Found"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    case 417: "Expectation Failed"
    case 431: "Request Header Fields Too Large"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Error"
    }
}
