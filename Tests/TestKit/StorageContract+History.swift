import Engine
import Model
import SQL
import Testing
import Wire

let historyLaws = [
    StorageLaw("gives back a statement as it was written last") { place in
        var store = try await place.open()
        var record = statement(1)
        try await store.record([record, statement(2)])
        record.state = .failed
        record.kind = .write
        record.pool = "green"
        record.queryIDs = ["20260101_000000_00001_abcde", "20260101_000000_00009_fghij"]
        record.ended = noon.adding(minutes: 1)
        record.failure = "SERVER_SHUTTING_DOWN"
        record.message = "going down"
        var failed = AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: noon)
        failed.queryID = record.queryIDs[0]
        failed.failure = "SERVER_SHUTTING_DOWN"
        failed.message = "it's \"going\" ü\0 down"
        failed.rule = "U01"
        failed.failureClass = "unavailable"
        failed.action = "other"
        failed.gate = "started"
        failed.ended = noon
        record.attempts = [
            failed, AttemptRecord(number: 2, pool: "green", coordinator: "green-1", started: noon.adding(minutes: 1)),
        ]
        try await store.record([record])
        #expect(try await store.statement(record.id) == record)
        await store.close()
        store = try await place.open()
        for id in [record.id] + record.queryIDs { #expect(try await store.statement(id) == record) }
        #expect(try await store.statements(StatementFilter()) == [statement(2), record])
        await store.close()
    },
    StorageLaw("takes records in short beside others, many at once") { place in
        let store = try await place.open()
        let blue = Place(group: "default", pool: "blue", coordinator: "blue-1", registration: 1)
        let submission = Submission(user: "ann", source: "cli", group: "default", kind: .read)
        let drafts = (1...200).map { number in
            let key = statement(number).key
            if number % 7 == 0 { return RecordDraft.record(statement(number, ended: number % 2 == 0)) }
            var course = StatementCourse(key)
            _ = course.take(.submitted(submission, sentTo: number % 5 == 0 ? nil : blue), at: noon)
            _ = course.take(.answered(number: 1, queryID: "engine_\(number)"), at: noon)
            _ = course.take(number % 3 == 0 ? .running : .ended(.finished, failure: nil, message: nil), at: noon)
            return .course(course)
        }
        for _ in 1...2 {
            try await store.record(drafts)
            for draft in drafts { #expect(try await store.statement(draft.record.id) == draft.record) }
            #expect(try await store.statement("engine_1") == drafts[0].record)
        }
        await store.close()
    },
    StorageLaw("gives back what was sent once and answered, and all that is told of it later") { place in
        let store = try await place.open()
        var record = statement(1)
        (record.pool, record.coordinator) = ("blue", "blue-1")
        record.attempts = []
        record.queryIDs = []
        func expectBack() async throws {
            try await store.record([record])
            for id in [record.id] + record.queryIDs { #expect(try await store.statement(id) == record) }
            #expect(try await store.statements(StatementFilter()) == [record])
            #expect(try await store.statements(ids: [record.id, "another"]) == [record])
        }
        try await expectBack()
        record.attempts = [AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: noon)]
        try await expectBack()
        record.queryIDs = ["engine_1"]
        record.attempts[0].queryID = "engine_1"
        try await expectBack()
        // More than the statement's own row can tell.
        record.attempts[0].failure = "SERVER_SHUTTING_DOWN"
        record.waits = [WaitRecord(began: noon, reason: .backOff)]
        try await expectBack()
        record.waits = []
        record.attempts[0].failure = nil
        record.state = .finished
        record.ended = noon
        record.attempts[0].ended = noon
        try await expectBack()
        await store.close()
    },
    StorageLaw("finds the newest statement of an id that engines gave twice") { place in
        let store = try await place.open()
        var older = statement(1)
        var newer = statement(2)
        older.queryIDs = ["same"]
        newer.queryIDs = ["same"]
        try await store.record([newer, older])
        #expect(try await store.statement("same") == newer)
        await store.close()
    },
    StorageLaw("filters and pages statements, newest first") { place in
        let store = try await place.open()
        let all = (0..<60).map { index in
            var record = statement(index)
            record.state = StatementState.allCases[index % 8]
            record.user = "user \(index % 3)"
            record.source = "source \(index % 4)"
            record.group = "group \(index % 5)"
            record.pool = "pool \(index % 6)"
            record.coordinator = "coordinator \(index % 7)"
            // Five share each moment: the order within it is the order in which they came.
            record.submitted = noon.adding(minutes: Int64(index / 5))
            return record
        }
        try await store.record(all)
        let newestFirst = Array(all.reversed())
        func expect(_ change: (inout StatementFilter) -> Void, _ isWanted: (StatementRecord) -> Bool) async throws {
            var filter = StatementFilter()
            change(&filter)
            #expect(try await store.statements(filter) == newestFirst.filter(isWanted))
        }
        try await expect({ _ in }, { _ in true })
        try await expect({ $0.states = [.failed, .queued] }, { $0.state == .failed || $0.state == .queued })
        try await expect({ $0.states = [.finished] }, { $0.state == .finished })
        try await expect({ $0.user = "user 1" }, { $0.user == "user 1" })
        try await expect({ $0.source = "source 1" }, { $0.source == "source 1" })
        try await expect({ $0.group = "group 1" }, { $0.group == "group 1" })
        try await expect({ $0.pool = "pool 1" }, { $0.pool == "pool 1" })
        try await expect({ $0.coordinator = "coordinator 1" }, { $0.coordinator == "coordinator 1" })
        let (since, until) = (noon.adding(minutes: 3), noon.adding(minutes: 7))
        try await expect(
            {
                $0.since = since
                $0.until = until
                $0.user = "user 2"
            }, { $0.submitted >= since && $0.submitted < until && $0.user == "user 2" })

        var paged: [StatementRecord] = []
        var filter = StatementFilter()
        filter.limit = 7
        while true {
            let page = try await store.statements(filter)
            guard let last = page.last else { break }
            #expect(page.count <= 7)
            paged += page
            filter.after = last.id
        }
        #expect(paged == newestFirst)
        filter.after = "none"
        await expectProblem(.unknown("statement none")) { [filter] () async throws(StorageProblem) in
            _ = try await store.statements(filter)
        }
        await store.close()
    },
    StorageLaw("loads what has not ended") { place in
        var store = try await place.open()
        let all = StatementState.allCases.enumerated().map { index, state in
            var record = statement(index)
            record.state = state
            record.ended = state.isTerminal ? noon : nil
            return record
        }
        try await store.record(all)
        await store.close()
        store = try await place.open()
        let unfinished = try await store.load(now: noon).unfinished
        #expect(Set(unfinished.map(\.id)) == Set(all.filter { !$0.state.isTerminal }.map(\.id)))
        await store.close()
    },
    StorageLaw("prunes what is too old, but nothing that has not ended") { place in
        let store = try await place.open()
        var all = (0..<30).map { statement($0, ended: true) }
        all[3].ended = nil
        all[3].state = .running
        try await store.record(all)
        #expect(try await store.prune(before: all[20].submitted, maximumBytes: .max) == 19)
        #expect(try await store.statements(StatementFilter()).map(\.id) == (all[20...].reversed() + [all[3]]).map(\.id))
        #expect(try await store.statement(all[0].queryIDs[0]) == nil)
        #expect(try await store.prune(before: all[20].submitted, maximumBytes: .max) == 0)
        await store.close()
    },
    StorageLaw("prunes what is beyond the size, oldest first") { place in
        let store = try await place.open()
        for batch in 0..<10 {
            try await store.record((0..<500).map { statement(batch * 500 + $0, ended: true) })
        }
        let bytes = await store.condition().bytes
        let removed = try await store.prune(before: noon, maximumBytes: bytes / 2)
        #expect(removed > 0 && removed < 5000)
        #expect(try await store.statement(statement(4999).id) != nil)
        #expect(try await store.statement(statement(0).id) == nil)
        var filter = StatementFilter()
        filter.limit = 1000
        #expect(try await store.statements(filter).last?.id == statement(max(removed, 4000)).id)
        await store.close()
    },
]

/// A statement; those with higher numbers are newer.
private func statement(_ number: Int, ended: Bool = false) -> StatementRecord {
    var record = StatementRecord(
        id: "statement_\(number)",
        key: StatementKey(owner: Owner(counter: .max, random: .max), number: UInt64(number)),
        submitted: noon.adding(milliseconds: Int64(number)))
    record.state = ended ? .finished : .queued
    record.ended = ended ? noon : nil
    record.registration = .max
    record.kind = .read
    record.queryIDs = ["engine_\(number)"]
    record.attempts = [AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: noon)]
    return record
}
