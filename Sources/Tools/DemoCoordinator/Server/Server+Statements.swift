import FoundationEssentials
import Wire

extension Server {
    /// POST /v1/statement: makes an id and nothing else. HEAD says whether this user would be let in.
    func submit(_ exchange: Exchange) {
        let request = exchange.request
        guard request.method == .post || request.method == .head else {
            return reply(
                exchange, Response(status: 405, headers: [Response.Header(name: "Allow", value: "HEAD,POST,OPTIONS")]))
        }
        let session: ClientSession
        do throws(SessionFault) {
            session = try ClientSession(headers: request.headers)
        } catch { return reply(exchange, refusal(error)) }
        if request.method == .head { return reply(exchange, .json([])) }
        guard !request.body.isEmpty else { return reply(exchange, .refusal(400, "SQL statement is empty")) }
        for (_, text) in session.prepared.sorted(by: { $0.key < $1.key }) {
            let planner = Planner(session: session, catalogs: Catalogs(), node: name, now: now)
            if let fault = planner.syntaxFault(text) {
                let header = session.dialect == .trino ? "X-Trino" : "X-Presto"
                return reply(exchange, .refusal(400, "Invalid \(header)-Prepared-Statement header: \(fault.message)"))
            }
        }
        let created = now
        let statement = Statement(
            id: ids.next(at: created), slugs: Slugs(using: &generator), dialect: behaviour.dialect,
            sql: String(decoding: request.body, as: UTF8.self), session: session, submitted: loop.now,
            created: created, finishedPages: behaviour.finishedPages)
        statements[statement.id] = statement
        order.append(statement.id)
        log.add(
            RequestLog.Entry(
                id: statement.id, sql: String(statement.sql.prefix(RequestLog.maximumText)), user: session.user,
                source: session.source,
                attempt: session.attempt, transaction: session.transactionID))
        if let fault = faults.onSubmission(statement.sql) {
            fail(statement, fault.failure)
            finish(statement)
            return reply(exchange, queuedPage(statement, request, next: nil))
        }
        reply(exchange, queuedPage(statement, request, next: statement.path(.queued, 1)))
    }

    // MARK: Polls

    func pollQueued(_ exchange: Exchange, _ statement: Statement, _ token: Int) {
        let isFirst = statement.phase == .submitted
        let isAnswered = statement.tokens.onQueued(token)
        // In Presto a poll begins the statement whatever its token is.
        if isFirst, isAnswered || statement.dialect == .presto { begin(statement) }
        guard isAnswered else { return reply(exchange, .refusal(410)) }
        // The first answer to a query does not wait for it to be understood, as Trino's does not.
        let wait: Int64 = isFirst && statement.failure == nil ? 0 : 1000
        add(
            Statement.Poll(exchange: exchange, context: .queued, token: token, deadline: loop.now + wait), to: statement
        )
    }

    func pollExecuting(_ exchange: Exchange, _ statement: Statement, _ token: Int) {
        switch statement.tokens.onExecuting(token) {
        case .again: reply(exchange, statement.newest ?? queryNotFound)
        case .gone: reply(exchange, .refusal(410))
        case .unknown: reply(exchange, queryNotFound)
        case .broken(let text):
            let body = "com.google.common.base.VerifyException: \(text)\n"
            reply(exchange, Response(status: 500, contentType: "text/plain", body: Array(body.utf8)))
        case .next:
            guard statement.phase == .running || statement.failure != nil else {
                return reply(exchange, queryNotFound)
            }
            add(
                Statement.Poll(exchange: exchange, context: .executing, token: token, deadline: loop.now + 1000),
                to: statement)
        }
    }

    private func add(_ poll: Statement.Poll, to statement: Statement) {
        statement.polls.append(poll)
        polled[statement.id] = statement
        settle(statement)
    }

    /// Answers the polls that can be answered now.
    func settle(_ statement: Statement) {
        let polls = statement.polls
        statement.polls = []
        for poll in polls {
            let response: Response? =
                switch poll.context {
                case .queued: queuedAnswer(statement, poll)
                case .executing: executingAnswer(statement, poll)
                }
            if let response { reply(poll.exchange, response) } else { statement.polls.append(poll) }
        }
        if statement.polls.isEmpty { polled.removeValue(forKey: statement.id) }
    }

    private func queuedAnswer(_ statement: Statement, _ poll: Statement.Poll) -> Response? {
        let request = poll.exchange.request
        // What failed before it ran shows here; what ran and failed shows where the client comes to its pages.
        if let failure = statement.failure, failsQueued(statement) || failure == .canceled {
            finish(statement)
            return queuedPage(statement, request, next: nil)
        }
        if statement.phase == .running, statement.fault?.step != .queued {
            // Presto gives the first page of results here.
            if statement.dialect == .presto {
                return executingAnswer(
                    statement,
                    Statement.Poll(exchange: poll.exchange, context: .executing, token: 0, deadline: poll.deadline))
            }
            return queuedPage(statement, request, next: statement.path(.executing, 0))
        }
        guard poll.deadline <= loop.now else { return nil }
        return queuedPage(statement, request, next: statement.path(.queued, poll.token + 1))
    }

    /// Whether a failure shows on the queued URI: it never ran, or the script wants it so.
    private func failsQueued(_ statement: Statement) -> Bool {
        statement.planned == nil || statement.fault?.step == .queued
    }

    private func queuedPage(_ statement: Statement, _ request: Request, next: String?) -> Response {
        let isNew = statement.dialect == .presto && statement.phase == .submitted
        var stats = StatementStats(state: next == nil ? .failed : isNew ? .waitingForPrerequisites : .queued)
        stats.elapsedMillis = loop.now - (statement.started ?? loop.now)
        stats.queuedMillis = statement.phase == .running ? 0 : stats.elapsedMillis
        let page = StatementPage(
            id: statement.id, authority: authority(request), nextPath: next, stats: stats,
            failure: next == nil ? statement.failure : nil)
        return .json(page.json(hasParametricTimes: statement.session.hasParametricTimes, dialect: statement.dialect))
    }

    /// The next page of an executing URI, if there is anything to say or the poll has waited long enough.
    private func executingAnswer(_ statement: Statement, _ poll: Statement.Poll) -> Response? {
        switch statement.tokens.onExecuting(poll.token) {
        case .again: return statement.newest
        case .next: break
        case .gone: return .refusal(410)
        case .unknown, .broken: return queryNotFound
        }
        var rows = RowBatch()
        let showsColumns = poll.token == 0 && columnsComeFirst(statement)
        if !showsColumns {
            if let batch = statement.batches.first {
                // What is to stand beside the error waits until that is known.
                if statement.fault?.withRows == true, statement.batches.count == 1, !statement.isDone { return nil }
                rows = batch
                statement.batches.removeFirst()
                statement.givenRows += rows.count
                statement.givenBytes += rows.rows.count
                if let count = rows.updateCount { statement.updateCount = count }
                fetch(statement)
            } else if !statement.isDone, poll.deadline > loop.now {
                return nil
            }
        }
        let response = executingPage(statement, poll, rows: rows, showsColumns: showsColumns)
        statement.newest = response
        return response
    }

    /// Whether the first executing page has the columns and nothing else. Trino's is so unless the statement fails
    /// before it is fetched; of a scripted failure the script says it.
    private func columnsComeFirst(_ statement: Statement) -> Bool {
        guard statement.planned?.kind != .task, statement.columns != nil else { return false }
        if let fault = statement.fault {
            return fault.columns ?? (statement.dialect == .trino && (fault.rows ?? 0) > 0)
        }
        return statement.dialect == .trino && statement.failure == nil
    }

    private func executingPage(
        _ statement: Statement, _ poll: Statement.Poll, rows: RowBatch, showsColumns: Bool
    ) -> Response {
        let isTask = statement.planned?.kind == .task
        let isAtEnd = statement.isDone && statement.batches.isEmpty && !showsColumns
        let failure = isAtEnd && (rows.count == 0 || statement.fault?.withRows == true) ? statement.failure : nil
        var state: StatementState = failure == nil ? .running : .failed
        var isLast = failure != nil
        if isAtEnd, statement.failure == nil, rows.count == 0 {
            state = .finished
            if isTask || statement.finishedPages == 0 { isLast = true } else { statement.finishedPages -= 1 }
        } else if isAtEnd, statement.failure == nil, statement.dialect == .presto, statement.finishedPages == 0 {
            // The page that carries the last rows was made while the statement ran; Presto's may be the last one.
            state = .finished
            isLast = true
        }
        let next = isLast ? nil : statement.path(.executing, poll.token + 1)
        let hasStage = state == .running && !isTask
        let page = StatementPage(
            id: statement.id, authority: authority(poll.exchange.request),
            partialCancelURI: hasStage ? stageURI(statement, poll) : nil, nextPath: next,
            columns: statement.columns, rows: rows.rows, stats: stats(statement, state), failure: failure,
            updateType: statement.planned?.updateType, updateCount: statement.updateCount)
        statement.tokens.onServed(poll.token, hasNext: !isLast)
        if isLast { finish(statement) }
        let prefix = statement.session.dialect.headerPrefix
        return .json(
            page.json(hasParametricTimes: statement.session.hasParametricTimes, dialect: statement.dialect),
            headers: statement.headers.map { Response.Header(name: "\(prefix)\($0.name)", value: $0.value) })
    }

    /// Where a stage is canceled. Presto names an address of its own, whatever the client calls it.
    private func stageURI(_ statement: Statement, _ poll: Statement.Poll) -> String {
        if statement.dialect == .presto { return "http://\(address)/v1/stage/\(statement.id).0" }
        let token = poll.token + 1
        return authority(poll.exchange.request)
            + "/v1/statement/executing/partialCancel/\(statement.id)/0/\(statement.slug(.executing, token))/\(token)"
    }

    private func stats(_ statement: Statement, _ state: StatementState) -> StatementStats {
        var stats = StatementStats(state: state)
        stats.hasStage = statement.planned.map { $0.kind != .task } ?? false
        stats.elapsedMillis = (statement.ended ?? loop.now) - (statement.started ?? loop.now)
        guard stats.hasStage else { return stats }
        stats.nodes = behaviour.workers
        stats.splits = statement.givenRows > 0 || state == .finished ? 1 : 0
        stats.completedSplits = state == .finished ? stats.splits : 0
        stats.rows = statement.givenRows
        stats.rowBytes = statement.givenBytes
        return stats
    }

    /// The page without nextUri has been made.
    private func finish(_ statement: Statement) {
        guard !statement.isOver else { return }
        statement.isOver = true
        log.change(statement.id) { entry in
            entry.wasFinished = true
            entry.error = statement.failure?.name
        }
    }
}
