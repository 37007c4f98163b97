import CFileUser
import Engine
import FoundationEssentials
import Glibc
import Model
import SQLite
import TestKit
import Testing
import Wire

@testable import StorageSQLite

/// What disks and folders do to the store, beyond the contract of the port.
@Suite("The store's file")
final class DiskTests {
    private let temporary = TemporaryFolder()
    private var folder: String { temporary.path }
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    deinit {
        chmodAll(folder: 0o700, files: 0o600)
        temporary.remove()
    }

    @Test func isForItsOwnerOnly() async throws {
        let store = try SQLiteStorage(directory: folder)
        _ = await store.claimOwner()
        let modes = try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
            var status = stat()
            return unsafe stat(folder + "/" + name, &status) == 0
                ? "\(name) \(String(status.st_mode & 0o777, radix: 8))" : ""
        }
        #expect(
            modes.sorted() == ["penstock.db 600", "penstock.db-shm 600", "penstock.db-wal 600", "penstock.lock 600"])
        await store.close()
    }

    @Test func isLockedByOneStoreThatIsNamed() async throws {
        let store = try SQLiteStorage(directory: folder)
        let problem = try #require(throws: StateFolderProblem.self) { _ = try SQLiteStorage(directory: folder) }
        #expect(problem == .locked(folder: folder, holder: getpid()))
        #expect("\(problem)".contains("process \(getpid())"))
        await store.close()
        let next = try SQLiteStorage(directory: folder)
        await next.close()
    }

    @Test func keepsEverythingWhenTheProcessIsKilled() async throws {
        let store = try SQLiteStorage(directory: folder)
        let owner = await store.claimOwner()
        let keys = try await store.tagKeys(now: start)
        try await flipped(store)
        try await store.record([record])
        // What a killed process leaves is what the files are at that moment.
        let left = TemporaryFolder()
        defer { left.remove() }
        try FileManager.default.copyItem(atPath: folder, toPath: left.path)
        await store.close()

        let next = try SQLiteStorage(directory: left.path)
        #expect(await next.claimOwner().counter == owner.counter + 1)
        #expect(try await next.tagKeys(now: start) == keys)
        let state = try await next.load(now: start)
        #expect(state.endedUncleanly)
        #expect(state.groups == [StoredGroup(name: "etl", active: "green", epoch: 2)])
        #expect(state.unfinished == [record])
        await next.close()
    }

    @Test(arguments: [true, false])
    func isReadWhereItsFolderIsReadOnly(afterAKill: Bool) async throws {
        var store = try SQLiteStorage(directory: folder)
        _ = await store.claimOwner()
        let keys = try await store.tagKeys(now: start)
        try await flipped(store)
        try await store.record([record])
        var left = temporary
        if afterAKill {
            left = TemporaryFolder()
            try FileManager.default.copyItem(atPath: folder, toPath: left.path)
        }
        defer { if afterAKill { left.remove() } }
        await store.close()

        store = try SQLiteStorage(directory: left.path)
        chmodAll(left.path, folder: 0o500, files: 0o400)
        await store.loseRootsRights()
        await store.reader.loseRootsRights()
        let owner = await store.claimOwner()
        #expect(owner.counter == 0)
        #expect(owner.random > UInt64(UInt32.max))
        #expect(try await store.tagKeys(now: start.adding(milliseconds: 48 * 3_600_000)) == keys)
        let state = try await store.load(now: start)
        #expect(state.groups == [StoredGroup(name: "etl", active: "green", epoch: 2)])
        #expect(state.endedUncleanly == afterAKill)
        #expect(try await store.flips(group: nil, before: nil, limit: 9).count == 1)
        #expect(try await store.statement(record.id) == record)
        await #expect(throws: StorageProblem.self) { try await store.note(StoredPoolStart(group: "etl", pool: "blue")) }
        await #expect(throws: StorageProblem.self) { try await store.record([self.record]) }
        let condition = await store.condition()
        #expect(!condition.isWritable)
        #expect(condition.problem?.contains(left.path) == true || condition.problem?.contains("SQLite") == true)

        chmodAll(left.path, folder: 0o700, files: 0o600)
        #expect(await store.condition().isWritable)
        #expect(await store.condition().problem == nil)
        try await flipped(store, back: true)
        #expect(try await store.flips(group: nil, before: nil, limit: 9).count == 2)
        #expect(await store.claimOwner().counter == 2)
        await store.close()
    }

    @Test func isNotMadeUpWhereItCannotBeRead() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let store = try SQLiteStorage(directory: folder)
        chmodAll(folder: 0o500, files: 0o400)
        await store.loseRootsRights()
        await #expect(throws: StorageProblem.self) { try await store.tagKeys(now: self.start) }
        await #expect(throws: StorageProblem.self) { try await store.load(now: self.start) }
        #expect(await store.claimOwner().counter == 0)
        #expect(await !store.condition().isWritable)
        await store.close()
    }

    @Test func goesOnWhereItIsFullAndTakesWritesAgain() async throws {
        let store = try SQLiteStorage(directory: folder)
        _ = await store.claimOwner()
        try await flipped(store)
        try await store.boundPages(to: 1)
        let many = (0..<1000).map { index in
            var record = record
            record.id += "\(index)"
            return record
        }
        await #expect(throws: StorageProblem.self) { try await store.record(many) }
        // Nothing of the batch is there; what was there is.
        #expect(try await store.statements(StatementFilter()) == [])
        #expect(try await store.load(now: start).groups.first?.active == "green")
        try await store.boundPages(to: 1_000_000)
        try await store.record(many)
        #expect(await store.condition().problem == nil)
        await store.close()
        // History was lost: what may still run is not known for sure.
        let next = try SQLiteStorage(directory: folder)
        #expect(try await next.load(now: start).endedUncleanly)
        await next.close()
    }

    @Test func isRefusedWhenDamagedOrNewer() async throws {
        var store = try SQLiteStorage(directory: folder)
        _ = await store.claimOwner()
        await store.close()
        let path = folder + "/penstock.db"
        let connection = try Connection(path: path, access: .write)
        try connection.execute("PRAGMA user_version = 1000")
        store = try SQLiteStorage(directory: folder)
        do throws(StorageProblem) {
            _ = try await store.tagKeys(now: start)
            Issue.record("the newer file was read")
        } catch {
            guard case .damaged(let text) = error else { throw error }
            #expect(text.contains("1000"))
        }
        await store.close()

        try Data("this was a database once, then somebody edited it".utf8).write(to: URL(filePath: path))
        store = try SQLiteStorage(directory: folder)
        do throws(StorageProblem) {
            _ = try await store.tagKeys(now: start)
            Issue.record("the damaged file was read")
        } catch {
            guard case .damaged = error else { throw error }
        }
        #expect(await store.claimOwner().counter == 0)
        await store.close()
    }

    @Test func ofAnEarlierVersionIsBroughtToTheNewest() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let dump = try String(contentsOf: here.appending(path: "Recorded/version-1.sql"), encoding: .utf8)
        #expect(FileManager.default.createFile(atPath: folder + "/penstock.db", contents: nil))
        let old = try Connection(path: folder + "/penstock.db", access: .write)
        try old.execute("PRAGMA auto_vacuum = INCREMENTAL")
        try old.execute(dump)

        let store = try SQLiteStorage(directory: folder)
        #expect(await store.claimOwner().counter == 2)
        let all = try await store.statements(StatementFilter())
        #expect(all.map(\.state) == [.queued, .canceled, .failed, .failed, .failed, .finished])
        #expect(all.map(\.failure).prefix(2) == [nil, "USER_CANCELED"])
        #expect(all[4].failure == "DIVISION_BY_ZERO" && all[4].message == "Division by zero")
        #expect(all[5].failure == nil && all[5].queryIDs == ["20261121_143702_00000_gncew"])
        #expect(all.allSatisfy { !$0.isRetried && $0.verdicts.isEmpty && $0.waits.isEmpty })
        #expect(try await store.load(now: start).unfinished.map(\.id) == [all[0].id])
        let tombstone = Tombstone(
            key: StatementKey(owner: Owner(counter: 1, random: 2_623_117_709), number: 5),
            queryID: "20261121_143702_00004_gncew", at: Timestamp(milliseconds: 1_795_271_822_019))
        #expect(try await store.load(now: start).tombstones == [tombstone])
        var goesOn = all[0]
        let verdict = Verdict(
            attempt: 1, failure: "gone", rule: "H08", failureClass: .unavailable, action: .other, isRetried: true)
        goesOn.verdicts = [VerdictRecord(verdict, pool: "blue", coordinator: "blue-1", at: start)]
        try await store.record([goesOn])
        #expect(try await store.statement(goesOn.id) == goesOn)
        #expect(try await store.retries(RetryFilter()) == goesOn.lines)
        await store.close()
    }

    @Test func givesRoomBackToTheDisk() async throws {
        let store = try SQLiteStorage(directory: folder)
        for batch in 0..<10 {
            try await store.record(
                (0..<500).map { index in
                    var record = record
                    record.id += "\(batch * 500 + index)"
                    record.state = .finished
                    record.ended = start
                    return record
                })
        }
        let before = await store.condition().bytes
        #expect(try await store.prune(before: Timestamp(milliseconds: .max), maximumBytes: .max) == 5000)
        await store.close()
        let after = try SQLiteStorage(directory: folder)
        #expect(await after.condition().bytes < before / 4)
        await after.close()
    }

    private var record: StatementRecord {
        var record = StatementRecord(
            id: "some_statement", key: StatementKey(owner: Owner(counter: 1, random: 2), number: 3), submitted: start)
        record.queryIDs = ["20260101_000000_00000_abcde"]
        return record
    }

    private func flipped(_ store: SQLiteStorage, back: Bool = false) async throws {
        try await store.declare([StoredGroup(name: "etl", active: "blue", epoch: 1)])
        _ = try await store.commit(
            FlipRecord(
                group: "etl", from: back ? "green" : "blue", to: back ? "blue" : "green", epoch: back ? 3 : 2,
                reason: nil, by: "token", at: start, forced: false))
    }

    /// Sets the modes of the folder and its files, and gives them to the user that `loseRootsRights` turns to.
    private func chmodAll(_ path: String? = nil, folder mode: UInt32, files: UInt32) {
        let folder = path ?? folder
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            unsafe chmod(folder + "/" + name, files)
            if getuid() == 0 { unsafe chown(folder + "/" + name, nobody, nobody) }
        }
        if getuid() == 0 { unsafe chown(folder, nobody, nobody) }
        unsafe chmod(folder, mode)
    }
}

private let nobody: UInt32 = 65_534

extension SQLiteStorage {
    /// Modes mean nothing to root: the actor's thread goes on as nobody, as far as files are concerned.
    func loseRootsRights() {
        if getuid() == 0 { setfsuid(nobody) }
    }

    /// A full disk in small: SQLite gives the same error for it.
    func boundPages(to count: Int) throws {
        try read { connection throws(SQLiteError) in try connection.execute("PRAGMA max_page_count = \(count)") }
    }
}

extension HistoryReader {
    func loseRootsRights() {
        if getuid() == 0 { setfsuid(nobody) }
    }
}
