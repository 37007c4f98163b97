import Testing
import Wire

@testable import Engine

/// A cell moves its coordinator's counts as its machine says.
@Suite struct CellTests {
    private func cell(_ load: CoordinatorLoad) -> Cell {
        let key = StatementKey(owner: Owner(counter: 1, random: 2), number: 3)
        let cell = Cell(
            key: key, machine: StatementMachine(reads: true, startsOnPost: false, now: 0),
            placement: Placement(group: "g", submitted: Timestamp(milliseconds: 0)))
        var placement = cell.placement
        placement.load = load
        cell.submit(attempt: 1, placement: placement, now: 0)
        return cell
    }

    @Test func countsQueuedThenRunningThenNothing() {
        let load = CoordinatorLoad()
        let cell = cell(load)
        #expect(load.parts == (1, 0, 0))
        let running = PageFacts(hasNext: true, runs: true, writes: false, failed: false)
        #expect(cell.page(attempt: 1, facts: running, now: 1).becameRunning)
        #expect(load.parts == (0, 1, 0))
        #expect(!cell.page(attempt: 1, facts: running, now: 2).becameRunning)
        let last = PageFacts(hasNext: false, runs: true, writes: false, failed: false)
        #expect(cell.page(attempt: 1, facts: last, now: 3).ended)
        #expect(load.total == 0)
    }

    @Test func aStatementThatMovesCountsOnItsNewCoordinatorOnly() {
        let first = CoordinatorLoad()
        let second = CoordinatorLoad()
        let cell = cell(first)
        var placement = cell.placement
        placement.load = second
        cell.submit(attempt: 2, placement: placement, now: 1)
        #expect(first.total == 0)
        #expect(second.total == 1)
    }

    @Test func theTableKeepsTheFirstOfTwoCells() {
        let table = CellTable()
        let one = cell(CoordinatorLoad())
        let other = cell(CoordinatorLoad())
        #expect(table.add(one) === one)
        #expect(table.add(other) === one)
        table.remove(one.key)
        #expect(table.cell(one.key) == nil)
    }
}
