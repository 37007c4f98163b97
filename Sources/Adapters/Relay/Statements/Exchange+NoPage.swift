import Engine
import Wire

/// Answers to polls and submissions that are no pages: their text is read before anything is decided, so that the
/// policy can judge by it, and kept, so that it can still be passed on byte for byte.
extension Exchange {
    /// Bytes of such an answer that are judged; what follows is relayed, if any of it is.
    static let maximumFailureText = 64 << 10

    func takeFailure(_ head: ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        // Nothing is judged of what asks for other credentials.
        let isChallenge = head.status == 401 || head.status == 403
        if isWhole || isChallenge {
            let judged = body.prefix(Self.maximumFailureText)
            guard passesOn(head.status, isChallenge ? "" : text(bytes, judged)) else { return }
            return pass(head, bytes, body, isWhole)
        }
        phase = .judging
        answerBy = min(answerBy, now + relay.limits.readerProgress)
        answerStatus = head.status
        answerLength = head.contentLength
        answerChunked = head.isChunked
        buildAnswerHead(head, bytes)
        let hasRoom = keepPage(bytes, body)
        if !hasRoom || page.count >= Self.maximumFailureText { judge(isWhole: false) }
    }

    private func passesOn(_ status: Int, _ text: String) -> Bool {
        let failure = SubmissionFailure.status(status)
        return purpose == .submission
            ? submissionAnswered(failure, status: status, text: text)
            : pollAnswered(failure, status: status, text: text)
    }

    /// Decides by what came, and passes it on if that is the decision.
    func judge(isWhole: Bool) {
        let body = page
        page = []
        giveBackPage()
        guard passesOn(answerStatus, String(decoding: body.prefix(Self.maximumFailureText), as: UTF8.self)) else {
            return
        }
        guard front != nil else { return upstream == nil ? end() : drop() }
        hasLeft = true
        let out = relay.out
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
        judge(isWhole: false)
        switch phase {
        case .streaming: breakOff()
        case .atRest, .asked, .assembling, .judging, .walking, .dropping, .pausing, .holding: break
        }
    }
}
