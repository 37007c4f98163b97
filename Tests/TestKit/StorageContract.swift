import Engine
import Model
import Testing
import Wire

/// A place where state outlives the store that has it open. Each law of the contract gets an empty one.
public protocol StoragePlace: Sendable {
    /// Opens a store on the state; the one before has been closed.
    func open() async throws -> any Storage
}

/// What every implementation of the port `Storage` holds to. Each law is a function of an empty place.
public struct StorageLaw: Sendable, CustomTestStringConvertible {
    /// What the law says.
    public let testDescription: String
    /// Checks it.
    public let check: @Sendable (any StoragePlace) async throws -> Void

    init(_ text: String, _ check: @escaping @Sendable (any StoragePlace) async throws -> Void) {
        testDescription = text
        self.check = check
    }

    /// All laws.
    public static let all = startLaws + routingLaws + memoryLaws + historyLaws + retryLaws
}

/// Noon of a day; all times of the laws are relative to it.
let noon = Timestamp(milliseconds: 1_700_000_000_000)

extension Timestamp {
    func adding(minutes: Int64) -> Timestamp { adding(milliseconds: minutes * 60_000) }
}

func expectProblem(
    _ expected: StorageProblem, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws(StorageProblem) -> Void
) async {
    do throws(StorageProblem) {
        try await body()
        Issue.record("nothing was thrown instead of \(expected)", sourceLocation: sourceLocation)
    } catch {
        #expect(error == expected, sourceLocation: sourceLocation)
    }
}

let startLaws = [
    StorageLaw("gives every start an owner number of its own") { place in
        var owners: [Owner] = []
        for _ in 0..<3 {
            let store = try await place.open()
            owners.append(await store.claimOwner())
            owners.append(await store.claimOwner())
            await store.close()
        }
        #expect(owners.map(\.counter) == [1, 2, 3, 4, 5, 6])
        #expect(Set(owners.map(\.random)).count == owners.count)
        #expect(owners.allSatisfy { $0.random <= UInt32.max })
    },
    StorageLaw("makes tag keys at the first start, then one in 24 h, never for a restart") { place in
        var store = try await place.open()
        let first = try await store.tagKeys(now: noon)
        #expect(first.previous == nil)
        #expect(first.newest.k0 != first.newest.k1)
        await store.close()
        store = try await place.open()
        #expect(try await store.tagKeys(now: noon.adding(minutes: 23 * 60)) == first)
        // A clock that was set back makes no key.
        #expect(try await store.tagKeys(now: noon.adding(minutes: -48 * 60)) == first)
        let second = try await store.tagKeys(now: noon.adding(minutes: 24 * 60))
        #expect(second.previous == first.newest)
        #expect(second.newest.id != first.newest.id)
        let third = try await store.tagKeys(now: noon.adding(minutes: 49 * 60))
        #expect(third.previous == second.newest)
        await store.close()
        store = try await place.open()
        #expect(try await store.tagKeys(now: noon.adding(minutes: 50 * 60)) == third)
        await store.close()
    },
    StorageLaw("finds nothing in an empty place") { place in
        let store = try await place.open()
        #expect(try await store.load(now: noon) == OperationalState())
        #expect(try await store.flips(group: nil, before: nil, limit: 10) == [])
        #expect(try await store.flip(1) == nil)
        #expect(try await store.statement("none") == nil)
        #expect(try await store.statements(StatementFilter()) == [])
        let condition = await store.condition()
        #expect(condition.isWritable)
        #expect(condition.problem == nil)
        await store.close()
    },
    StorageLaw("tells a clean end from another") { place in
        var store = try await place.open()
        _ = await store.claimOwner()
        #expect(try await store.load(now: noon).endedUncleanly == false)
        await store.close()
        store = try await place.open()
        #expect(try await store.load(now: noon).endedUncleanly == false)
        await store.close()
    },
    StorageLaw("answers as away once it is closed") { place in
        let store = try await place.open()
        await store.close()
        #expect(await store.claimOwner().counter == 0)
        await #expect(throws: StorageProblem.self) { try await store.load(now: noon) }
        await #expect(throws: StorageProblem.self) { try await store.declare([]) }
        await #expect(throws: StorageProblem.self) { try await store.statement("none") }
        #expect(await store.condition().isWritable == false)
        await store.close()
    },
]

extension Storage {
    /// Writes whole records.
    public func record(_ records: [StatementRecord]) async throws(StorageProblem) {
        try await record(records.map { RecordDraft.record($0) })
    }
}
