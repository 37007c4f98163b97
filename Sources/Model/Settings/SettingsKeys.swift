import Engine

extension Settings: SettingsEntry {
    /// The defaults.
    public static let blank = Settings()

    /// Every key but those of the entries of lists.
    public static let keys: [SettingsKey<Settings>] = base + retry + limit

    private static let replicas = "gateways that share a store"

    private static let base: [SettingsKey<Settings>] = [
        .init("listen.address", \.listen.address, .address),
        .init("listen.port", \.listen.port, .port),
        .init("listen.loops", \.listen.loops, .number(1...64), or: .text("auto")),
        .init("listen.external_url", \.listen.externalURL, .serverURL, or: .null),
        .init(
            "listen.trusted_proxies", \.listen.trustedProxies, .list(of: .text("a CIDR", example: "10.0.0.0/8")),
            later: "believing what proxies say of clients"),
        .init("admin.address", \.admin.address, .address),
        .init("admin.port", \.admin.port, .port),
        .init("admin.metrics", \.admin.metrics, .word()),
        .init("admin.token_file", \.admin.tokenFile, .path),
        .init("state.directory", \.state.directory, .path),
        .init("state.store", \.state.store, .store),
        .init("state.history.age", \.state.history.age, .duration(.hours(1) ... .days(3650))),
        .init("state.history.size", \.state.history.size, .size(1 << 20...1 << 44)),
        .init("log.level", \.log.level, .level),
        .init("log.format", \.log.format, .word()),
        .init("shutdown.delay", \.shutdown.delay, .duration(.zero ... .hours(1))),
        .init("shutdown.grace", \.shutdown.grace, .duration(.zero ... .hours(1))),
        .init("replicas.advertise", \.replicas.advertise, .serverURL, or: .null, later: replicas),
        .init(
            "replicas.lease", \.replicas.lease, .duration(.seconds(1) ... .minutes(10)),
            later: replicas),
        .init(
            "replicas.when_store_away", \.replicas.whenStoreAway, .word(),
            later: replicas),
    ]

    private static let retry: [SettingsKey<Settings>] = [
        .init("retries.mode", \.retries.mode, .word()),
        .init("retries.attempts", \.retries.attempts, .number(1...100)),
        .init("retries.elapsed", \.retries.elapsed, .duration(.seconds(1) ... .days(1))),
        .init("retries.budget.share", \.retries.budget.share, .share),
        .init("retries.budget.floor", \.retries.budget.floor, .number(0...1_000_000)),
        .init("retries.budget.window", \.retries.budget.window, .duration(.seconds(1) ... .hours(1))),
        .init("retries.opt_in", \.retries.optIn, .list(of: .text("the id of a rule", example: "U11"))),
        .init("policy", \.policy.file, .path, or: .null),
    ]

    private static let limit: [SettingsKey<Settings>] = [
        .init("limits.wait_for_coordinator", \.limits.waitForCoordinator, .duration(.zero ... .days(1))),
        .init("limits.poll_answer", \.limits.pollAnswer, .duration(.milliseconds(100) ... .minutes(10))),
        .init("limits.submit_answer", \.limits.submitAnswer, .duration(.milliseconds(100) ... .minutes(10))),
        .init("limits.gone", \.limits.gone, .duration(.seconds(1) ... .hours(1))),
        .init("limits.cancel_answer", \.limits.cancelAnswer, .duration(.milliseconds(100) ... .minutes(10))),
        .init("limits.abandoned", \.limits.abandoned, .duration(.seconds(1) ... .days(1))),
        .init("limits.remembered", \.limits.remembered, .duration(.seconds(1) ... .days(1))),
        .init("limits.idle_transaction", \.limits.idleTransaction, .duration(.seconds(1) ... .days(1))),
        .init("limits.waiting_statements", \.limits.waitingStatements, .number(0...10_000_000)),
        .init("limits.statement_text", \.limits.statementText, .size(1 << 10...1 << 30)),
        .init("limits.kind_text", \.limits.kindText, .size(1 << 10...1 << 24)),
        .init("limits.head_size", \.limits.headSize, .size(1 << 12...1 << 24)),
        .init("limits.page_start", \.limits.pageStart, .size(1 << 12...1 << 20)),
        .init("limits.last_page", \.limits.lastPage, .size(1 << 12...1 << 26)),
        .init("limits.high_water", \.limits.highWater, .size(1 << 16...1 << 26)),
        .init("limits.head_time", \.limits.headTime, .duration(.milliseconds(100) ... .minutes(10))),
        .init("limits.body_progress", \.limits.bodyProgress, .duration(.milliseconds(100) ... .hours(1))),
        .init("limits.idle_client", \.limits.idleClient, .duration(.seconds(1) ... .days(1))),
        .init("limits.client_connections", \.limits.clientConnections, .number(1...1_000_000), or: .text("auto")),
        .init("limits.reader_progress", \.limits.readerProgress, .duration(.seconds(1) ... .hours(1))),
        .init("limits.connect", \.limits.connect, .duration(.milliseconds(100) ... .minutes(10))),
        .init("limits.idle_upstream", \.limits.idleUpstream, .duration(.seconds(1) ... .hours(1))),
        .init("limits.heads", \.limits.heads, .size(0...1 << 40)),
        .init("limits.bodies", \.limits.bodies, .size(1 << 16...1 << 40)),
        .init("limits.capsules", \.limits.capsules, .size(0...1 << 40)),
        .init("limits.pages_kept_back", \.limits.pagesKeptBack, .size(0...1 << 40)),
        .init("limits.answered_pages", \.limits.answeredPages, .size(0...1 << 40)),
        .init("limits.relay_buffers", \.limits.relayBuffers, .size(1 << 16...1 << 40)),
        .init("limits.tombstones", \.limits.tombstones, .size(0...1 << 40)),
    ]
}

extension GroupSettings: SettingsEntry {
    /// Without a name, an active pool and pools.
    public static let blank = GroupSettings(name: "", active: "", pools: [])

    /// The keys of an entry of `groups`, but `pools`.
    public static let keys: [SettingsKey<GroupSettings>] = [
        .init("name", \.name, .name, isRequired: true),
        .init("active", \.active, .name),
    ]
}

extension PoolSettings: SettingsEntry {
    /// Without a name.
    public static let blank = PoolSettings(name: "")

    /// The keys of an entry of `pools`, but `coordinators`.
    public static let keys: [SettingsKey<PoolSettings>] = [
        .init("name", \.name, .name, isRequired: true),
        .init("dialect", \.dialect, .dialect),
        .init("starts", \.starts, .word()),
        .init("takes", \.takes, .takes),
        .init("bigger", \.bigger, .flag),
        .init("ui_url", \.uiURL, .webURL, or: .null),
        .init("forwarded", \.forwarded, .word(), later: "telling of clients"),
        .init("credentials", nullUntil: "speaking to coordinators as a user of the gateway's own"),
        .init("pinned_users", \.pinnedUsers, .list(of: .pattern)),
        .init("probe.path", \.probe.path, .urlPath),
        .init("probe.interval", \.probe.interval, .duration(.milliseconds(100) ... .hours(1))),
        .init("probe.timeout", \.probe.timeout, .duration(.milliseconds(50) ... .minutes(10))),
        .init("probe.fall", \.probe.fall, .number(1...100)),
        .init("probe.rise", \.probe.rise, .number(1...100)),
        .init("probe.workers", \.probe.workers, .word()),
    ]
}

extension CoordinatorSettings: SettingsEntry {
    /// Without a name and a URL.
    public static let blank = CoordinatorSettings(name: "", url: .blank)

    /// The keys of an entry of `coordinators`.
    public static let keys: [SettingsKey<CoordinatorSettings>] = [
        .init("name", \.name, .name, isRequired: true),
        .init("url", \.url, .coordinatorURL, isRequired: true),
    ]
}

extension Selector: SettingsEntry {
    /// Without conditions and without a group.
    public static let blank = Selector(group: "")

    /// The keys of an entry of `routing`.
    public static let keys: [SettingsKey<Selector>] = [
        .init("when.user", \.user, .pattern, or: .null),
        .init("when.source", \.source, .pattern, or: .null),
        .init("when.client_tag", \.clientTag, .pattern, or: .null),
        .init("when.header", \.headers, .headers),
        .init("when.catalog", \.catalog, .pattern, or: .null),
        .init("when.kind", \.kind, .word(), or: .null),
        .init("group", \.group, .name, isRequired: true),
    ]
}

extension Duration {
    fileprivate static func minutes(_ number: Int) -> Duration { .seconds(number * 60) }
    fileprivate static func hours(_ number: Int) -> Duration { .seconds(number * 3600) }
    fileprivate static func days(_ number: Int) -> Duration { .seconds(number * 86_400) }
}
