import Engine
import Model
import SQL
import Testing
import Wire

let retryLaws = [
    StorageLaw("gives back verdicts and waits as they were written last") { place in
        var store = try await place.open()
        var record = statement(1, verdicts: 3)
        try await store.record([record, statement(2)])
        record.verdicts.remove(at: 1)
        record.verdicts[1].message = "it's \"full\" ü\0 now"
        record.verdicts[1].outcome = .finished
        record.verdicts[1].times = 7
        record.verdicts[1].last = noon.adding(minutes: 9)
        record.droppedVerdicts = 4
        record.waits = [
            WaitRecord(began: noon, ended: noon.adding(minutes: 1), reason: .noCoordinator),
            WaitRecord(began: noon.adding(minutes: 1), reason: .backOff),
        ]
        record.droppedWaits = 5
        try await store.record([record])
        await store.close()
        store = try await place.open()
        #expect(try await store.statement(record.id) == record)
        #expect(try await store.statements(StatementFilter()) == [statement(2), record])
        await store.close()
    },
    StorageLaw("filters and pages the retry log, newest first") { place in
        let store = try await place.open()
        let records = (0..<20).map { statement($0, verdicts: $0 % 5) }
        try await store.record(records)
        let log = records.flatMap(\.lines).sorted { $0.position > $1.position }
        #expect(log.count == 40)
        func expect(
            _ change: (inout RetryFilter) -> Void, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            var filter = RetryFilter()
            change(&filter)
            let wanted = log.filter { line in
                filter.matches(line, queryIDs: records.first { $0.id == line.statement }?.queryIDs ?? [])
            }
            #expect(!wanted.isEmpty, sourceLocation: sourceLocation)
            #expect(try await store.retries(filter) == wanted, sourceLocation: sourceLocation)
        }
        try await expect { _ in }
        try await expect { $0.rules = ["R1"] }
        try await expect { $0.rules = ["R1", "R2"] }
        try await expect { $0.classes = [.resource, .unavailable] }
        try await expect { $0.actions = [.same] }
        try await expect { $0.gates = [.transaction] }
        try await expect { $0.outcomes = [.surfaced] }
        try await expect { $0.statement = "statement_4" }
        try await expect { $0.statement = "engine_4" }
        try await expect { $0.user = "user 1" }
        try await expect { $0.group = "group 2" }
        try await expect { $0.pool = "pool 1" }
        try await expect { $0.coordinator = "coordinator 2" }
        try await expect {
            $0.since = noon.adding(minutes: 2)
            $0.until = noon.adding(minutes: 4)
            $0.outcomes = [.waiting, .surfaced]
        }
        var filter = RetryFilter()
        filter.rules = ["none"]
        #expect(try await store.retries(filter) == [])

        var paged: [RetryRecord] = []
        filter = RetryFilter()
        filter.limit = 7
        while true {
            let page = try await store.retries(filter)
            guard let last = page.last else { break }
            #expect(page.count <= 7)
            paged += page
            filter.after = last.position
        }
        #expect(paged == log)
        await store.close()
    },
    StorageLaw("finds statements by their verdicts") { place in
        let store = try await place.open()
        var all = (0..<20).map { statement($0, verdicts: $0 % 5) }
        // Submitted twice, though of its first end nothing is known.
        all[0].attempts.append(AttemptRecord(number: 2, pool: "blue", coordinator: "blue-2", started: noon))
        try await store.record(all)
        func expect(
            _ change: (inout StatementFilter) -> Void, sourceLocation: SourceLocation = #_sourceLocation,
            _ isWanted: (StatementRecord) -> Bool
        ) async throws {
            var filter = StatementFilter()
            change(&filter)
            let wanted = all.reversed().filter(isWanted)
            #expect(!wanted.isEmpty && wanted.count < all.count, sourceLocation: sourceLocation)
            #expect(try await store.statements(filter) == wanted, sourceLocation: sourceLocation)
        }
        try await expect({ $0.rules = ["R2"] }, { $0.verdicts.contains { $0.rule == "R2" } })
        try await expect({ $0.classes = [.external] }, { $0.verdicts.contains { $0.failureClass == .external } })
        try await expect(
            {
                $0.classes = [.resource]
                $0.rules = ["R1"]
            }, { $0.verdicts.contains { $0.failureClass == .resource && $0.rule == "R1" } })
        try await expect({ $0.isRetried = true }, { $0.isRetried })
        try await expect({ $0.isRetried = false }, { !$0.isRetried })
        await store.close()
    },
    StorageLaw("prunes verdicts and waits with their statement") { place in
        let store = try await place.open()
        var old = statement(1, verdicts: 3)
        old.state = .finished
        old.ended = noon
        old.waits = [WaitRecord(began: noon, reason: .store)]
        let kept = statement(2, verdicts: 2)
        try await store.record([old, kept])
        #expect(try await store.prune(before: noon.adding(minutes: 60), maximumBytes: .max) == 1)
        #expect(try await store.retries(RetryFilter()) == kept.lines.reversed())
        // Its place may be taken by another.
        try await store.record([statement(3)])
        #expect(try await store.statement("statement_3") == statement(3))
        await store.close()
    },
]

/// A statement with so many verdicts; those with higher numbers are newer.
private func statement(_ number: Int, verdicts: Int = 0) -> StatementRecord {
    var record = StatementRecord(
        id: "statement_\(number)", key: StatementKey(owner: Owner(counter: 1, random: 2), number: UInt64(number)),
        submitted: noon.adding(milliseconds: Int64(number)))
    record.state = .running
    record.user = "user \(number % 2)"
    record.group = "group \(number % 3)"
    record.queryIDs = ["engine_\(number)"]
    record.attempts = [AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: noon)]
    record.verdicts = (0..<verdicts).map { index in
        let seed = number + index
        let isRetried = seed % 3 > 0
        let verdict = Verdict(
            attempt: index + 1, failure: "E\(seed)", rule: seed % 4 == 0 ? nil : "R\(seed % 4)",
            failureClass: FailureClass.allCases[seed % FailureClass.allCases.count],
            action: RetryAction.allCases[seed % RetryAction.allCases.count],
            gate: isRetried ? nil : .allCases[seed % RetryGate.allCases.count], isRetried: isRetried, wait: 250,
            cost: 1 << 40)
        // Several statements share a moment, and so do two verdicts of one.
        let time = noon.adding(minutes: Int64(number / 5 + index / 2))
        var made = VerdictRecord(
            verdict, pool: "pool \(seed % 2)", coordinator: "coordinator \(seed % 3)", at: time)
        made.number = index + 1
        return made
    }
    return record
}
