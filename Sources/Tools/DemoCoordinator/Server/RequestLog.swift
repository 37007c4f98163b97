/// What came to a coordinator, for tests: how many requests of which kind, and every statement.
struct RequestLog: Equatable {
    struct Entry: Equatable {
        let id: String
        /// The first `maximumText` characters of its text.
        let sql: String
        let user: String
        let source: String?
        /// `X-Penstock-Attempt`, where a gateway sent it.
        let attempt: String?
        let transaction: String?
        /// GETs of its pages.
        var polls = 0
        /// What it was to change is changed.
        var tookEffect = false
        var wasStarted = false
        var wasCanceled = false
        /// The page without nextUri has been given.
        var wasFinished = false
        var error: String?
    }

    /// The most statements that are kept; the oldest go first.
    static let maximum = 50_000
    /// How much of a statement's text is kept.
    static let maximumText = 10_000

    private(set) var counts: [String: Int] = [:]
    /// How often each text was POSTed, whatever the answer was.
    private(set) var posts: [String: Int] = [:]
    private var entries: [String: Entry] = [:]
    private var order: [String] = []

    mutating func count(_ kind: String) { counts[kind, default: 0] += 1 }

    mutating func countPost(of sql: String) {
        let text = String(sql.prefix(Self.maximumText))
        guard posts.count < Self.maximum || posts[text] != nil else { return }
        posts[text, default: 0] += 1
    }

    mutating func add(_ entry: Entry) {
        entries[entry.id] = entry
        order.append(entry.id)
        if order.count > Self.maximum { entries.removeValue(forKey: order.removeFirst()) }
    }

    mutating func change(_ id: String, _ body: (inout Entry) -> Void) {
        guard var entry = entries[id] else { return }
        body(&entry)
        entries[id] = entry
    }

    /// The log as JSON, the statements in the order of their submission.
    func json(name: String, incarnation: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(ascii: "{")
        bytes.append(member: "name", name)
        bytes.append(member: "incarnation", incarnation)
        bytes.append(member: "requests")
        bytes.append(ascii: "{")
        for kind in counts.keys.sorted() { bytes.append(member: kind, counts[kind]) }
        bytes.append(ascii: "}")
        bytes.append(member: "posts")
        bytes.append(ascii: "{")
        for text in posts.keys.sorted() { bytes.append(member: text, posts[text]) }
        bytes.append(ascii: "}")
        bytes.append(member: "statements")
        bytes.append(ascii: "[")
        for (offset, id) in order.enumerated() {
            guard let entry = entries[id] else { continue }
            if offset > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(ascii: "{")
            bytes.append(member: "id", entry.id)
            bytes.append(member: "sql", entry.sql)
            bytes.append(member: "user", entry.user)
            bytes.append(member: "source", entry.source)
            bytes.append(member: "attempt", entry.attempt)
            bytes.append(member: "transaction", entry.transaction)
            bytes.append(member: "polls", entry.polls)
            bytes.append(member: "started", entry.wasStarted)
            bytes.append(member: "took_effect", entry.tookEffect)
            bytes.append(member: "canceled", entry.wasCanceled)
            bytes.append(member: "finished", entry.wasFinished)
            bytes.append(member: "error", entry.error)
            bytes.append(ascii: "}")
        }
        bytes.append(ascii: "]}")
        return bytes
    }
}
