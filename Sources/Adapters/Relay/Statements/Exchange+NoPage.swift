import Engine
import Wire

/// Answers to polls and submissions that are no pages: their text is read before anything is decided, so that the
/// policy can judge by it, and kept, so that it can still be passed on byte for byte.
extension Exchange {
    /// Bytes of such an answer that are judged; what follows is relayed, if any of it is.
    static let maximumFailureText = 64 << 10

    func takeFailure(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        answerRetryAfter = retryAfter(head, bytes)
        // On a poll nothing is judged of what asks for other credentials: it passes as it comes.
        if isWhole || (isChallenge(head.status) && !isSubmitting) {
            let judged = isChallenge(head.status) ? 0..<0 : body.prefix(Self.maximumFailureText)
            let passesOn = statusAnswered(head.status, text: text(bytes, judged)) { [self] in
                buildAnswerHead(head, bytes)
                var kept: [UInt8] = []
                kept.append(contentsOf: bytes.extracting(body))
                keepAnswer(answerHead, kept, error: nil)
            }
            guard passesOn else { return }
            return pass(head, bytes, body, isWhole)
        }
        phase = .judging
        answerBy = min(answerBy, now + relay.limits.readerProgress)
        answerStatus = head.status
        answerLength = head.contentLength
        answerChunked = head.isChunked
        buildAnswerHead(head, bytes)
        let hasRoom = keepPage(bytes, body)
        if !hasRoom || page.count >= Self.maximumFailureText { judgeStatus(isWhole: false) }
    }

    /// What such an answer says is for its client alone.
    private func isChallenge(_ status: Int) -> Bool { status == 401 || status == 403 }

    /// The seconds that a Retry-After names; its other form, a date, is not used by engines.
    private func retryAfter(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Duration? {
        guard let field = head.fields.first(where: { $0.name == .retryAfter }) else { return nil }
        return UInt32(text(bytes, field.value)).map { .seconds(Int64($0)) }
    }

    /// Decides by what came, and passes it on if that is the decision.
    func judgeStatus(isWhole: Bool) {
        let body = takePageAway()
        giveBackPage()
        let judged = isChallenge(answerStatus) ? 0 : Self.maximumFailureText
        let text = String(decoding: body.prefix(judged), as: UTF8.self)
        let passesOn = statusAnswered(answerStatus, text: text) { [self] in
            if isWhole { keepAnswer(answerHead, body, error: nil) } else { cell?.keep(nil) }
        }
        guard passesOn else { return }
        guard front != nil else { return upstream == nil ? end() : drop() }
        hasLeft = true
        out.clear()
        out.put(answerHead)
        if isWhole {
            out.put("Content-Length: ")
            out.put(decimal: body.count)
            out.put("\r\n\r\n")
            write(body.span, 0..<body.count)
            return end()
        }
        phase = .streaming
        answerBy = now + relay.limits.readerProgress
        beginBody(contentLength: answerLength, isChunked: answerChunked)
        emitFirst(body.span, 0..<body.count)
    }

    /// The connection ended within such an answer: what came decides, and the client sees the cut.
    func judgeCut() {
        judgeStatus(isWhole: false)
        switch phase {
        case .streaming: breakOff()
        case .atRest, .asked, .assembling, .judging, .walking, .dropping, .pausing, .holding, .waiting, .storing: break
        }
    }
}
