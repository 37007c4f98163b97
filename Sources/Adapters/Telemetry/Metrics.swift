import Engine
import Model

/// A scrape's reading in Prometheus' text format.
public func metricsText(_ reading: MetricsReading) -> String {
    var text = MetricsText()
    text.add("build_info", .gauge, "Always 1; the version is a label.", [.init(1, ("version", reading.version))])
    text.add(
        "start_time_seconds", .gauge, "When the gateway started, in seconds since 1970.",
        [.init(seconds: reading.started.milliseconds)])
    text.add("ready", .gauge, "1 while clients are served.", [.init(reading.isReady)])
    addTraffic(reading.counters, to: &text)
    addGroups(reading.groups, to: &text)
    // A retired registration may have the name of the one that replaced it; its pool counts what it still has.
    let coordinators = reading.groups.flatMap(\.pools).flatMap(\.coordinators).filter { !$0.isRetired }
    addCoordinators(coordinators, to: &text)
    text.add(
        "statements_ended_total", .counter, "Statements that ended, by the state in which they did.",
        StatementState.allCases.filter(\.isTerminal).map {
            .init(reading.ended[$0] ?? 0, ("state", $0.rawValue))
        })
    addRetries(reading.retries, reading.retryState, to: &text)
    text.add(
        "flips_total", .counter, "Flips and rollbacks committed.",
        reading.groups.map { .init(reading.flips[$0.name] ?? 0, ("group", $0.name)) })
    text.add(
        "flips_refused_total", .counter, "Flips and rollbacks refused, by the guard that refused.",
        FlipGuard.allCases.filter { $0 != .needsRestart }.map {
            .init(reading.refusedFlips[$0] ?? 0, ("guard", $0.rawValue))
        })
    text.add(
        "history_dropped_total", .counter, "Records of history dropped because the store did not keep up.",
        reading.droppedRecords)
    let kind = ("store", reading.store.kind)
    text.add("store_writable", .gauge, "1 while the store can be written.", [.init(reading.store.isWritable, kind)])
    text.add("store_bytes", .gauge, "Bytes that the store takes.", [.init(reading.store.bytes, kind)])
    return text.text
}

private func addTraffic(_ counters: RelayCounters, to text: inout MetricsText) {
    text.add("submissions_total", .counter, "POSTs of statements taken.", counters.submissions)
    text.add("polls_total", .counter, "Polls relayed.", counters.polls)
    text.add("other_requests_total", .counter, "Other requests answered or relayed.", counters.others)
    text.add(
        "refused_requests_total", .counter, "Requests refused before anything was done with them.", counters.refused)
    text.add("page_bytes_total", .counter, "Bytes of page bodies sent to clients.", counters.pageBytes)
    text.add("repeats_total", .counter, "Exchanges repeated on the same URI.", counters.repeats)
    text.add(
        "waiting_pages_total", .counter, "Pages without rows made because a coordinator gave no answer.",
        counters.waitingPages)
    text.add(
        "own_errors_total", .counter, "Statements that ended with an error of the gateway's own.", counters.ownErrors)
    text.add(
        "dropped_events_total", .counter, "Events of history dropped because a loop's buffer was full.",
        counters.droppedEvents)
    text.add(
        "patterns_given_up_total", .counter, "Times that a pattern of the policy reached a limit: no match.",
        counters.patternsGivenUp)
    text.add("client_connections_total", .counter, "Connections of clients accepted.", counters.connections)
    text.add("client_connections", .gauge, "Connections of clients open now.", counters.openConnections)
    text.add("idle_connections", .gauge, "Connections to coordinators at rest now.", counters.idleConnections)
}

private func addRetries(_ counts: RetryCounts, _ state: RetryState, to text: inout MetricsText) {
    text.add(
        "verdicts_total", .counter, "Failures judged, by the rule, what it says, and the gate that stopped a retry.",
        counts.verdicts.map { series, count in
            .init(
                count, ("rule", series.rule ?? "none"), ("class", series.failureClass.rawValue),
                ("action", series.action.rawValue), ("gate", series.gate?.rawValue ?? "none"))
        }.sorted(by: MetricsText.Sample.isBefore))
    text.add(
        "retries_total", .counter,
        "Attempts made again, of statements that have ended, by the rule and by whether the statement finished.",
        counts.retries.map { series, count in
            .init(count, ("rule", series.rule ?? "none"), ("outcome", series.hasFinished ? "finished" : "failed"))
        }.sorted(by: MetricsText.Sample.isBefore))
    text.add("statements_waiting", .gauge, "Statements that wait in the gateway now.", state.waiting)
    text.add(
        "waits_total", .counter, "Waits in the gateway, of statements that have ended, by their reason.",
        WaitReason.allCases.map { .init(counts.waits[$0]?.count ?? 0, ("reason", $0.rawValue)) })
    text.add(
        "wait_seconds_total", .counter, "Seconds that these waits took together.",
        WaitReason.allCases.map { .init(seconds: counts.waits[$0]?.milliseconds ?? 0, ("reason", $0.rawValue)) })
    text.add(
        "retry_budget_limit", .gauge, "Retries that the budget allows in its window, as it stands now.",
        state.budgetLimit)
    text.add("retry_budget_available", .gauge, "Those of them that are left.", state.budgetLeft)
    text.add("breakers_open", .gauge, "Rules whose breaker is open.", state.openBreakers.count)
    text.add(
        "breaker_open", .gauge, "1 for each rule whose breaker is open; the others are left out.",
        state.openBreakers.map { .init(true, ("rule", $0)) })
    text.add("capsule_bytes", .gauge, "Bytes of texts and headers kept for retries.", state.capsuleBytes)
}

private func addGroups(_ groups: [GroupBody], to text: inout MetricsText) {
    let pools = groups.flatMap { group in group.pools.map { (("group", group.name), ("pool", $0.name), $0) } }
    text.add("group_epoch", .gauge, "Raised by each flip.", groups.map { .init($0.epoch, ("group", $0.name)) })
    text.add("pool_active", .gauge, "1 for the active pool of a group.", pools.map { .init($2.isActive, $0, $1) })
    text.add(
        "pool_healthy", .gauge, "1 while a coordinator of the pool takes statements.",
        pools.map { .init($2.isHealthy, $0, $1) })
    text.add(
        "pool_in_flight", .gauge, "Statements in flight, by what is known of them.",
        pools.flatMap { group, pool, body in
            [
                .init(body.inFlight.waiting, group, pool, ("state", "waiting")),
                .init(body.inFlight.queued, group, pool, ("state", "queued")),
                .init(body.inFlight.running, group, pool, ("state", "running")),
                .init(body.inFlight.presumed, group, pool, ("state", "presumed")),
            ]
        })
    text.add(
        "pool_open_transactions", .gauge, "Transactions open in the pool.",
        pools.map { .init($2.openTransactions, $0, $1) })
    text.add(
        "pool_drain", .gauge, "1 for the state of the pool's drain.",
        pools.flatMap { group, pool, body in
            DrainState.allCases.map { .init(body.drain == $0, group, pool, ("drain", $0.rawValue)) }
        })
}

private func addCoordinators(_ coordinators: [CoordinatorBody], to text: inout MetricsText) {
    let lines = coordinators.map { (("group", $0.group), ("pool", $0.pool), ("coordinator", $0.name), $0) }
    text.add(
        "coordinator_health", .gauge, "1 for the health of the coordinator.",
        lines.flatMap { group, pool, name, body in
            CoordinatorHealth.allCases.map { .init(body.health == $0, group, pool, name, ("health", $0.rawValue)) }
        })
    text.add(
        "coordinator_in_flight", .gauge, "Statements in flight, presumed ones too.",
        lines.map { .init($3.inFlight, $0, $1, $2) })
    text.add(
        "coordinator_drained", .gauge, "1 while an operator drains it.", lines.map { .init($3.isDrained, $0, $1, $2) })
    text.add(
        "coordinator_workers", .gauge, "Its workers, where their number is known.",
        lines.compactMap { group, pool, name, body in body.workers.map { .init($0, group, pool, name) } })
}
