import Engine

/// What stays the same throughout a history.
struct Scenario: Equatable {
    var script = Script()
    var reads: Bool { script.reads }
    /// The active pool runs statements in the POST; likewise the other.
    var startsOnPost = [false, false]
    /// The idle pool takes retries.
    var takesRetries = false
    /// The idle pool is tagged as bigger.
    var hasBigger = false
    /// The other pool's columns are others.
    var columnsDiffer = false
    /// The client named the active pool.
    var isPoolFixed = false
    /// It belongs to a transaction of the first coordinator.
    var isInTransaction = false
    var isChained = false
    var mode = RetryMode.on
    /// There was room for its capsule.
    var hasCapsule = true
    /// `limits.waiting_statements` are waiting already.
    var isWaitingFull = false
    /// `limits.tombstones` are there already.
    var areTombstonesFull = false
    /// The engine takes a DELETE of what was never polled.
    var withdrawsUnstarted = true
    /// A gateway that comes after this one knows from the store that it reads.
    var isKindStored = true
    var optsIn = false
    /// In the end everything works again.
    var heals = true
    /// How far the client's POST gets before the first step.
    var postHold = Hold.none

    /// The features that can be set back to their defaults, to see whether a history needs them.
    static let simplifications: [@Sendable (inout Scenario) -> Void] = [
        { $0.script.queued = 1 }, { $0.script.rowPages = 1 }, { $0.script.columnsFirst = false },
        { $0.script.changesSession = false }, { $0.startsOnPost = [false, false] }, { $0.takesRetries = false },
        { $0.hasBigger = false }, { $0.columnsDiffer = false }, { $0.isPoolFixed = false },
        { $0.isInTransaction = false }, { $0.isChained = false }, { $0.mode = .on }, { $0.hasCapsule = true },
        { $0.isWaitingFull = false }, { $0.areTombstonesFull = false }, { $0.withdrawsUnstarted = true },
        { $0.isKindStored = true },
        { $0.optsIn = false }, { $0.heals = true }, { $0.postHold = .none },
    ]

    init() {}

    /// Most features are rare, so that most histories are about the statement, not about what forbids its retries.
    init(using random: inout SeededGenerator) {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        script.reads = chance(60)
        script.queued = Int.random(in: 0...4, using: &random)
        script.rowPages = Int.random(in: 0...2, using: &random)
        script.columnsFirst = chance(40)
        script.changesSession = chance(5)
        startsOnPost = [chance(20), chance(20)]
        takesRetries = chance(50)
        hasBigger = chance(50)
        columnsDiffer = chance(25)
        isPoolFixed = chance(10)
        isInTransaction = chance(8)
        isChained = chance(4)
        if chance(10) { mode = chance(50) ? .shadow : .off }
        hasCapsule = !chance(5)
        isWaitingFull = chance(5)
        areTombstonesFull = chance(5)
        withdrawsUnstarted = chance(70)
        isKindStored = chance(60)
        optsIn = chance(30)
        heals = chance(70)
        if chance(30) { postHold = Hold.allCases.randomElement(using: &random) ?? .none }
    }

    var words: String {
        var words = ["a \(reads ? "read" : "write") of \(script.queued) queued pages"]
        if reads { words.append("\(script.rowPages) pages of rows\(script.columnsFirst ? " after the columns" : "")") }
        let features: [(Bool, String)] = [
            (script.changesSession, "a session header"), (startsOnPost[0], "blue starts on POST"),
            (startsOnPost[1], "green starts on POST"), (takesRetries, "green takes retries"),
            (hasBigger, "green is bigger"), (columnsDiffer, "green has other columns"),
            (isPoolFixed, "pool named by the client"), (isInTransaction, "in a transaction of c1"),
            (isChained, "itself a retry"), (mode != .on, "mode \(mode.rawValue)"), (!hasCapsule, "no capsule"),
            (isWaitingFull, "waiting is full"), (areTombstonesFull, "tombstones are full"),
            (!withdrawsUnstarted, "Presto"),
            (!isKindStored, "kind unknown to the store"), (optsIn, "X12 opted in"), (!heals, "nothing heals"),
            (postHold != .none, "POST held at its \(postHold)"),
        ]
        words += features.filter(\.0).map(\.1)
        return words.joined(separator: ", ")
    }
}

/// Where an exchange rests until a later step lets it go on.
enum Hold: CaseIterable {
    /// It runs to its end.
    case none
    /// The cell was asked; nothing was written yet.
    case request
    /// The answer is on its way.
    case answer
    /// What must be durable before the POST is being stored.
    case store
    /// The page is about to leave.
    case page
}
