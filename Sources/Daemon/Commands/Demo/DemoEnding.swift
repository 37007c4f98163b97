import Engine
import Model

/// What the demo shows at its end: what the clients saw, what the gateway's retry log says of it, and what stands in
/// the table that was written to.
struct DemoEnding {
    /// Lines of the retry log that are alike.
    private struct Entry {
        let first: RetryLine
        var statements: Set<String> = []
        var times = 0
        var waited: Int64 = 0
        var cost: Int64 = 0

        func isLike(_ line: RetryLine) -> Bool {
            first.failure == line.failure && first.rule == line.rule && first.action == line.action
                && first.gate == line.gate && first.outcome == line.outcome
        }

        mutating func add(_ line: RetryLine) {
            statements.insert(line.statement)
            times += line.times
            waited += line.waitMilliseconds
            // An attempt whose URI is asked for again has not failed: what it costs shows when it has.
            if !line.isRepeat { cost += line.costMilliseconds }
        }
    }

    private let load: DemoLoad
    private let misplaced: Int
    private let lines: [RetryLine]
    /// How often each number stands in the table.
    private let stored: [Int64: Int]
    /// The statement that most befell.
    private let example: StatementBody?
    private let now: Timestamp

    /// Asks the gateway for its retry log, and a coordinator for what was written.
    init(
        _ load: DemoLoad, _ admin: AdminClient, table: StatementClient, misplaced: Int, clock: any Clock
    ) async throws(Failure) {
        self.load = load
        self.misplaced = misplaced
        var lines = try await Self.retryLog(admin)
        // History is written behind.
        for _ in 0..<100 where lines.contains(where: { $0.outcome == .waiting || $0.outcome == .retried }) {
            guard (try? await clock.sleep(milliseconds: 100)) != nil else { break }
            lines = try await Self.retryLog(admin)
        }
        self.lines = lines
        let (outcome, numbers) = await table.numbers("SELECT entry FROM \(DemoLoad.journalTable)", user: "demo")
        if let error = outcome.error {
            throw Failure(code: .refused, message: "the table that the demo wrote to cannot be read: \(error)")
        }
        stored = numbers.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        now = clock.now()
        let befell = Dictionary(grouping: lines.lazy.filter { $0.outcome == .finished }, by: \.statement)
        if let (id, _) = befell.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }) {
            example = try await admin.get(["v1", "statements", id], as: StatementBody.self).body
        } else {
            example = nil
        }
    }

    /// The whole log, oldest line first.
    private static func retryLog(_ admin: AdminClient) async throws(Failure) -> [RetryLine] {
        var lines: [RetryLine] = []
        var cursor: String?
        repeat {
            let query = [("limit", "1000")] + (cursor.map { [("cursor", $0)] } ?? [])
            let page = try await admin.get(
                ["v1", "retries"], query: query.map { (name: $0.0, value: $0.1) }, as: ListBody<RetryLine>.self
            ).body
            lines += page.items
            cursor = page.nextCursor
        } while cursor != nil
        return lines.reversed()
    }

    /// Whether no statement failed or went to the wrong pool, and each row was written once.
    var isGood: Bool { load.failures == 0 && misplaced == 0 && doubled.isEmpty && missing.isEmpty }

    private var doubled: [Int64] { stored.filter { $0.value > 1 }.keys.sorted() }
    private var missing: [Int64] { load.journal.written.filter { stored[$0] == nil } }

    // MARK: Text

    /// The end of the story.
    func text(_ surroundings: Surroundings) -> String {
        func shown(_ table: Table) -> String {
            table.text(width: surroundings.columns, isColoured: surroundings.isColoured)
        }
        var text = "\nWhat the clients saw:\n\n\(shown(acts))"
        text += load.errors.map { "failed: \($0)\n" }.joined()
        text += "\nWhat the retry log says (penstock retries):\n\n\(shown(retries))"
        if let example {
            text += "\nOne of them (penstock statement \(example.id)):\n\n"
            text += Story(example, now: now).lines.map { $0 + "\n" }.joined()
        }
        return text + "\n" + verdict.joined(separator: "\n")
    }

    private var acts: Table {
        var table = Table("ACT", "POOL", .number("STATEMENTS"), .number("ROWS"), .number("FAILED"), .number("SLOWEST"))
        for tally in load.tallies.sorted(by: { ($0.act, $0.pool) < ($1.act, $1.pool) }) {
            table.add(
                Table.Cell(tally.act), Table.Cell(tally.pool), Table.Cell(tally.statements), Table.Cell(tally.rows),
                Table.Cell(tally.failures), Table.Cell("\(tally.slowestMilliseconds) ms"))
        }
        return table
    }

    private var retries: Table {
        var entries: [Entry] = []
        for line in lines {
            let index = entries.firstIndex { $0.isLike(line) } ?? entries.endIndex
            if index == entries.endIndex { entries.append(Entry(first: line)) }
            entries[index].add(line)
        }
        var table = Table(
            "FAILURE", "RULE", "CLASS", "ACTION", .number("STATEMENTS"), .number("TIMES"), .number("WAITED"),
            .number("COST"), "OUTCOME")
        for entry in entries {
            let line = entry.first
            table.add(
                Table.Cell(line.failure), Table.Cell(Shown.rule(line)), Table.Cell(line.failureClass.rawValue),
                Table.Cell(line.action.rawValue), Table.Cell(entry.statements.count), Table.Cell(entry.times),
                Table.Cell(Shown.span(milliseconds: entry.waited)),
                Table.Cell(line.isRepeat ? nil : Shown.span(milliseconds: entry.cost)),
                line.gate.map { Table.Cell("surfaced: \($0.rawValue)", .bad) } ?? Table.Cell(line.outcome))
        }
        return table
    }

    /// The last sentences, which say all that went wrong.
    private var verdict: [String] {
        let journal = load.journal
        let again = lines.filter { !$0.isRepeat && $0.outcome != .surfaced }
        let retried = Set(again.lazy.filter { !$0.isMove }.map(\.statement))
        let moved = Set(again.lazy.filter(\.isMove).map(\.statement))
        let writes = Set(again.lazy.filter { $0.user.hasPrefix("writer") }.map(\.statement))
        let cost = again.reduce(0) { $0 + $1.costMilliseconds }
        var lines = [
            "\(load.finished) statements, one flip, one rollback: \(load.failures) failed, \(misplaced) went to the "
                + "wrong pool after a flip's reply.",
            "\(retried.count) were retried, \(writes.count) of them INSERTs; \(moved.count) moved out of a queue before "
                + "anything failed. Attempts had run \(Shown.span(milliseconds: cost)) in vain.",
        ]
        if doubled.isEmpty, missing.isEmpty {
            lines.append("\(journal.written.count) INSERTs finished: each row stands in the table once.")
        } else {
            lines.append(
                "\(journal.written.count) INSERTs finished: \(missing.count) rows are missing \(missing.prefix(5)), "
                    + "\(doubled.count) stand there more than once \(doubled.prefix(5)).")
        }
        if !journal.failed.isEmpty {
            let written = journal.failed.count { stored[$0] != nil }
            lines.append("\(journal.failed.count) INSERTs failed: \(written) of their rows stand in the table.")
        }
        return lines
    }
}
