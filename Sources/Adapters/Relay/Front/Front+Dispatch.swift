import Bytes
import Engine
import Model
import Wire

/// What a request asks for, and who answers it (interface 4, design 4.3).
extension Front {
    func handle(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        // Only a statement has a body that goes upstream; behind any other request it would be read as the next one.
        if head.method != .post { exchange.dropBody() }
        switch endpoint(of: head.target, in: bytes) {
        case .statement:
            switch head.method {
            case .post:
                exchange.begin(.submission, head, bytes)
                exchange.submit(head, bytes)
            case .head:
                exchange.begin(.pass, head, bytes)
                exchange.checkUser(head, bytes)
            case .get, .put, .delete, .options, .other: answer(405, allow: "POST, HEAD")
            }
        case .tagged(let path, let tagRange):
            let keys = relay.hub.keys
            let handed = exchange.handed.tag(bytes, path.lowerBound..<tagRange.upperBound, keys: keys)
            guard let tag = handed ?? Tag.read(bytes, tag: tagRange, path: path, keys: keys) else {
                relay.counters.refused += 1
                return answerNotFound()
            }
            handleTagged(head, bytes, path: path, tag: tag)
        case .queryID(let id): handleQuery(head, bytes, id: id)
        case .info: answerOwn(head, infoBody)
        case .infoState: answerOwn(head, Array("\"ACTIVE\"".utf8))
        case .status: answerOwn(head, statusBody)
        case .healthy: answerOwn(head, Array("{\"healthy\":true}".utf8))
        case .ready:
            let isReady = relay.hub.isReady.load(ordering: .relaxed)
            answerOwn(head, Array("{\"ready\":\(isReady)}".utf8), status: isReady ? 200 : 503)
        case .ui: answerUI(head)
        case .uiQuery(let id): answerUIQuery(head, exchange.text(bytes, id))
        case .unknown:
            relay.counters.refused += 1
            answerNotFound()
        }
    }

    // MARK: Tagged URIs

    private func handleTagged(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag) {
        let key = StatementKey(owner: tag.owner, number: tag.statement)
        let cell = relay.cell(key)
        if tag.registration == 0 {
            return handleWaiting(head, bytes, tag: tag, cell: cell)
        }
        if cell == nil, key.owner != relay.hub.owner,
            relay.hub.restored.supersededAttempt(of: key) >= tag.attempt
        {
            // What took its place was handed out by a gateway that is gone.
            return handleWaiting(head, bytes, tag: tag, cell: nil)
        }
        guard let target = relay.target(tag.registration) else { return answerNotFound() }
        let isPartialCancel = tag.sequence == 0
        switch head.method {
        case .get where isPartialCancel, .head where isPartialCancel: answer(405, allow: "DELETE")
        case .get:
            relay.counters.polls += 1
            if cell == nil { return pollUnknown(head, bytes, path: path, tag: tag, target: target) }
            exchange.begin(.poll, head, bytes)
            exchange.poll(head, bytes, path: path, tag: tag, cell: consume cell, target: target)
        case .head:
            relay.counters.others += 1
            cell?.touch(now: relay.now)
            if let cell, leadsNowhere(tag, of: cell) { return answer(200, allow: nil) }
            if target.dialect == .trino, begins(bytes, path, "/v1/statement/executing/") {
                exchange.begin(.pass, head, bytes)
                exchange.passOn(head, bytes, path: path, tag: tag, cell: cell, target: target)
            } else {
                answer(200, allow: nil)
            }
        case .delete:
            relay.counters.others += 1
            if isPartialCancel {
                if let cell, leadsNowhere(tag, of: cell) { return answer(204, allow: nil) }
                exchange.begin(.pass, head, bytes)
                return exchange.passOn(head, bytes, path: path, tag: tag, cell: cell, target: target)
            }
            cancel(
                head, bytes, path: path, tag: tag, cell: cell ?? adopt(key, tag: tag, target: target), target: target)
        case .post, .put, .options, .other: answer(405, allow: "GET, HEAD, DELETE")
        }
    }

    /// A poll of a statement that is not known here.
    private func pollUnknown(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, target: Target
    ) {
        if isQueued(bytes, path), isStale(tag) { return answerNotFound() }
        exchange.begin(.poll, head, bytes)
        let key = StatementKey(owner: tag.owner, number: tag.statement)
        exchange.poll(
            head, bytes, path: path, tag: tag, cell: adopt(key, tag: tag, target: target), target: target)
    }

    /// What was canceled is never asked for again, nor is a superseded attempt (design 4, Tombstones).
    private func leadsNowhere(_ tag: Tag, of cell: Cell) -> Bool {
        let machine = cell.machine
        return machine.wasEndedHere || tag.attempt < machine.attempt
    }

    /// A wait page's nextUri: the statement waits here, or has gone on.
    private func handleWaiting(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, tag: Tag, cell: Cell?) {
        let isOwn = tag.owner == relay.hub.owner
        switch head.method {
        case .get:
            relay.counters.polls += 1
            if let cell, isOwn || cell.wasEndedHere {
                exchange.begin(.wait, head, bytes)
                return exchange.pollWaiting(head, bytes, tag: tag, cell: cell)
            }
            if isOwn { return answerNotFound() }
            exchange.begin(.pass, head, bytes)
            let key = StatementKey(owner: tag.owner, number: tag.statement)
            exchange.answerOwnerLost(tag, wasSubmitted: relay.hub.restored.isSubmitted(key))
        case .head:
            relay.counters.others += 1
            cell?.touch(now: relay.now)
            answer(200, allow: nil)
        case .delete:
            relay.counters.others += 1
            guard let cell else { return isOwn ? answerNotFound() : answer(204, allow: nil) }
            cancelNewest(head, bytes, tag: tag, cell: cell)
        case .post, .put, .options, .other: answer(405, allow: "GET, HEAD, DELETE")
        }
    }

    /// A DELETE whose URI is superseded: it cancels the statement, and goes to its newest URI if there is one.
    private func cancelNewest(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, tag: Tag, cell: Cell) {
        let targets = relay.snapshot.targets
        let withdraws = targets[cell.placement.registration]?.dialect == .trino
        switch cell.cancel(attempt: 0, withdrawsUnstarted: withdraws, now: relay.now) {
        case .relay, .done: answer(204, allow: nil)
        case .notFound: answerNotFound()
        case .canceled(let forwards):
            exchange.begin(.pass, head, bytes)
            // Looked up now, because from now on nothing newer is handed out.
            guard let target = targets[cell.placement.registration], let newest = cell.newest else {
                // Without a URI nobody can be told: if an attempt is there, it counts on until it must be over.
                return startCancellation(of: cell, target: nil, forwards: forwards)
            }
            exchange.buildCancel(head, bytes, renamed: newest.path, target: target)
            startCancellation(of: cell, target: target, forwards: forwards)
        }
    }

    private func startCancellation(of cell: Cell, target: Target?, forwards: Bool) {
        let cancellation = Cancellation(
            relay, front: self, cell: cell, target: target, request: exchange.requestHead, forwards: forwards)
        exchange.forget()
        begin(cancellation)
        cancellation.start()
    }

    /// A poll or a cancel with a tag of an owner that is gone: its statement lives on here (design 4, 'Owner,
    /// adopted, lost'). Other requests adopt nothing, for nobody would come to end what they began.
    private func adopt(_ key: StatementKey, tag: Tag, target: Target) -> Cell? {
        guard key.owner != relay.hub.owner else { return nil }
        // A tag tells when it was made; the statement is older than that, and nothing else is known of it.
        let made = Timestamp(milliseconds: Int64(tag.minute) * 60_000)
        let machine = StatementMachine(
            presumedAttempt: tag.attempt, reads: false, startsOnPost: target.startsOnPost, now: relay.now)
        return relay.hub.cells.add(
            Cell(key: key, machine: machine, placement: Placement(target.place, submitted: made)))
    }

    /// A late poll of a queued URI could start a statement that everybody has forgotten (design 3).
    private func isStale(_ tag: Tag) -> Bool {
        let now = relay.wall.minute
        return now > tag.minute && now - tag.minute > 14
    }

    private func isQueued(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Bool {
        begins(bytes, path, "/v1/statement/queued/")
    }

    private func begins(_ bytes: Span<UInt8>, _ path: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard path.count >= count else { return false }
        return equals(bytes, path.lowerBound..<path.lowerBound + count, text)
    }

    private func cancel(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, path: Range<Int>, tag: Tag, cell: Cell?, target: Target
    ) {
        guard let cell else {
            exchange.begin(.pass, head, bytes)
            return exchange.passOn(head, bytes, path: path, tag: tag, cell: nil, target: target)
        }
        if tag.attempt < cell.machine.attempt, !cell.wasEndedHere {
            return cancelNewest(head, bytes, tag: tag, cell: cell)
        }
        switch cell.cancel(attempt: tag.attempt, withdrawsUnstarted: target.dialect == .trino, now: relay.now) {
        case .relay:
            exchange.begin(.pass, head, bytes)
            exchange.passOn(head, bytes, path: path, tag: tag, cell: cell, target: target)
        case .done: answer(204, allow: nil)
        case .notFound: answerNotFound()
        case .canceled(let forwards):
            exchange.begin(.pass, head, bytes)
            exchange.buildCancel(head, bytes, path: path, tag: tag, cell: cell, target: target)
            startCancellation(of: cell, target: target, forwards: forwards)
        }
    }

    // MARK: Queries by id

    private func handleQuery(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, id: Range<Int>) {
        relay.counters.others += 1
        guard head.method == .get || head.method == .delete || head.method == .head else {
            return answer(405, allow: "GET, HEAD, DELETE")
        }
        let queryID = exchange.text(bytes, id)
        if head.method == .delete, let cell = waiting(queryID) {
            return cancelWaiting(head, bytes, cell: cell)
        }
        guard let (target, cell) = find(queryID) else { return answerNotFound() }
        exchange.begin(head.method == .delete ? .cancelByID : .pass, head, bytes)
        // A client may have been shown the gateway's own id, or that of an attempt before: the engine that has the
        // statement now knows it by its own.
        guard let cell, cell.placement.queryID != queryID, !cell.placement.queryID.isEmpty else {
            return exchange.passOn(head, bytes, path: head.target, tag: nil, cell: cell, target: target)
        }
        exchange.passOn(head, bytes, renamed: "/v1/query/" + cell.placement.queryID, cell: cell, target: target)
    }

    /// The statement of that id, if it waits here, or its next attempt is on its way.
    private func waiting(_ queryID: String) -> Cell? {
        let own = Array(queryID.utf8)
        var key = relay.hub.shownIDs.find(queryID)?.key
        if let (owner, number) = readStatementID(own.span, 0..<own.count) {
            key = StatementKey(owner: owner, number: number)
        }
        guard let key, let cell = relay.hub.cells.cell(key) else { return nil }
        let machine = cell.machine
        return machine.isWaiting || machine.phase == .submitting ? cell : nil
    }

    /// No coordinator can say whether the caller may cancel what waits here: its user may, with the credentials that it
    /// was submitted with (design 4.6).
    private func cancelWaiting(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, cell: Cell) {
        guard let capsule = cell.capsule, isSameClient(head, bytes, as: capsule) else {
            return answerText(403, "Only the statement's user may cancel it, with the same credentials.\n")
        }
        switch cell.cancel(attempt: 0, withdrawsUnstarted: false, now: relay.now) {
        case .relay, .done: answer(204, allow: nil)
        case .notFound: answerNotFound()
        case .canceled:
            exchange.begin(.pass, head, bytes)
            startCancellation(of: cell, target: nil, forwards: false)
        }
    }

    private func isSameClient(_ head: borrowing RequestHead, _ bytes: Span<UInt8>, as capsule: Capsule) -> Bool {
        func values(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> [[UInt8]] {
            var values: [[UInt8]] = []
            for field in head.fields where field.name == .user || field.name.isCredential {
                var value = [field.name.rawValue]
                value.append(contentsOf: bytes.extracting(field.value))
                values.append(value)
            }
            return values.sorted { $0.lexicographicallyPrecedes($1) }
        }
        let stored = capsule.bytes
        return values(head, bytes) == values(capsule.readHead(), stored.span)
    }

    /// Where a query id leads: to where the statement that was shown with it is now, else by the suffix of its
    /// coordinator's ids.
    private func find(_ queryID: String) -> (Target, Cell?)? {
        let targets = relay.snapshot.targets
        let entry = relay.hub.shownIDs.find(queryID)
        let own = Array(queryID.utf8)
        let named = readStatementID(own.span, 0..<own.count).map { StatementKey(owner: $0.0, number: $0.1) }
        let cell = (entry?.key ?? named).flatMap { relay.hub.cells.cell($0) }
        if let cell, !cell.placement.queryID.isEmpty, let target = targets[cell.placement.registration] {
            return (target, cell)
        }
        if let entry, let target = targets[entry.registration] { return (target, cell) }
        guard let suffix = idSuffix(own.span).map({ exchange.text(own.span, $0) }) else { return nil }
        let coordinators = relay.snapshot.table.coordinators
        return coordinators.indices.last { coordinators[$0].idSuffix == suffix }
            .map { (relay.snapshot.targets.all[$0], nil) }
    }

    // MARK: Pages for people

    private func answerUI(_ head: borrowing RequestHead) {
        let table = relay.snapshot.table
        guard let group = table.groups.first, let url = group.pool(group.active)?.uiURL else {
            return answerText(404, "The active pool has no ui_url in the settings.\n")
        }
        redirect(url + "/ui/")
    }

    private func answerUIQuery(_ head: borrowing RequestHead, _ queryID: String) {
        guard let (target, _) = find(queryID) else {
            return answerText(404, "No statement of that id is known here any more.\n")
        }
        if let url = target.uiURL { return redirect(url + "/ui/query.html?" + queryID) }
        let place = target.coordinator
        answerText(
            200,
            "Query \(queryID) is on coordinator \(place.name) of pool \(place.pool), group \(place.group). "
                + "The pool has no ui_url in the settings, so this page leads no further.\n")
    }
}
