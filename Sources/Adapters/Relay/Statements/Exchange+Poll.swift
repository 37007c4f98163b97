import Engine
import Model
import Wire

/// Answers of the gateway's own to polls and cancels.
extension Exchange {
    /// Answers a page without rows whose nextUri is the URI that was asked, with a higher sequence (design 4.5).
    func answerWaiting(_ sequence: UInt32) {
        var asked: [UInt8] = []
        asked.append(contentsOf: requestHead[path])
        answerPage(next: asked, tag: makeTag(sequence: sequence), id: shownID)
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
        if let cell { return statementID(owner: cell.key.owner, statement: cell.key.number) }
        return statementID(owner: tag?.owner ?? relay.hub.owner, statement: tag?.statement ?? 0)
    }

    func infoURI(_ id: String) -> String { String(decoding: base, as: UTF8.self) + "/ui/query.html?" + id }

    /// What happened, what was tried, and the statement's id.
    func explanation(_ error: OwnError) -> String {
        let place = cell?.placement
        let coordinator = place.map { $0.coordinator.isEmpty ? "no coordinator" : $0.coordinator } ?? "unknown"
        let submission = cell?.submission
        let pool = submission?.fixedPool ?? relay.snapshot.table.group(place?.group ?? "")?.active ?? place?.pool ?? ""
        let text: String
        switch error {
        case .userCanceled: text = "Query was canceled"
        case .outcomeUnknown:
            text =
                "The statement had started on coordinator \(coordinator), and its end could not be read: it may have "
                + "taken effect or not. It was not sent again. Check what it was to write before you repeat it."
        case .coordinatorLost:
            text =
                "Coordinator \(coordinator), which had the statement, is gone or gave no usable answer. "
                + "Nothing was written: the statement can be repeated."
        case .noCoordinator:
            text =
                "No coordinator of pool \"\(pool)\" of group \"\(place?.group ?? "")\" can take the statement: "
                + "\(conditions(pool, of: place?.group ?? "")). Nothing was run."
        case .ownerLost:
            text =
                "The gateway that held the waiting statement is gone, and with it the statement's text: this one "
                + "cannot know what became of it. Check what it was to write before you repeat it."
        case .poolNotAllowed:
            text =
                "Pool \"\(pool)\" of group \"\(place?.group ?? "")\" is not open to user "
                + "\"\(submission?.user ?? "")\", takes no named statements while it is idle, or does not "
                + "exist. Nothing was submitted."
        case .queueFull:
            text =
                "No coordinator of pool \"\(pool)\" can take the statement, and \(relay.hub.waiting.value) statements "
                + "wait in the gateway already (limits.waiting_statements)."
        case .unknownTransaction: text = "The transaction is not known."
        }
        return error == .userCanceled ? text : text + " Statement \(statementName)."
    }

    /// How the coordinators of a pool are, in words.
    private func conditions(_ pool: String, of group: String) -> String {
        let states = relay.snapshot.table.coordinators.filter { $0.group == group && $0.pool == pool && !$0.isRetired }
            .map(\.summary)
        return states.isEmpty ? "it has no coordinators" : states.joined(separator: ", ")
    }

    /// The coordinator's answer to a DELETE by id: only 204 and 409 end the statement (design 4.6). Such an answer
    /// leaves when its tombstone is stored.
    func canceledByID(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ body: Range<Int>, _ isWhole: Bool) {
        let isConfirmed = head.status == 204 || head.status == 409
        guard isConfirmed, let cell, cell.canceledThere(now: now) else { return pass(head, bytes, body, isWhole) }
        guard isWhole, front != nil else {
            relay.canceled(cell) {}
            return pass(head, bytes, body, isWhole)
        }
        putWhole(head, bytes, body)
        out.put(bytes, body)
        keepAnswer()
        relay.canceled(cell, stored: releasing())
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

extension RelayLoop {
    /// The statement ended by its last page: what carries its tag is relayed from now on. An adopted one is remembered,
    /// so that it is not adopted again; so is one of whose URIs some lead nowhere any more.
    func finished(_ cell: Cell) {
        if cell.key.owner == hub.owner, !cell.hasPast { forget(cell) }
    }

    /// The statement is held no longer.
    func forget(_ cell: Cell) {
        hub.cells.remove(cell.key)
        let placement = cell.placement
        guard !placement.queryID.isEmpty else { return }
        let id = placement.queryID.utf8.span
        hub.shownIDs.ended(
            id, of: cell, registration: placement.registration,
            hasKnownSuffix: target(placement.registration)?.hasGiven(id) ?? false, at: wall)
    }
}
