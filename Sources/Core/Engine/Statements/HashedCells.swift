/// Cells by a hash of 64 bits: a table with open addresses. It looks at no cell but those whose hash is the same, so that
/// it may be large without being slow, and a statement needs no allocation of its own in it.
public struct HashedCells: Sendable {
    private struct Slot: Sendable {
        var hash: UInt64 = 0
        var cell: Cell?
    }
    /// A power of two of slots, at most three quarters of them taken.
    private var slots: [Slot]
    /// How many cells there are.
    public private(set) var count = 0
    private static let least = 16

    /// None.
    public init() { slots = Array(repeating: Slot(), count: Self.least) }

    /// All of them.
    public var all: [Cell] {
        var cells: [Cell] = []
        cells.reserveCapacity(count)
        for index in slots.indices {
            if let cell = slots[index].cell { cells.append(cell) }
        }
        return cells
    }

    /// The cell with this hash that is the one.
    public func find(_ hash: UInt64, where isTheOne: (Cell) -> Bool) -> Cell? {
        slots[index(of: hash, where: isTheOne)].cell
    }

    /// Adds a cell unless one is there already; answers the one that is there then.
    @discardableResult
    public mutating func add(_ cell: Cell, at hash: UInt64, unless isTheOne: (Cell) -> Bool) -> Cell {
        let index = index(of: hash, where: isTheOne)
        if let present = slots[index].cell { return present }
        put(cell, hash, at: index)
        return cell
    }

    /// Adds a cell in the place of whichever has the same hash.
    public mutating func replace(with cell: consuming Cell, at hash: UInt64) {
        put(cell, hash, at: index(of: hash) { _ in true })
    }

    private mutating func put(_ cell: consuming Cell, _ hash: UInt64, at index: Int) {
        if slots[index].cell == nil { count += 1 }
        slots[index] = Slot(hash: hash, cell: cell)
        if count * 4 > slots.count * 3 { resize(to: slots.count * 2) }
    }

    /// Takes a cell out.
    @discardableResult
    public mutating func remove(_ hash: UInt64, where isTheOne: (Cell) -> Bool) -> Cell? {
        var gap = index(of: hash, where: isTheOne)
        guard let removed = slots[gap].cell.take() else { return nil }
        count -= 1
        // What was put further on because this slot was taken moves up, or it would not be found any more.
        var next = gap
        while true {
            next = following(next)
            guard slots[next].cell != nil else { break }
            let wanted = start(of: slots[next].hash)
            let isReachable = gap <= next ? gap < wanted && wanted <= next : gap < wanted || wanted <= next
            if isReachable { continue }
            slots.swapAt(gap, next)
            gap = next
        }
        if slots.count > Self.least, count * 8 < slots.count { resize(to: slots.count / 2) }
        return removed
    }

    /// Where the cell is, or would be put.
    private func index(of hash: UInt64, where isTheOne: (Cell) -> Bool) -> Int {
        var index = start(of: hash)
        while slots[index].cell != nil {
            if slots[index].hash == hash, let cell = slots[index].cell, isTheOne(cell) { break }
            index = following(index)
        }
        return index
    }

    /// Where a cell with this hash is looked for first.
    private func start(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1) }

    private func following(_ index: Int) -> Int { (index + 1) & (slots.count - 1) }

    private mutating func resize(to size: Int) {
        var old = slots
        slots = Array(repeating: Slot(), count: size)
        for at in old.indices where old[at].cell != nil {
            var index = start(of: old[at].hash)
            while slots[index].cell != nil { index = following(index) }
            swap(&slots[index], &old[at])
        }
    }
}
