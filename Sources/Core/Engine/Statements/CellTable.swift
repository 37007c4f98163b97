import Synchronization

/// All statements that this gateway holds, in shards, so that loops seldom meet.
public final class CellTable: Sendable {
    private final class Shard: Sendable { let cells = Mutex(Cells()) }
    private let shards: [Shard]
    /// How many shards there are: a power of two.
    public static let shardCount = 64

    /// No statements.
    public init() { shards = (0..<Self.shardCount).map { _ in Shard() } }

    private func shard(_ key: StatementKey) -> Shard {
        shards[Int(truncatingIfNeeded: key.number) & (Self.shardCount - 1)]
    }

    /// The cell of a statement.
    public func cell(_ key: StatementKey) -> Cell? { shard(key).cells.withLock { $0.find(key) } }

    /// Adds a cell unless there is one; answers the one that is there then.
    @discardableResult
    public func add(_ cell: Cell) -> Cell { shard(cell.key).cells.withLock { $0.add(cell) } }

    /// Forgets a statement.
    public func remove(_ key: StatementKey) { shard(key).cells.withLock { $0.remove(key) } }

    /// The cells of one shard, to be looked at without its lock.
    public func cells(ofShard index: Int) -> [Cell] { shards[index].cells.withLock { $0.all } }

    /// All cells.
    public var all: [Cell] { (0..<Self.shardCount).flatMap { cells(ofShard: $0) } }
}

/// The cells of one shard by their keys: a table with open addresses, which needs neither an allocation nor a hash of
/// many steps for a statement.
private struct Cells: Sendable {
    /// A power of two of places, at most three quarters of them taken.
    private var places: [Cell?]
    private var count = 0
    private static let least = 16

    init() { places = Array(repeating: nil, count: Self.least) }

    var all: [Cell] { places.compactMap { $0 } }

    func find(_ key: StatementKey) -> Cell? { places[index(of: key)] }

    mutating func add(_ cell: Cell) -> Cell {
        let index = index(of: cell.key)
        if let present = places[index] { return present }
        places[index] = cell
        count += 1
        if count * 4 > places.count * 3 { resize(to: places.count * 2) }
        return cell
    }

    mutating func remove(_ key: StatementKey) {
        var gap = index(of: key)
        guard places[gap] != nil else { return }
        places[gap] = nil
        count -= 1
        // What was put further on because this place was taken moves up, or it would not be found any more.
        var next = gap
        while true {
            next = following(next)
            guard let cell = places[next] else { break }
            let wanted = start(of: cell.key)
            let isReachable = gap <= next ? gap < wanted && wanted <= next : gap < wanted || wanted <= next
            if isReachable { continue }
            places[gap] = cell
            places[next] = nil
            gap = next
        }
        if places.count > Self.least, count * 8 < places.count { resize(to: places.count / 2) }
    }

    /// Where the cell of this key is, or would be put.
    private func index(of key: StatementKey) -> Int {
        var index = start(of: key)
        while let cell = places[index], cell.key != key { index = following(index) }
        return index
    }

    /// Where a key is looked for first. Every owner counts its statements up from the same number: where those lay side
    /// by side, the runs of two owners would pile up, and a look-up would go over all of one.
    private func start(of key: StatementKey) -> Int {
        let spread = (key.number ^ key.owner.random) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: spread >> 32) & (places.count - 1)
    }

    private func following(_ index: Int) -> Int { (index + 1) & (places.count - 1) }

    private mutating func resize(to size: Int) {
        let cells = all
        places = Array(repeating: nil, count: size)
        for cell in cells { places[index(of: cell.key)] = cell }
    }
}
