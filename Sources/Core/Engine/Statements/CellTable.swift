import Synchronization

/// All statements that this gateway holds, in shards, so that loops seldom meet.
public final class CellTable: Sendable {
    private let shards = InlineArray<64, Mutex<HashTable<Cell>>> { _ in Mutex(HashTable<Cell>()) }
    /// How many shards there are: a power of two.
    public static let shardCount = 64

    /// No statements.
    public init() {}

    private func shard(_ key: StatementKey) -> Int { Int(truncatingIfNeeded: key.number) & (Self.shardCount - 1) }

    /// The cell of a statement.
    public func cell(_ key: StatementKey) -> Cell? {
        shards[shard(key)].withLock { $0.find(key.spread) { $0.key == key } }
    }

    /// Adds a cell unless there is one; answers the one that is there then.
    @discardableResult
    public func add(_ cell: Cell) -> Cell {
        let key = cell.key
        return shards[shard(key)].withLock { $0.add(cell, at: key.spread) { $0.key == key } }
    }

    /// Forgets a statement.
    public func remove(_ key: StatementKey) {
        shards[shard(key)].withLock { _ = $0.remove(key.spread) { $0.key == key } }
    }

    /// The cells of one shard, to be looked at without its lock.
    public func cells(ofShard index: Int) -> [Cell] { shards[index].withLock { $0.all } }

    /// All cells.
    public var all: [Cell] { (0..<Self.shardCount).flatMap { cells(ofShard: $0) } }
}

extension StatementKey {
    /// Bits that differ from key to key. Every owner counts its statements up from the same number: where those lay
    /// side by side, the runs of two owners would pile up, and a look-up would go over all of one.
    public var spread: UInt64 { (number ^ owner.random) &* 0x9E37_79B9_7F4A_7C15 }
}
