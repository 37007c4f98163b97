/// Which coordinators something happens to.
enum Which: Equatable {
    case number(Int)
    /// The one that has the statement.
    case itsOwn
    case all

    init(using random: inout SeededGenerator) {
        let chance = Int.random(in: 0..<3 * Step.coordinators, using: &random)
        self = chance == 0 ? .all : chance <= Step.coordinators ? .number(chance - 1) : .itsOwn
    }

    var words: String {
        switch self {
        case .number(let number): "c\(number + 1)"
        case .itsOwn: "its coordinator"
        case .all: "every coordinator"
        }
    }
}

/// What happens to a coordinator.
enum Happening: Equatable {
    case fault(Fault)
    case kill
    case start(isStarting: Bool)
    case freeze
    case thaw
    case warm
    case shutDown
    case workers(Bool)
    case work
    case fail(ModelError, isDone: Bool)

    static func anyFault(using random: inout SeededGenerator) -> Happening { .fault(.any(using: &random)) }

    static func anyError(using random: inout SeededGenerator) -> Happening {
        .fail(.any(using: &random), isDone: Bool.random(using: &random))
    }

    /// Something that makes it be away, or come back.
    static func anyOutage(using random: inout SeededGenerator) -> Happening {
        let all: [Happening] = [
            .kill, .kill, .start(isStarting: true), .start(isStarting: false), .start(isStarting: false), .freeze,
            .thaw, .warm, .shutDown, .workers(false), .workers(false), .workers(true),
        ]
        return all.randomElement(using: &random) ?? .kill
    }

    var words: String {
        switch self {
        case .fault(let fault):
            "answers \(fault.answer.words) to "
                + (fault.times == .max
                    ? "all requests" : fault.times == 1 ? "the next request" : "the next \(fault.times)")
                + (fault.isDone ? ", and does what it is asked" : "") + (fault.isDeadly ? ", and starts anew" : "")
        case .kill: "is killed"
        case .start(let isStarting): "starts anew\(isStarting ? " and is not ready yet" : "")"
        case .freeze: "freezes"
        case .thaw: "thaws"
        case .warm: "has started"
        case .shutDown: "begins to shut down"
        case .workers(let has): has ? "has workers" : "loses its workers"
        case .work: "works on what it runs"
        case .fail(let error, let isDone):
            "fails what it runs by \(error.rawValue)\(isDone ? ", after it was done" : "")"
        }
    }
}

/// One thing that happens. Every step can be taken in every state, so that a history stays one when steps are left out.
enum Step: Equatable {
    case time(Int64)
    case poll(Hold)
    /// A duplicate of an earlier poll, of which nobody reads the answer.
    case late(Int, Hold)
    case go(Int)
    case hangUp(Int)
    case coordinator(Which, Happening)
    case probe
    case flip(isRolledBack: Bool)
    case cancel(isRefused: Bool)
    case restartGateway
    case store(isAway: Bool)
    case spendBudget
    case openBreakers

    /// Coordinators in a history.
    static let coordinators = 4

    /// What a history is mostly about, besides polls.
    enum Theme: CaseIterable {
        case errors, network, outages, anything
    }

    init(_ theme: Theme, using random: inout SeededGenerator) {
        let which = Which(using: &random)
        let isOnTheme = Int.random(in: 0..<100, using: &random) < 35
        switch theme {
        case .errors where isOnTheme: self = .coordinator(which, .anyError(using: &random))
        case .network where isOnTheme: self = .coordinator(which, .anyFault(using: &random))
        case .outages where isOnTheme: self = .coordinator(which, .anyOutage(using: &random))
        case .errors, .network, .outages, .anything: self = Step(which, using: &random)
        }
    }

    private init(_ which: Which, using random: inout SeededGenerator) {
        let hold = Hold.allCases[max(0, Int.random(in: -4..<5, using: &random))]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40: self = .poll(hold)
        case 40..<45: self = .late(Int.random(in: 0..<6, using: &random), hold)
        case 45..<52: self = .go(Int.random(in: 0..<4, using: &random))
        case 52: self = .hangUp(Int.random(in: 0..<4, using: &random))
        case 53..<65: self = .time(Self.anyTime(using: &random))
        case 65..<71: self = .coordinator(which, .anyFault(using: &random))
        case 71..<76: self = .coordinator(which, .anyOutage(using: &random))
        case 76..<79: self = .coordinator(which, .work)
        case 79..<84: self = .coordinator(which, .anyError(using: &random))
        case 84..<87: self = .probe
        case 87..<89: self = .flip(isRolledBack: Bool.random(using: &random))
        case 89..<91: self = .cancel(isRefused: Int.random(in: 0..<4, using: &random) == 0)
        case 91: self = .restartGateway
        case 92..<95: self = .store(isAway: Bool.random(using: &random))
        case 95..<98: self = .spendBudget
        case _: self = .openBreakers
        }
    }

    /// Short times are frequent, and each limit has one beyond it.
    private static func anyTime(using random: inout SeededGenerator) -> Int64 {
        let times: [Int64] = [100, 1000, 3000, 10_000, 30_000, 60_000, 130_000, 200_000, 310_000, 1_000_000]
        let index = (0..<2).map { _ in Int.random(in: times.indices, using: &random) }.min() ?? 0
        return times[index]
    }

    var words: String {
        switch self {
        case .time(let time): "\(Double(time) / 1000) s pass"
        case .poll(let hold): "the client polls\(hold.words)"
        case .late(let index, let hold): "a duplicate of an earlier poll (\(index)) comes late\(hold.words)"
        case .go(let index): "an exchange (\(index)) goes on"
        case .hangUp(let index): "the client closes a connection (\(index))"
        case .coordinator(let which, let happens): "\(which.words) \(happens.words)"
        case .probe: "the prober looks"
        case .flip(let isRolledBack): "the other pool becomes active\(isRolledBack ? " by a rollback" : "")"
        case .cancel(let isRefused): "the client cancels\(isRefused ? " with wrong credentials" : "")"
        case .restartGateway: "the gateway restarts"
        case .store(let isAway): "the store is \(isAway ? "away" : "back")"
        case .spendBudget: "other statements spend the retry budget"
        case .openBreakers: "the breakers open"
        }
    }
}

extension Hold {
    var words: String {
        switch self {
        case .none: ""
        case .request: ", and is held before it is written"
        case .answer: ", and its answer is held"
        case .store: ", and is held while the store writes"
        case .page: ", and its page is held"
        }
    }
}
