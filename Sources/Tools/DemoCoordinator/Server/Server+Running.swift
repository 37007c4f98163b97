import FoundationEssentials

extension Server {
    /// The longest text that runs, in UTF-16 units, as Trino's `query.max-length`.
    private static let longestText = 1_000_000

    /// The first poll of a statement: from here on it runs, whether or not it is polled again.
    func begin(_ statement: Statement) {
        statement.started = loop.now
        statement.phase = .waiting
        log.change(statement.id) { $0.wasStarted = true }
        if isStarting { return fail(statement, .startingUp) }
        let length = statement.sql.utf16.count
        if length > Self.longestText {
            return fail(
                statement,
                .user(
                    "QUERY_TEXT_TOO_LARGE", 35,
                    "Query text length (\(length)) exceeds the maximum length (\(Self.longestText))"))
        }
        if let id = statement.session.transactionID, transactions[id] == nil {
            return fail(statement, .unknownTransaction(id))
        }
        if let fault = faults.onStatement(statement.sql) {
            if fault.step == .queued, fault.effect != true { return fail(statement, fault.failure) }
            statement.fault = fault
        }
        waiting.append(statement)
        dispatchWaiting()
    }

    /// Begins what waits, as far as there are workers and room.
    func dispatchWaiting() {
        while behaviour.workers > 0, running < behaviour.running, !waiting.isEmpty {
            plan(waiting.removeFirst())
        }
    }

    private func plan(_ statement: Statement) {
        statement.phase = .planning
        running += 1
        let database: DatabaseSession
        if let id = statement.session.transactionID, let transaction = transactions[id] {
            if transaction.isBusy { return fail(statement, .notSupported("The transaction runs another statement")) }
            transaction.isBusy = true
            database = transaction.database
        } else {
            database = takeSession()
        }
        statement.database = database
        let request = StatementRequest(
            sql: statement.sql, session: statement.session, now: now, node: name, pageRows: pageRows(statement),
            pageBytes: behaviour.pageBytes,
            fault: statement.fault.map {
                RowFault(rows: $0.rows ?? 0, failure: $0.failure, hasEffect: $0.effect ?? false)
            })
        let id = statement.id
        database.prepare(request) { [post] result in post { $0.planned(id, result) } }
    }

    /// The session property `page_rows` goes before the script.
    private func pageRows(_ statement: Statement) -> Int {
        statement.session.properties["page_rows"].flatMap { Int($0) }.map { max(1, $0) } ?? behaviour.pageRows
    }

    private func planned(_ id: String, _ result: Result<PlannedStatement, QueryFailure>) {
        unlessFrozen { [self] in
            guard let statement = statements[id], statement.phase == .planning else { return }
            guard statement.failure == nil else { return release(statement) }
            switch result {
            case .failure(let failure): fail(statement, failure)
            case .success(let planned):
                if let failure = transactionFault(statement, planned) { return fail(statement, failure) }
                statement.planned = planned
                statement.columns = planned.columns
                statement.headers = (statement.fault?.headers ?? [:]).sorted { $0.key < $1.key }
                    .map { SessionHeader(name: $0.key, value: $0.value) }
                statement.phase = .running
                if let step = planned.transaction {
                    transact(statement, step)
                } else {
                    fetch(statement)
                }
            }
            settle(statement)
        }
    }

    /// Fetches a page's rows ahead, so that the next poll finds them.
    func fetch(_ statement: Statement) {
        guard !statement.isExhausted, !statement.isFetching, statement.failure == nil, statement.batches.count < 2,
            let database = statement.database
        else { return }
        statement.isFetching = true
        let id = statement.id
        database.next { [post] batch in post { $0.fetched(id, batch) } }
    }

    private func fetched(_ id: String, _ batch: RowBatch) {
        unlessFrozen { [self] in
            if batch.tookEffect { log.change(id) { $0.tookEffect = true } }
            guard let statement = statements[id], statement.isFetching else { return }
            statement.isFetching = false
            guard statement.failure == nil, !statement.isExhausted else { return release(statement) }
            if let columns = batch.columns { statement.columns = columns }
            if let failure = batch.failure {
                fail(statement, failure, keepingRows: true)
            } else {
                if batch.count > 0 { statement.batches.append(batch) }
                if batch.isLast {
                    statement.headers = statement.planned?.headers ?? []
                    exhaust(statement)
                } else {
                    fetch(statement)
                }
            }
            settle(statement)
        }
    }

    private func exhaust(_ statement: Statement) {
        statement.isExhausted = true
        statement.ended = loop.now
        release(statement)
    }

    /// Ends a statement badly. Rows that were fetched before still go out if `keepingRows`.
    func fail(_ statement: Statement, _ failure: QueryFailure, keepingRows: Bool = false) {
        guard !statement.isDone else { return }
        statement.failure = failure
        statement.ended = loop.now
        if !keepingRows { statement.batches = [] }
        waiting.removeAll { $0 === statement }
        if let id = statement.session.transactionID { transactions[id]?.isAborted = true }
        if !statement.isFetching { release(statement) }
        settle(statement)
    }

    /// Gives the statement's session back.
    private func release(_ statement: Statement) {
        guard statement.phase == .planning || statement.phase == .running, !statement.isFetching else { return }
        guard let database = statement.database else { return }
        statement.database = nil
        running -= 1
        database.reset()
        if let id = statement.session.transactionID, let transaction = transactions[id] {
            transaction.isBusy = false
            transaction.lastUsed = loop.now
        } else if statement.planned?.transaction == nil {
            if idleSessions.count < 8 { idleSessions.append(database) } else { database.end() }
        }
        dispatchWaiting()
    }

    private func takeSession() -> DatabaseSession {
        if let session = idleSessions.popLast() { return session }
        sessions += 1
        return DatabaseSession(database, name: "session-\(sessions)")
    }

    // MARK: DELETE

    /// DELETE: a statement that was not polled is withdrawn, one that runs ends, the newest page is dropped.
    func cancel(_ statement: Statement) {
        statement.tokens.onDelete()
        statement.newest = nil
        log.change(statement.id) { $0.wasCanceled = true }
        stop(statement, .canceled)
    }

    func stop(_ statement: Statement, _ failure: QueryFailure) {
        if statement.phase == .submitted { statement.phase = .waiting }
        // A transaction's session is interrupted only while it runs this statement.
        if !statement.isDone, statement.database != nil { statement.database?.interrupt() }
        fail(statement, failure)
    }

    /// DELETE of a partialCancelUri: the statement ends well, with the rows that it has.
    func cancelPartly(_ statement: Statement) {
        guard statement.phase == .running, !statement.isDone else { return }
        statement.isExhausted = true
        statement.ended = loop.now
        statement.database?.interrupt()
        release(statement)
        settle(statement)
    }

    // MARK: Transactions

    /// Why a statement cannot run in its transaction, or without one.
    private func transactionFault(_ statement: Statement, _ planned: PlannedStatement) -> QueryFailure? {
        guard let step = planned.transaction else {
            guard let id = statement.session.transactionID, transactions[id]?.isAborted == true else { return nil }
            return .abortedTransaction
        }
        switch step {
        case .start:
            if statement.session.transactionID != nil { return .notSupported("Nested transactions not supported") }
        case .commit, .rollback:
            if statement.session.transactionID == nil { return .noTransaction }
        }
        return nil
    }

    private func transact(_ statement: Statement, _ step: TransactionStep) {
        guard let database = statement.database else { return }
        if step == .start, statement.session.transaction == nil {
            return fail(statement, .incompatibleClient)
        }
        let isAborted = statement.session.transactionID.flatMap { transactions[$0] }?.isAborted ?? false
        statement.isFetching = true
        let id = statement.id
        database.transact(isAborted ? .rollback : step) { [post] failure in
            post { $0.transacted(id, step, failure ?? (isAborted && step == .commit ? .abortedTransaction : nil)) }
        }
    }

    private func transacted(_ id: String, _ step: TransactionStep, _ failure: QueryFailure?) {
        unlessFrozen { [self] in
            guard let statement = statements[id] else { return }
            statement.isFetching = false
            if step == .start {
                guard let database = statement.database else { return }
                if let failure { return fail(statement, failure) }
                // It was cancelled meanwhile: nobody will learn of the transaction.
                if statement.isDone {
                    database.end()
                    return release(statement)
                }
                let id = UUID().uuidString.lowercased()
                transactions[id] = OpenTransaction(id: id, database: database, now: loop.now)
                statement.headers = [SessionHeader(name: "Started-Transaction-Id", value: id)]
                exhaust(statement)
            } else {
                // A transaction ends with COMMIT, whether or not it could be committed.
                statement.headers = [SessionHeader(name: "Clear-Transaction-Id", value: "true")]
                if let failure { fail(statement, failure) } else { exhaust(statement) }
                if let id = statement.session.transactionID, let ended = transactions.removeValue(forKey: id) {
                    ended.database.end()
                }
            }
            settle(statement)
        }
    }

    // MARK: Time

    /// How long a transaction may be idle, as Trino's `transaction.idle-timeout`.
    private static let transactionIdle: Int64 = 300_000
    /// How long what has ended can be read again.
    private static let history: Int64 = 900_000
    /// The most statements that are remembered; what has ended goes first.
    private static let maximumStatements = 20_000

    /// Ends what nobody asks for any more, and forgets what ended long ago.
    func tidy() {
        let now = loop.now
        for (id, transaction) in transactions where now - transaction.lastUsed > Self.transactionIdle {
            if transaction.isBusy { continue }
            transactions.removeValue(forKey: id)
            transaction.database.transact(.rollback) { _ in }
            transaction.database.end()
        }
        for statement in waiting
        where behaviour.workers == 0 && now - (statement.started ?? now) > behaviour.workerWait {
            let waited = duration(milliseconds: behaviour.workerWait)
            fail(statement, .noWorkers(after: waited))
        }
        for id in order {
            guard let statement = statements[id], !statement.isOver else { continue }
            guard now - statement.lastSeen > behaviour.abandonment, statement.polls.isEmpty else { continue }
            if statement.phase == .submitted {
                statements.removeValue(forKey: id)
            } else if !statement.isDone {
                stop(
                    statement,
                    .abandoned(id: id, since: statement.lastSeenAt.rfc3339, now: self.now.rfc3339))
            }
        }
        forgetOld(now)
    }

    private func forgetOld(_ now: Int64) {
        var kept: [String] = []
        var surplus = order.count - Self.maximumStatements
        for id in order {
            guard let statement = statements[id] else {
                surplus -= 1
                continue
            }
            let age = now - max(statement.ended ?? now, statement.lastSeen)
            if statement.isDone, age > Self.history || (surplus > 0 && statement.isOver) {
                statements.removeValue(forKey: id)
                surplus -= 1
            } else {
                kept.append(id)
            }
        }
        order = kept
    }
}

extension Planner {
    /// What is wrong with the text of a prepared statement, if its beginning tells.
    func syntaxFault(_ text: String) -> QueryFailure? {
        do throws(QueryFailure) {
            _ = try plan(text)
            return nil
        } catch {
            return error.name == "SYNTAX_ERROR" ? error : nil
        }
    }
}
