import Engine
import Model
import Wire

/// Polls that were not answered by a page: the statement's machine says what becomes of them.
extension Exchange {
    /// A poll is answered again within this time when its coordinator cannot be asked, in milliseconds (design 9).
    private static let waitingPollMilliseconds: Int64 = 1000

    /// A poll brought nothing usable: it is repeated once at once, then by the client's next poll.
    func pollFailed(_ failure: SubmissionFailure) {
        guard let cell else {
            return answerText(503, "The coordinator did not answer (\(failure.word)). Ask again later.\n")
        }
        switch failure {
        case .cut:
            if repeats == 0, target?.startsOnPost == false {
                repeats += 1
                relay.counters.repeats += 1
                return sendAgain()
            }
        case .notProtocol:
            return act(cell.broken(attempt: attempt), failure)
        case .refused:
            // A poll that was written before, and is repeated, may have started the statement.
            if isCounted, repeats == 0, !wasReplayed { cell.pollUnwritten(attempt: attempt) }
        case .noAnswer, .status: break
        }
        act(cell.unanswered(attempt: attempt, patience: relay.limits.gone, now: now), failure)
    }

    /// A poll was answered with another status than 200, and this text. True: the answer is to be passed on.
    func pollAnswered(_ failure: SubmissionFailure, status: Int, text: String) -> Bool {
        guard let cell else { return true }
        let answer: StatementMachine.Unanswered
        switch status {
        case 429, 502, 503, 504:
            dropUpstream()
            pollFailed(failure)
            return false
        case 404:
            answer = cell.forgotten(
                attempt: attempt, incarnation: knowledge(of: cell), at: relay.hub.clock.now(),
                patience: relay.limits.gone, now: now)
        case 500...599:
            answer = cell.broken(attempt: attempt)
        default:
            return true
        }
        switch answer {
        case .passOn: return true
        case .relay:
            endByFailure(cell, failure.word)
            return true
        case .wait, .end, .own, .superseded: break
        }
        dropUpstream()
        act(answer, status == 404 ? .notProtocol : failure, word: status == 404 ? "forgotten" : nil)
        return false
    }

    /// Does what the machine decided.
    private func act(_ answer: StatementMachine.Unanswered, _ failure: SubmissionFailure, word: String? = nil) {
        giveBackPage()
        let word = word ?? failure.word
        switch answer {
        case .wait(let sequence):
            relay.counters.waitingPages += 1
            phase = .pausing(until: began + Self.waitingPollMilliseconds, sequence: sequence)
            if front == nil { end() }
        case .end(let error):
            if let cell {
                relay.report(cell.key, .attemptFailed(number: Int(attempt), failure: word, message: nil))
                relay.report(cell.key, .ended(cell.machine.state, failure: error.rawValue, message: nil))
            }
            answerOwn(error)
        case .own(let error):
            answerOwn(error)
        case .superseded:
            answerWaiting(cell?.machine.sequence ?? 1)
        case .relay, .passOn:
            if let cell, answer == .relay { endByFailure(cell, word) }
            answerText(502, "The coordinator's answer is no page of the statement protocol (\(word)).\n")
        }
    }

    /// The statement has ended, and what its coordinator answered is all that is known of its end.
    private func endByFailure(_ cell: Cell, _ word: String) {
        relay.hub.finished(cell, remembersAdopted: cell.key.owner != relay.hub.owner)
        relay.report(cell.key, .ended(.failed, failure: word, message: nil))
    }

    /// An answer to a POST that ran the statement broke off in the middle.
    func lostItsAnswer() {
        guard let cell else { return }
        let word = SubmissionFailure.cut.word
        switch cell.broken(attempt: attempt) {
        case .end(let error):
            relay.report(cell.key, .attemptFailed(number: Int(attempt), failure: word, message: nil))
            relay.report(cell.key, .ended(cell.machine.state, failure: error.rawValue, message: nil))
        case .relay: endByFailure(cell, word)
        case .passOn, .own, .wait, .superseded: break
        }
    }

    /// What is known of the coordinator's incarnation; asks for a probe where nothing is.
    private func knowledge(of cell: Cell) -> Incarnation {
        guard let coordinator = relay.snapshot.targets[cell.placement.registration]?.coordinator else {
            return .changed
        }
        let placement = cell.placement
        if let taken = placement.incarnation, taken != coordinator.incarnation { return .changed }
        if let started = coordinator.startedAfter, started > placement.submitted { return .changed }
        if let first = cell.machine.firstForgotten, let checked = coordinator.checked, checked > first {
            return .same
        }
        relay.hub.sink.accept(.probe(registration: coordinator.registration))
        return .unknown
    }

    /// Answers a page without rows whose nextUri is the URI that was asked, with a higher sequence (design 4.5).
    func answerWaiting(_ sequence: UInt32) {
        let id = shownID
        let tagText = makeTag(sequence: sequence)
        var uri = base
        uri.append(contentsOf: requestHead[path])
        let hasQuery = requestHead[path].contains(UInt8(ascii: "?"))
        uri.append(contentsOf: (hasQuery ? "&via=" : "?via=").utf8)
        var pathBytes: [UInt8] = []
        pathBytes.append(contentsOf: requestHead[path])
        let text = tagText.text(key: relay.hub.keys.newest, path: pathBytes.span)
        uri.append(contentsOf: text.bytes.span)
        let elapsed = Int(max(0, relay.wall.milliseconds - (cell?.placement.submitted.milliseconds ?? 0)))
        let known = cell?.placement.submitted.milliseconds ?? 0 > 0
        answerPage(
            OwnPages.waitingPage(
                id: id, infoURI: infoURI(id), nextURI: String(decoding: uri, as: UTF8.self),
                queuedMillis: known ? elapsed : 0, elapsedMillis: known ? elapsed : 0))
    }

    /// Answers the gateway's own last page.
    func answerOwn(_ error: OwnError) {
        relay.counters.ownErrors += 1
        let id = shownID
        answerPage(OwnPages.errorPage(id: id, infoURI: infoURI(id), error: error.queryError(explanation(error))))
    }

    /// The id that a page of the gateway's own shows: the engine's where it is known.
    var shownID: String {
        if let id = cell?.placement.queryID, !id.isEmpty { return id }
        // /v1/statement/queued/{id}/... and /v1/statement/executing/{id}/... name it.
        let parts = requestHead[path].split(separator: UInt8(ascii: "/"))
        if method != .post, parts.count > 3, parts[0].elementsEqual("v1".utf8) {
            return String(decoding: parts[3], as: UTF8.self)
        }
        return statementName
    }

    /// The gateway's id of the statement.
    var statementName: String {
        if let cell { return String(decoding: cell.idBytes, as: UTF8.self) }
        return statementID(owner: tag?.owner ?? relay.hub.owner, statement: tag?.statement ?? 0)
    }

    func infoURI(_ id: String) -> String { String(decoding: base, as: UTF8.self) + "/ui/query.html?" + id }

    /// What happened, what was tried, and the statement's id.
    private func explanation(_ error: OwnError) -> String {
        let place = cell?.placement
        let coordinator = place.map { $0.coordinator.isEmpty ? "no coordinator" : $0.coordinator } ?? "unknown"
        let gone = relay.limits.gone / 1000
        let text: String
        switch error {
        case .userCanceled: text = "Query was canceled"
        case .outcomeUnknown:
            text =
                "The statement had started on coordinator \(coordinator), and its end could not be read: it may have "
                + "taken effect or not. It was not sent again. Check what it was to write before you repeat it."
        case .coordinatorLost:
            text =
                "Coordinator \(coordinator), which ran the statement, is gone or has not answered for \(gone) s. "
                + "Nothing was written: the statement can be repeated."
        case .noCoordinator:
            text = "No coordinator of pool \(place?.pool ?? "") of group \(place?.group ?? "") took the statement."
        case .ownerLost: text = "The gateway that held the waiting statement is gone."
        case .poolNotAllowed: text = "The pool that was named is not open to this user, or does not exist."
        case .queueFull: text = "Too many statements wait in the gateway."
        case .unknownTransaction: text = "The transaction is not known."
        }
        return error == .userCanceled ? text : text + " Statement \(statementName)."
    }

    /// The coordinator's answer to a DELETE by id: only 204 and 409 end the statement (design 4.6). Such an answer
    /// leaves when its tombstone is stored.
    func canceledByID(_ head: ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        let isConfirmed = head.status == 204 || head.status == 409
        guard isConfirmed, let cell, cell.canceledThere(now: now) else { return pass(head, bytes, body, isWhole) }
        guard isWhole, front != nil else {
            relay.canceled(cell) {}
            return pass(head, bytes, body, isWhole)
        }
        putWhole(head, bytes, body)
        relay.out.put(bytes, body)
        keepAnswer()
        relay.canceled(cell) { [self] in release() }
    }
}

extension OwnError {
    /// The error as a page carries it.
    func queryError(_ message: String) -> QueryError {
        QueryError(name: rawValue, type: type, code: code, message: message)
    }
}

extension RelayLoop {
    /// A statement was canceled: reports it and has its tombstone stored, which `stored` waits for.
    func canceled(_ cell: Cell, stored: @escaping () -> Void) {
        let placement = cell.placement
        report(cell.key, .ended(.canceled, failure: OwnError.userCanceled.rawValue, message: nil))
        let tombstone = Tombstone(key: cell.key, queryID: placement.queryID, at: hub.clock.now())
        hub.sink.accept(.tombstone(tombstone, stored: hold(stored)))
    }
}

extension Hub {
    /// The statement ended by its last page: what carries its tag is relayed from now on. Of an adopted one that is
    /// remembered, so that it is not adopted again.
    func finished(_ cell: Cell, remembersAdopted: Bool) {
        if !remembersAdopted { cells.remove(cell.key) }
    }
}
