import Testing
import Wire

@testable import Engine

/// The table finds what was added and not removed, whatever lay in the way of what.
@Suite struct CellTableTests {
    private func cell(_ key: StatementKey) -> Cell {
        Cell(
            key: key, machine: StatementMachine(reads: true, startsOnPost: false, now: 0),
            placement: Placement(Place(group: "g"), submitted: Timestamp(milliseconds: 0)))
    }

    @Test(arguments: 0..<8)
    func findsWhatADictionaryFinds(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let owners = (1...3).map { Owner(counter: $0, random: UInt64.random(in: 0...(.max >> 32), using: &random)) }
        let table = CellTable()
        var known: [StatementKey: Cell] = [:]
        // Of four shards of the table, so that each grows, has long runs, and shrinks again.
        let keys = owners.flatMap { owner in
            (0..<2000).map { StatementKey(owner: owner, number: UInt64($0 >> 2) << 6 | UInt64($0 & 3)) }
        }
        for step in 0..<20_000 {
            guard let key = keys.randomElement(using: &random) else { return }
            let grows = step < 10_000
            if grows == (Int.random(in: 0..<4, using: &random) > 0) {
                let added = table.add(cell(key))
                #expect(known[key] == nil || known[key] === added, "seed \(seed), step \(step)")
                known[key] = added
            } else {
                table.remove(key)
                known[key] = nil
            }
        }
        for key in keys { #expect(table.cell(key) === known[key], "seed \(seed), \(key)") }
        #expect(table.all.count == known.count, "seed \(seed)")
        for key in keys { table.remove(key) }
        #expect(table.all.isEmpty, "seed \(seed)")
    }

    /// Where two have the same hash, the newer is there.
    @Test func theNewerOfTwoWithTheSameHashIsFound() {
        let owner = Owner(counter: 1, random: 2)
        let (one, other) = (
            cell(StatementKey(owner: owner, number: 1)), cell(StatementKey(owner: owner, number: 2))
        )
        var cells = HashTable<Cell>()
        cells.replace(with: one, at: 7)
        cells.replace(with: other, at: 7)
        #expect(cells.count == 1)
        #expect(cells.remove(7) { $0 === one } == nil)
        #expect(cells.find(7) { _ in true } === other)
        #expect(cells.remove(7) { $0 === other } === other)
        #expect(cells.count == 0)
        #expect(cells.all.isEmpty)
    }
}
