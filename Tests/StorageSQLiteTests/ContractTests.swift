import Model
import StorageSQLite
import TestKit
import Testing

@Suite("The store on SQLite")
struct ContractTests {
    @Test(arguments: StorageLaw.all)
    func keepsTheContractOfThePort(law: StorageLaw) async throws {
        let folder = TemporaryFolder()
        defer { folder.remove() }
        try await law.check(SQLitePlace(directory: folder.path + "/state"))
    }
}

private struct SQLitePlace: StoragePlace {
    let directory: String

    func open() async throws -> any Storage { try SQLiteStorage(directory: directory) }
}
