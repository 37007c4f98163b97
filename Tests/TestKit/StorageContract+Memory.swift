import Engine
import Model
import Testing
import Wire

let memoryLaws = [
    StorageLaw("keeps pins until they end or were not used for 15 minutes") { place in
        var store = try await place.open()
        let old = TransactionPin(id: "old", registration: 1, used: noon.adding(minutes: -20))
        var pin = TransactionPin(id: "pin", registration: 2, used: noon.adding(minutes: -20))
        let gone = TransactionPin(id: "gone", registration: 2, used: noon)
        try await store.save(pins: [old, pin, gone], ended: [])
        pin.used = noon
        try await store.save(pins: [pin], ended: ["gone", "never there"])
        await store.close()
        store = try await place.open()
        #expect(try await store.load(now: noon.adding(minutes: 14)).pins == [pin])
        #expect(try await store.load(now: noon.adding(minutes: 16)).pins == [])
        await store.close()
    },
    StorageLaw("keeps tombstones for 15 minutes") { place in
        var store = try await place.open()
        // Owners without a counter have 64 random bits, and all of them count.
        let tombstones = (0..<4).map { index in
            Tombstone(
                key: StatementKey(owner: Owner(counter: 0, random: .max - UInt64(index)), number: 1 << 47),
                queryID: "id \(index)", at: noon.adding(minutes: Int64(index) * 5))
        }
        try await store.save(Array(tombstones[..<2]))
        try await store.save(Array(tombstones[1...]))
        await store.close()
        store = try await place.open()
        let found = try await store.load(now: noon.adding(minutes: 18)).tombstones
        #expect(found.sorted { $0.at < $1.at } == Array(tombstones[1...]))
        #expect(try await store.load(now: noon.adding(minutes: 31)).tombstones == [])
        await store.close()
    },
    StorageLaw("keeps one tombstone of each kind, with the highest attempt") { place in
        var store = try await place.open()
        let key = StatementKey(owner: Owner(counter: 3, random: 7), number: 1)
        let other = StatementKey(owner: Owner(counter: 3, random: 7), number: 2)
        let canceled = Tombstone(key: key, queryID: "q", at: noon)
        let submitted = Tombstone(key: key, kind: .submitted, at: noon)
        func superseded(_ attempt: UInt16, _ minutes: Int64 = 0) -> Tombstone {
            Tombstone(key: key, kind: .superseded, attempt: attempt, at: noon.adding(minutes: minutes))
        }
        try await store.save([superseded(1), submitted, canceled, superseded(3, 1)])
        try await store.save([superseded(2), submitted])
        try await store.save([Tombstone(key: other, kind: .superseded, attempt: .max, at: noon)])
        await store.close()
        store = try await place.open()
        let found = try await store.load(now: noon.adding(minutes: 2)).tombstones
        #expect(found.count == 4)
        for expected in [canceled, submitted, superseded(3, 1)] { #expect(found.contains(expected)) }
        #expect(found.first { $0.key == other }?.attempt == .max)
        await store.close()
    },
]
