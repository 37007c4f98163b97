import SQL

extension Planner {
    /// The properties of the session that SET SESSION takes, with their defaults. Those of catalogs pass unseen.
    static let properties = [
        "distributed_sort": "true", "hash_partition_count": "", "join_distribution_type": "AUTOMATIC",
        "page_rows": "", "query_max_execution_time": "100.00d", "query_max_run_time": "100.00d",
        "query_priority": "1", "redistribute_writes": "true", "required_workers_count": "1",
        "required_workers_max_wait_time": "5.00m", "retry_policy": "NONE", "task_concurrency": "16",
        "task_writer_count": "1", "use_mark_distinct": "",
    ]

    /// The name of a property in the request's headers that no engine knows.
    var unknownProperty: String? {
        session.properties.keys.sorted().first { !$0.contains(".") && Self.properties[$0] == nil }
    }

    func changeSession(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        switch text[0]?.word {
        case "use": return try use(text)
        case "prepare": return try prepare(text)
        case "deallocate": return try deallocate(text)
        case "reset":
            let (parts, _) = try text.path(at: 2)
            return .session(
                updateType: "RESET SESSION",
                headers: [SessionHeader(name: "Clear-Session", value: parts.joined(separator: "."))])
        default: return try set(text)
        }
    }

    private func use(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        let (parts, _) = try text.path(at: 1)
        let location = text.location(0)
        let (catalog, schema) = try names.completeSchema(parts, at: location)
        try names.requireSchema(catalog, schema, at: location)
        var headers = [SessionHeader(name: "Set-Schema", value: schema)]
        if parts.count == 2 { headers.insert(SessionHeader(name: "Set-Catalog", value: catalog), at: 0) }
        return .session(updateType: "USE", headers: headers)
    }

    private func prepare(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        guard let name = text[1], name.isName else { throw text.mismatch(1, expecting: "<identifier>") }
        guard text.has("from", at: 2) else { throw text.mismatch(2, expecting: "'FROM'") }
        guard text[3] != nil else { throw text.mismatch(3, expecting: "<statement>") }
        let statement = text.text(3..<text.tokens.count)
        let spelled = name.kind == .word ? name.text : name.name
        let value = urlEncoded(spelled) + "=" + urlEncoded(statement)
        return .session(updateType: "PREPARE", headers: [SessionHeader(name: "Added-Prepare", value: value)])
    }

    private func deallocate(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        let index = text.has("prepare", at: 1) ? 2 : 1
        guard let name = text[index], name.isName else { throw text.mismatch(index, expecting: "<identifier>") }
        _ = try prepared(name)
        let spelled = name.kind == .word ? name.text : name.name
        return .session(
            updateType: "DEALLOCATE", headers: [SessionHeader(name: "Deallocated-Prepare", value: urlEncoded(spelled))])
    }

    private func set(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        if text.has("session", at: 1), !text.has("authorization", at: 2) { return try setSession(text) }
        if text.has("role", at: 1), let role = text[2] {
            let kind = ["all", "none"].contains(role.word) ? role.word.uppercased() : "ROLE{\(role.name)}"
            let catalog = text.has("in", at: 3) ? text[4]?.name ?? "system" : "system"
            return .session(
                updateType: "SET ROLE",
                headers: [SessionHeader(name: "Set-Role", value: "\(catalog)=\(urlEncoded(kind))")])
        }
        if text.has("path", at: 1), text[2] != nil {
            guard session.capabilities.contains("PATH") else {
                throw .notSupported("SET PATH not supported by client")
            }
            let path = text.text(2..<text.tokens.count)
            return .session(updateType: "SET PATH", headers: [SessionHeader(name: "Set-Path", value: path)])
        }
        if text.has("time", "zone", at: 1), let zone = text[3]?.string {
            let header = SessionHeader(name: "Set-Session", value: "time_zone_id=\(urlEncoded(zone))")
            return .session(updateType: "SET TIME ZONE", headers: [header])
        }
        throw .notSupported("\(text.text(0..<min(3, text.tokens.count)).uppercased()) is not supported here")
    }

    private func setSession(_ text: StatementText) throws(QueryFailure) -> StatementPlan {
        let (parts, next) = try text.path(at: 2)
        let name = parts.joined(separator: ".")
        guard text[next]?.isSymbol("=") == true, let value = text[next + 1] else {
            throw text.mismatch(next, expecting: "'='")
        }
        guard parts.count > 1 || Self.properties[name] != nil else {
            throw .user(
                "INVALID_SESSION_PROPERTY", 14, "Session property '\(name)' does not exist", at: text.location(2))
        }
        let written = value.string ?? text.text(next + 1..<text.tokens.count)
        return .session(
            updateType: "SET SESSION",
            headers: [SessionHeader(name: "Set-Session", value: "\(name)=\(urlEncoded(written))")])
    }
}
