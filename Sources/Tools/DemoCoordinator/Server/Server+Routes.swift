import FoundationEssentials
import Wire

extension Server {
    /// Answers a request, or lets a fault do so.
    func answer(_ exchange: Exchange) {
        let request = exchange.request
        if request.path.hasPrefix("/-/") { return control(exchange) }
        unlessFrozen { [self] in
            let (step, statement, token) = place(request)
            let sql = step == .post ? String(decoding: request.body, as: UTF8.self) : statement?.sql
            log.count(kind(request, step))
            if step == .post, request.method == .post, let sql { log.countPost(of: sql) }
            if let statement, request.method == .get { log.change(statement.id) { $0.polls += 1 } }
            guard let fault = faults.onRequest(step, page: token, sql: sql) else { return route(exchange) }
            after(fault.delayMs ?? 0) { [self] in act(fault, on: exchange) }
        }
    }

    /// The step of a request, and the statement and token of its path.
    private func place(_ request: Request) -> (Fault.Step, Statement?, Int?) {
        let segments = request.segments
        guard segments.starts(with: ["v1", "statement"]) else { return (.info, nil, nil) }
        if segments.count == 2 { return (.post, nil, nil) }
        let statement = segments.count > 3 ? statements[segments[3]] : nil
        if request.method == .delete { return (.delete, statement, nil) }
        return (segments[2] == "queued" ? .queued : .executing, statement, segments.last.flatMap { Int($0) })
    }

    private func kind(_ request: Request, _ step: Fault.Step) -> String {
        if request.method == .head { return step == .post ? "head" : "head_\(step.rawValue)" }
        return request.path.hasPrefix("/v1/query/") ? "query" : step.rawValue
    }

    private func act(_ fault: Fault, on exchange: Exchange) {
        switch fault.deed {
        case .die: die(fault.forMs)
        case .restart: restart(downFor: fault.forMs ?? 0, startingFor: fault.startingMs ?? 0)
        case .hang: lose(exchange, .silence, unless: fault.handled != true)
        case .freeze:
            freeze(fault.forMs)
            unlessFrozen { [self] in route(exchange) }
        case .cut:
            let cut = Cut(head: fault.headBytes, body: fault.bytes ?? 0, isReset: fault.reset ?? false)
            lose(exchange, .cut(cut), unless: false)
        case .reset: lose(exchange, .cut(Cut(head: 0, isReset: true)), unless: fault.handled != true)
        case .status: lose(exchange, .replaced(answer(of: fault)), unless: fault.handled != true)
        case .slow, .fail: route(exchange)
        case .loseWorkers:
            behaviour.workers = 0
            route(exchange)
        }
    }

    /// Lets an answer be lost: that of the request, or, where it is not to be handled, that of none.
    private func lose(_ exchange: Exchange, _ loss: Exchange.Loss, unless isUnhandled: Bool) {
        exchange.loss = loss
        if isUnhandled { reply(exchange, .empty(200)) } else { route(exchange) }
    }

    private func answer(of fault: Fault) -> Response {
        let headers = (fault.headers ?? [:]).sorted { $0.key < $1.key }
            .map { Response.Header(name: $0.key, value: $0.value) }
        let hasType = headers.contains { $0.name.lowercased() == "content-type" }
        let status = fault.status ?? 503
        let body = fault.body ?? "Error \(status) \(Response.reason(status)): scripted"
        return Response(
            status: status, headers: headers, contentType: hasType ? nil : "text/plain", body: Array(body.utf8))
    }

    private func route(_ exchange: Exchange) {
        let request = exchange.request
        if let header = request.headers.first(where: { $0.name.hasPrefix("x-forwarded-") }) {
            let text = "HTTP ERROR 406 Server configuration does not allow processing of the \(header.name) header\n"
            return reply(exchange, Response(status: 406, contentType: "text/plain", body: Array(text.utf8)))
        }
        if request.path.contains("//") {
            let text = "HTTP ERROR 400 Ambiguous URI empty segment\nURI: /badURI\nSTATUS: 400\n"
            return reply(exchange, Response(status: 400, contentType: "text/plain", body: Array(text.utf8)))
        }
        let segments = request.segments
        switch (request.method, segments.count, segments.first, segments.dropFirst().first) {
        case (_, 2, "v1", "statement"): submit(exchange)
        case (_, 5..., "v1", "statement"): statementURI(exchange, segments)
        case (.delete, 3, "v1", "stage"):
            if let id = segments[2].split(separator: ".").first { statements[String(id)].map(cancelPartly) }
            reply(exchange, .empty(204))
        case (_, 3..., "v1", "query"): queryURI(exchange, segments[2])
        default: reply(exchange, information(request) ?? .refusal(404))
        }
    }

    /// `/v1/statement/queued/{id}/{slug}/{token}`, Presto's `/v1/statement/queued/{id}/{token}?slug=`, and their like.
    private func statementURI(_ exchange: Exchange, _ original: [String]) {
        var segments = original
        if segments.count == 5,
            let parameter = exchange.request.query.split(separator: "&").first(where: {
                $0.hasPrefix("slug=")
            })
        {
            segments.insert(String(parameter.dropFirst("slug=".count)), at: 4)
        }
        let method = exchange.request.method
        if segments[2] == "executing", segments[3] == "partialCancel", segments.count == 8 {
            guard method == .delete else { return refuseMethod(exchange, "DELETE,OPTIONS") }
            guard let statement = find(segments[4], .executing, segments[6], segments[7]) else {
                return reply(exchange, queryNotFound)
            }
            cancelPartly(statement)
            return reply(exchange, .empty(204))
        }
        guard segments.count == 6, let context = URIContext(rawValue: segments[2]) else {
            return reply(exchange, .refusal(404))
        }
        guard [.get, .head, .delete].contains(method) else { return refuseMethod(exchange, "HEAD,DELETE,GET,OPTIONS") }
        guard let statement = find(segments[3], context, segments[4], segments[5]), let token = Int(segments[5]) else {
            return reply(exchange, queryNotFound)
        }
        touch(statement)
        switch (method, context) {
        case (.delete, _):
            // Presto knows nothing of what was never polled, and says so in its way.
            if statement.dialect == .presto, statement.phase == .submitted {
                return reply(
                    exchange,
                    Response(status: 500, contentType: "text/plain", body: Array("java.lang.NullPointerException".utf8))
                )
            }
            cancel(statement)
            reply(exchange, .empty(204))
        case (.head, .executing) where statement.dialect == .trino: reply(exchange, .json([]))
        case (_, .queued): pollQueued(exchange, statement, token)
        default: pollExecuting(exchange, statement, token)
        }
    }

    private func refuseMethod(_ exchange: Exchange, _ allowed: String) {
        reply(exchange, Response(status: 405, headers: [Response.Header(name: "Allow", value: allowed)]))
    }

    /// The statement, if the slug is that of the token.
    private func find(_ id: String, _ context: URIContext, _ slug: String, _ token: String) -> Statement? {
        guard let statement = statements[id], let number = Int(token), number >= 0,
            statement.slug(context, number) == slug
        else { return nil }
        return statement
    }

    func touch(_ statement: Statement) {
        statement.lastSeen = loop.now
        statement.lastSeenAt = now
        if let id = statement.session.transactionID { transactions[id]?.lastUsed = loop.now }
    }

    private func queryURI(_ exchange: Exchange, _ id: String) {
        let session: ClientSession
        do throws(SessionFault) {
            session = try ClientSession(headers: exchange.request.headers)
        } catch { return reply(exchange, refusal(error)) }
        let statement = statements[id]
        switch exchange.request.method {
        case .delete:
            guard let statement else { return reply(exchange, .empty(204)) }
            guard statement.session.user == session.user else {
                return reply(
                    exchange, .refusal(403, "Access Denied: Cannot kill query owned by \(statement.session.user)"))
            }
            cancel(statement)
            reply(exchange, .empty(204))
        case .get, .head:
            guard let statement, statement.phase != .submitted else { return reply(exchange, .refusal(410)) }
            reply(exchange, .json(statement.information(authority: authority(exchange.request))))
        case .post, .put, .options, .other: refuseMethod(exchange, "HEAD,DELETE,GET,OPTIONS")
        }
    }

    /// What a URI gets that belongs to no statement.
    var queryNotFound: Response {
        behaviour.dialect == .trino
            ? .refusal(404, "Query not found")
            : Response(status: 404, contentType: "text/plain", body: Array("Query not found".utf8))
    }

    func refusal(_ fault: SessionFault) -> Response {
        switch fault {
        case .invalid(let text): .refusal(400, text)
        case .noUser:
            Response(
                status: 401, headers: [Response.Header(name: "WWW-Authenticate", value: "Basic realm=\"Trino\"")],
                contentType: "text/plain;charset=utf-8",
                body: Array("Basic authentication or X-Trino-Original-User or X-Trino-User must be sent".utf8))
        }
    }

    /// `http://` and what the client called this server.
    func authority(_ request: Request) -> String {
        "http://" + (request.host.isEmpty ? address.description : request.host)
    }

    // MARK: For tests

    /// `/-/faults` and `/-/log`, which no fault touches.
    private func control(_ exchange: Exchange) {
        let request = exchange.request
        let response: Response
        switch (request.method, request.path) {
        case (.put, "/-/faults"):
            do {
                take(try FaultScript(json: request.body))
                response = .empty(204)
            } catch {
                response = .refusal(400, "The script cannot be read: \(error)")
            }
        case (.get, "/-/faults"):
            response = .json((try? JSONEncoder().encode(script)).map { Array($0) } ?? [])
        case (.get, "/-/log"): response = .json(log.json(name: name, incarnation: ids.incarnation))
        case (.delete, "/-/log"):
            log = RequestLog()
            response = .empty(204)
        default: response = .refusal(404)
        }
        let written = response.written(
            for: request, date: now.httpDate, chunked: false, closes: !request.keepsAlive)
        exchange.connection.write(written, closes: !request.keepsAlive)
    }
}
