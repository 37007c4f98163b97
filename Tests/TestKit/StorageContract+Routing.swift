import Engine
import Model
import Testing

let routingLaws = [
    StorageLaw("keeps what it knows of a group when the settings name it again") { place in
        var store = try await place.open()
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 1)])
        try await store.declare([
            StoredGroup(name: "etl", active: "green", epoch: 9), StoredGroup(name: "adhoc", active: "red", epoch: 1),
        ])
        await store.close()
        store = try await place.open()
        #expect(
            try await store.load(now: noon).groups == [
                StoredGroup(name: "adhoc", active: "red", epoch: 1), StoredGroup(name: "etl", active: "blue", epoch: 1),
            ])
        await store.close()
    },
    StorageLaw("commits a flip whole: pool, epoch and log") { place in
        var store = try await place.open()
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 1)])
        let flip = try await store.commit(flip(from: "blue", to: "green", epoch: 2, reason: "release \"7\""))
        #expect(flip.number > 0)
        await store.close()
        store = try await place.open()
        #expect(try await store.load(now: noon).groups == [StoredGroup(name: "etl", active: "green", epoch: 2)])
        #expect(try await store.flip(flip.number) == flip)
        #expect(try await store.flips(group: "etl", before: nil, limit: 10) == [flip])
        await store.close()
    },
    StorageLaw("remembers which pool a rollback left, until the next flip") { place in
        let store = try await place.open()
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 1)])
        let first = try await store.commit(flip(from: "blue", to: "green", epoch: 2))
        _ = try await store.commit(flip(from: "green", to: "blue", epoch: 3, undoes: first.number))
        #expect(
            try await store.load(now: noon).groups == [
                StoredGroup(name: "etl", active: "blue", epoch: 3, rolledBack: "green")
            ])
        _ = try await store.commit(flip(from: "blue", to: "green", epoch: 4))
        #expect(try await store.load(now: noon).groups.first?.rolledBack == nil)
        await store.close()
    },
    StorageLaw("refuses a flip whose epoch or group is not the store's, and changes nothing") { place in
        let store = try await place.open()
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 5)])
        for epoch: UInt64 in [0, 4, 5, 7] {
            await expectProblem(.epochMismatch(actual: 5)) { () async throws(StorageProblem) in
                _ = try await store.commit(flip(from: "blue", to: "green", epoch: epoch))
            }
        }
        var other = flip(from: "blue", to: "green", epoch: 6)
        other.group = "none"
        await expectProblem(.unknown("group none")) { [other] () async throws(StorageProblem) in
            _ = try await store.commit(other)
        }
        #expect(try await store.load(now: noon).groups == [StoredGroup(name: "etl", active: "blue", epoch: 5)])
        #expect(try await store.flips(group: nil, before: nil, limit: 10) == [])
        await store.close()
    },
    StorageLaw("lets one of many concurrent flips of an epoch win") { place in
        let store = try await place.open()
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 1)])
        let winners = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do { return try await store.commit(flip(from: "blue", to: "green", epoch: 2)).number > 0 } catch {
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        await store.close()
    },
    StorageLaw("lists flips newest first, by group and page") { place in
        let store = try await place.open()
        try await store.declare(["a", "b"].map { StoredGroup(name: $0, active: "blue", epoch: 0) })
        var all: [FlipRecord] = []
        for index in 0..<6 {
            var record = flip(from: "blue", to: "green", epoch: UInt64(index / 2 + 1))
            record.group = index % 2 == 0 ? "a" : "b"
            all.insert(try await store.commit(record), at: 0)
        }
        #expect(try await store.flips(group: nil, before: nil, limit: 100) == all)
        #expect(try await store.flips(group: "a", before: nil, limit: 2) == [all[1], all[3]])
        #expect(try await store.flips(group: "a", before: all[3].number, limit: 2) == [all[5]])
        await store.close()
    },
    StorageLaw("never gives a registration's number out again") { place in
        var store = try await place.open()
        let first = try await store.register(registration("one"))
        let second = try await store.register(registration("two"))
        #expect(first.number > 0)
        #expect(second.number > first.number)
        try await store.forget(registration: second.number)
        await store.close()
        store = try await place.open()
        let third = try await store.register(registration("two"))
        #expect(third.number > second.number)
        #expect(try await store.load(now: noon).registrations == [first, third])
        await store.close()
    },
    StorageLaw("refuses a name that another registration has, until that one is retired") { place in
        let store = try await place.open()
        var first = try await store.register(registration("one"))
        await expectProblem(.duplicate("one")) { () async throws(StorageProblem) in
            _ = try await store.register(registration("one"))
        }
        first.retired = noon
        try await store.update(first)
        let second = try await store.register(registration("one"))
        #expect(try await store.load(now: noon).registrations == [first, second])
        await store.close()
    },
    StorageLaw("writes a registration's drain mark, retirement and suffixes") { place in
        var store = try await place.open()
        var first = try await store.register(registration("one"))
        first.isDrained = true
        first.retired = noon
        first.idSuffixes = ["abcde", "fg,h\"i"]
        try await store.update(first)
        first.idSuffixes = ["zzzzz"]
        try await store.update(first)
        await store.close()
        store = try await place.open()
        #expect(try await store.load(now: noon).registrations == [first])
        first.number += 7
        await expectProblem(.unknown("registration \(first.number)")) { [first] () async throws(StorageProblem) in
            try await store.update(first)
        }
        await store.close()
    },
    StorageLaw("notes a pool's start until it is forgotten") { place in
        var store = try await place.open()
        let start = StoredPoolStart(group: "etl", pool: "blue")
        try await store.note(start)
        try await store.note(start)
        await store.close()
        store = try await place.open()
        #expect(try await store.load(now: noon).poolStarts == [start])
        try await store.forget(start)
        #expect(try await store.load(now: noon).poolStarts == [])
        await store.close()
    },
]

private func flip(
    from: String, to: String, epoch: UInt64, reason: String? = nil, undoes: Int64? = nil
) -> FlipRecord {
    FlipRecord(
        group: "etl", from: from, to: to, epoch: epoch, reason: reason, by: "token", at: noon, forced: false,
        undoes: undoes)
}

private func registration(_ name: String) -> StoredRegistration {
    StoredRegistration(
        number: 0, name: name, group: "etl", pool: "blue", url: "http://127.0.0.1:1", origin: .api,
        idSuffixes: ["first"])
}
