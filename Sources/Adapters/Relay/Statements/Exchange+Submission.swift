import Bytes
import Engine
import Model
import Network
import SQL
import Wire

/// What a submission carries until a coordinator has answered.
final class Submission {
    /// Where it has been.
    var machine: SubmissionMachine
    /// The statement's kind.
    let kind: StatementKind
    /// The group that the selectors chose.
    var group: String
    /// The pool it goes to.
    var pool: String
    /// The client named the pool, or a transaction is bound to it: a flip moves it no more.
    var isPoolFixed = false
    /// The user and source headers, for the record.
    let user: String
    let source: String
    /// When its POST was taken.
    let submitted: Timestamp
    /// The transaction it belongs to.
    var transaction: String?
    /// `X-Trino-Trace-Token: ` or its twin; nil where the client sent a token of its own.
    var traceName: StaticString?

    init(_ facts: SubmissionFacts, group: Group?, submitted: Timestamp) {
        machine = SubmissionMachine(startsOnPost: false, reads: facts.kind.reads, isBound: false)
        kind = facts.kind
        self.group = group?.name ?? ""
        pool = group?.active ?? ""
        user = facts.user
        source = facts.source
        self.submitted = submitted
    }
}

extension Exchange {
    /// Puts the lines that a submission adds to the client's. The statement's id goes into the trace token where the
    /// client sent none (interface 4).
    func putSubmissionLines(_ submission: Submission) {
        let out = relay.out
        if let name = submission.traceName, let cell {
            out.put(name)
            out.put(cell.idBytes)
            out.put("\r\n")
        }
        if attempt > 1 {
            out.put("X-Penstock-Attempt: ")
            out.put(decimal: Int(attempt))
            out.put("\r\n")
        }
    }
}

extension Exchange {
    /// The kind of the statement that is being submitted.
    var submittedKind: StatementKind? { submission?.kind }

    /// Routes a statement whose text is whole and sends it (design 4.1).
    func submit(_ head: RequestHead, _ bytes: Span<UInt8>) {
        relay.counters.submissions += 1
        let facts = readFacts(head, bytes)
        let wall = relay.hub.clock.now()
        let key = StatementKey(owner: relay.hub.owner, number: relay.hub.nextNumber())
        let group = relay.snapshot.table.group(for: facts)
        let placement = Placement(group: group?.name ?? "", submitted: wall)
        let submission = Submission(facts, group: group, submitted: wall)
        submission.traceName = traceName(head)
        relay.report(
            key, .submitted(user: facts.user, source: facts.source, group: placement.group, kind: facts.kind))

        var registration: UInt32?
        if let transaction = transactionID(head, bytes) {
            submission.transaction = transaction
            registration = relay.usePin(transaction)
        }
        var refusal: OwnError?
        if registration == nil, let named = head.first(.penstockPool).map({ text(bytes, $0.value) }) {
            refusal = objection(toPool: named, in: group, user: facts.user)
            submission.pool = named
            submission.isPoolFixed = true
        }
        if group == nil { refusal = .noCoordinator }
        let target: Target?
        if let registration {
            target = relay.snapshot.targets[registration]
            submission.group = target?.coordinator.group ?? submission.group
            submission.pool = target?.coordinator.pool ?? submission.pool
            submission.isPoolFixed = true
        } else {
            target = refusal == nil ? select(submission) : nil
        }
        let startsOnPost =
            target?.startsOnPost ?? (group?.pool(submission.pool)?.starts == .post)
        submission.machine = SubmissionMachine(
            startsOnPost: startsOnPost, reads: facts.kind.reads, isBound: registration != nil)
        let cell = Cell(
            key: key,
            machine: StatementMachine(reads: facts.kind.reads, startsOnPost: startsOnPost, now: now),
            placement: placement)
        self.cell = cell
        self.submission = submission
        if let refusal { return endSubmission(refusal) }
        guard let target else { return endSubmission(.noCoordinator) }
        keepSubmissionHead(head, bytes)
        send(to: target)
    }

    /// Whether the client may name this pool: nil if it may.
    private func objection(toPool pool: String, in group: Group?, user: String) -> OwnError? {
        guard let group, let found = group.pool(pool) else { return .poolNotAllowed }
        guard found.pinnedUsers.contains(where: { Glob.matches($0, user) }) else { return .poolNotAllowed }
        guard found.name == group.active || found.takes.contains(.pinned) else { return .poolNotAllowed }
        return nil
    }

    private func select(_ submission: Submission) -> Target? {
        let snapshot = relay.snapshot
        relay.rotation &+= 1
        let index = snapshot.table.select(
            group: submission.group, pool: submission.pool, excluding: submission.machine.tried,
            rotation: relay.rotation & 0xffff, inFlight: { snapshot.loads[$0].total },
            queued: { snapshot.loads[$0].parts.queued })
        return index.flatMap { snapshot.targets[snapshot.table.coordinators[$0].registration] }
    }

    /// Keeps the client's request so that it can be assembled again for another coordinator.
    private func keepSubmissionHead(_ head: RequestHead, _ bytes: Span<UInt8>) {
        submissionHead = head
        submissionBytes.removeAll(keepingCapacity: true)
        submissionBytes.append(contentsOf: bytes.extracting(0..<head.end))
    }

    private func send(to target: Target) {
        guard let submission, let cell, let head = submissionHead else { return }
        submission.machine.onSelected(target.coordinator.registration, startsOnPost: target.startsOnPost)
        var placement = Placement(group: submission.group, submitted: submission.submitted)
        placement.pool = target.coordinator.pool
        placement.coordinator = target.coordinator.name
        placement.registration = target.coordinator.registration
        placement.incarnation = target.coordinator.incarnation
        placement.transaction = submission.transaction
        placement.load = target.load
        cell.submit(attempt: attempt, placement: placement, startsOnPost: target.startsOnPost, now: now)
        relay.report(
            cell.key,
            .attempted(
                number: Int(attempt), pool: placement.pool, coordinator: placement.coordinator,
                registration: placement.registration))
        wasReplayed = false
        buildRequest(head, submissionBytes.span, path: head.target, target: target)
        send(fresh: false)
    }

    // MARK: Failures

    /// The coordinator did not answer with a page.
    func submissionFailed(_ failure: SubmissionFailure) {
        guard let submission else { return end() }
        act(submission.machine.onFailure(failure), failure)
    }

    /// The coordinator answered with another status than 200, and this text. True: the answer is to be passed on.
    func submissionAnswered(_ failure: SubmissionFailure, status: Int, text: String) -> Bool {
        if status == 429 || status == 502 || status == 503 || status == 504, let submission {
            let step = submission.machine.onFailure(failure)
            if step != .relay {
                dropUpstream()
                act(step, failure)
                return false
            }
        }
        cell?.submissionFailed()
        if let cell {
            relay.report(cell.key, .attemptFailed(number: Int(attempt), failure: failure.word, message: nil))
            relay.report(cell.key, .ended(.failed, failure: failure.word, message: nil))
        }
        return true
    }

    private func act(_ step: SubmissionMachine.Step, _ failure: SubmissionFailure) {
        guard let cell, let submission else { return end() }
        switch step {
        case .relay: return end()
        case .end(let error):
            relay.report(cell.key, .attemptFailed(number: Int(attempt), failure: failure.word, message: nil))
            endSubmission(error)
        case .elsewhere(let isAttempt):
            relay.report(cell.key, .attemptFailed(number: Int(attempt), failure: failure.word, message: nil))
            // The table is read again: what was true when the statement came need not be true now.
            relay.refresh()
            if !submission.isPoolFixed, let group = relay.snapshot.table.group(submission.group) {
                submission.pool = group.active
            }
            cell.submissionFailed()
            guard let next = select(submission) else { return endSubmission(.noCoordinator) }
            if isAttempt { attempt &+= 1 }
            send(to: next)
        }
    }

    /// The statement ends before any coordinator took it.
    private func endSubmission(_ error: OwnError) {
        guard let cell, let submission else { return end() }
        cell.end(error)
        relay.counters.ownErrors += 1
        let message = submissionExplanation(error, submission)
        relay.report(cell.key, .ended(cell.machine.state, failure: error.rawValue, message: message))
        let id = statementName
        answerPage(OwnPages.errorPage(id: id, infoURI: infoURI(id), error: error.queryError(message)))
    }

    private func submissionExplanation(_ error: OwnError, _ submission: Submission) -> String {
        let table = relay.snapshot.table
        let states = table.coordinators.filter { $0.group == submission.group && $0.pool == submission.pool }
            .filter { !$0.isRetired }
            .map { "\($0.name) is \($0.isDrained ? "drained" : $0.health.rawValue)" }
        let tried = submission.machine.failures.map(\.word)
        let text: String
        switch error {
        case .poolNotAllowed:
            text =
                "Pool \"\(submission.pool)\" of group \"\(submission.group)\" is not open to user "
                + "\"\(submission.user)\", takes no named statements while it is idle, or does not exist. Nothing was "
                + "submitted."
        case .outcomeUnknown:
            text =
                "The statement was sent to a coordinator of pool \"\(submission.pool)\" that may have run it, and no "
                + "whole answer came (\(tried.joined(separator: ", "))). Check what it was to write before you repeat "
                + "it."
        case .coordinatorLost:
            text =
                "The coordinator of pool \"\(submission.pool)\" that ran the statement gave no whole answer "
                + "(\(tried.joined(separator: ", "))). Nothing was written: the statement can be repeated."
        case .noCoordinator, .ownerLost, .userCanceled, .queueFull, .unknownTransaction:
            let known = states.isEmpty ? "it has no coordinators" : states.joined(separator: ", ")
            let history = tried.isEmpty ? "" : " Tried: \(tried.joined(separator: ", "))."
            text =
                "No coordinator of pool \"\(submission.pool)\" of group \"\(submission.group)\" can take the "
                + "statement: \(known).\(history) Nothing was run."
        }
        return text + " Statement \(statementName)."
    }

    // MARK: The first page

    /// The coordinator has answered with a page: the statement has an id and, if it goes on, a cell that polls find.
    func noteSubmitted(isLast: Bool) {
        guard let cell, let target, let submission else { return }
        let queryID = String(decoding: scanner.idBytes, as: UTF8.self)
        let suffix = idSuffix(queryID)
        let knownSuffix = target.coordinator.idSuffix
        cell.named(queryID, isNewIncarnation: suffix != nil && knownSuffix != nil && suffix != knownSuffix)
        relay.report(cell.key, .answered(number: Int(attempt), queryID: queryID))
        noteShown(queryID, of: cell, at: target)
        if let suffix, suffix != knownSuffix {
            relay.noteSuffix(target.coordinator.registration, suffix)
        }
        let ran = scanner.hasColumns || scanner.hasRows || (isLast && !scanner.hasError)
        if ran, !target.startsOnPost {
            relay.hub.sink.accept(.startsOnPost(group: submission.group, pool: target.coordinator.pool))
        }
        if !isLast { _ = relay.hub.cells.add(cell) }
    }

    /// The client is about to be shown an engine's id: it names the statement from now on.
    func noteShown(_ queryID: String, of cell: Cell, at target: Target) {
        let cells = relay.hub.cells
        relay.hub.shownIDs.add(
            queryID, key: cell.key, registration: target.coordinator.registration, at: relay.wall,
            remembered: relay.limits.remembered, isLive: { cells.cell($0) != nil })
    }

    /// Where a POST with this head would go.
    func targetOfSubmission(_ head: RequestHead, _ bytes: Span<UInt8>) -> Target? {
        var facts = readFacts(head, bytes)
        facts.kind = .read
        guard let group = relay.snapshot.table.group(for: facts) else { return nil }
        return select(Submission(facts, group: group, submitted: relay.wall))
    }

    // MARK: Facts

    private func readFacts(_ head: RequestHead, _ bytes: Span<UInt8>) -> SubmissionFacts {
        var facts = SubmissionFacts()
        var prepared: [Range<Int>] = []
        let wanted = relay.snapshot.selectorHeaders
        // Only selectors ask for these two.
        let hasSelectors = !relay.snapshot.table.selectors.isEmpty
        for field in head.fields {
            if field.name == .user { facts.user = bounded(text(bytes, field.value)) }
            if field.name == .source { facts.source = bounded(text(bytes, field.value)) }
            if hasSelectors, field.name == .catalog { facts.catalog = bounded(text(bytes, field.value)) }
            if hasSelectors, field.name == .clientTags {
                let tags = text(bytes, field.value).split(separator: ",").prefix(100)
                facts.clientTags += tags.map { String($0.trimmingSpaces) }
            }
            if field.name == .preparedStatement {
                prepared.append(field.value)
            }
            if !wanted.isEmpty {
                let name = Selector.canonicalName(text(bytes, field.start..<field.nameEnd))
                if wanted.contains(name) { facts.headers.append((name, bounded(text(bytes, field.value)))) }
            }
        }
        var headerValues: [[UInt8]] = []
        for range in prepared {
            var value: [UInt8] = []
            value.append(contentsOf: bytes.extracting(range))
            headerValues.append(value)
        }
        let body = requestBody
        facts.kind = statementKind(of: body.span, limit: relay.limits.kindText) { name in
            for value in headerValues {
                let found = preparedStatement(named: name, in: value.span)
                if found != nil { return found }
            }
            return nil
        }
        return facts
    }

    private func bounded(_ text: String) -> String { text.utf8.count > 256 ? String(text.prefix(256)) : text }

    /// The open transaction that the request names; `NONE` and empty are none.
    private func transactionID(_ head: RequestHead, _ bytes: Span<UInt8>) -> String? {
        guard let field = head.first(.transactionID), !field.value.isEmpty else { return nil }
        return equalsIgnoringCase(bytes, field.value, "none") ? nil : bounded(text(bytes, field.value))
    }

    private func traceName(_ head: RequestHead) -> StaticString? {
        guard head.first(.traceToken) == nil else { return nil }
        return switch head.first(.user)?.dialect {
        case .presto: "X-Presto-Trace-Token: "
        case .trino, nil: "X-Trino-Trace-Token: "
        }
    }
}

/// The five characters that end an engine's query ids and tell one run of a coordinator from another; nil if the id
/// has another shape.
func idSuffix(_ queryID: String) -> String? {
    let bytes = queryID.utf8
    guard bytes.count == "yyyymmdd_hhmmss_nnnnn_suffx".utf8.count else { return nil }
    for (index, byte) in bytes.enumerated() {
        let separates = index == 8 || index == 15 || index == 21
        guard (byte == UInt8(ascii: "_")) == separates else { return nil }
    }
    return String(bytes.suffix(5))
}

extension Substring {
    /// Without spaces and tabs at both ends.
    var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
