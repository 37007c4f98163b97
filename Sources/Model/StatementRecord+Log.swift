extension StatementRecord {
    /// What the log's one line of a finished statement says. No text of the statement, no message of an error: they may
    /// hold what the tables hold.
    public var logFields: [LogField] {
        var fields: [LogField] = []
        fields.reserveCapacity(16)
        fields += [
            LogField("statement", id), LogField("state", state.rawValue), LogField("user", user),
            LogField("source", source), LogField("group", group), LogField("pool", pool),
            LogField("coordinator", coordinator),
        ]
        if let kind { fields.append(LogField("kind", kind.rawValue)) }
        if !queryIDs.isEmpty { fields.append(LogField("query_ids", queryIDs.joined(separator: ","))) }
        fields.append(LogField("attempts", String(attempts.count)))
        if retries > 0 {
            fields.append(LogField("retried", String(retries)))
            let rules = Set(verdicts.lazy.filter { $0.isRetried && $0.endsAttempt }.compactMap(\.rule))
            fields.append(LogField("rules", rules.sorted().joined(separator: ",")))
        }
        if !waits.isEmpty { fields.append(LogField("waited_ms", String(waited))) }
        if let failure = failure ?? attempts.last?.failure { fields.append(LogField("failure", failure)) }
        if let gate = verdicts.last?.gate { fields.append(LogField("gate", gate.rawValue)) }
        if let ended {
            fields.append(LogField("elapsed_ms", String(ended.milliseconds - submitted.milliseconds)))
        }
        return fields
    }
}

extension Log {
    /// Whether finished statements have their line.
    public var writesFinished: Bool { writes(.info) }

    /// Writes the one line of each of these finished statements.
    public func write(finished drafts: [RecordDraft]) {
        for draft in drafts { write(.info, RecordDraft.endMessage, draft.record.logFields) }
    }
}

extension RecordDraft {
    /// What the log's line of a finished statement begins with.
    public static let endMessage: StaticString = "statement ended"
}
