import Files
import Glibc
import Testing

@Suite("Private files")
struct FilesTests {
    private let root = "/tmp/files-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    @Test func areForTheirOwnerOnlyAndKeepTheirContent() throws {
        try makePrivateFolder(root + "/a/b")
        try makePrivateFolder(root + "/a/b")
        let path = root + "/a/b/c"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT, 0o644)
        #expect(unsafe write(descriptor, "four", 4) == 4)
        close(descriptor)
        try makePrivateFile(path)
        #expect(mode(root + "/a") == 0o700)
        #expect(mode(path) == 0o600)
        #expect(fileBytes(path) == 4)
        #expect(fileBytes(path + "d") == nil)
    }

    @Test func sayWhatCouldNotBeDoneAndWhy() throws {
        let problem = try #require(throws: FileProblem.self) { try makePrivateFile(root + "/none/c") }
        #expect("\(problem)" == "cannot create \(root)/none/c: No such file or directory")
        #expect(throws: FileProblem.self) { try checkWritable(root + "/none") }
        #expect(throws: FileProblem.self) { try makePrivateFolder("/proc/none/at/all") }
    }

    @Test func lockTellsItsHolderAndGoesWithItsValue() throws {
        try makePrivateFolder(root)
        let path = root + "/lock"
        do {
            let lock = try FileLock(path: path, folder: root)
            #expect(throws: FileLockProblem.held(by: getpid())) { _ = try FileLock(path: path, folder: root) }
            _ = consume lock
        }
        _ = try FileLock(path: path, folder: root)
    }

    @Test func lockHoldsWhereNothingCanBeWritten() throws {
        // /proc takes no new file, not even from root.
        let folder = "/proc/self/task"
        do {
            let lock = try FileLock(path: folder + "/lock", folder: folder)
            #expect(throws: FileLockProblem.held(by: nil)) { _ = try FileLock(path: folder + "/lock", folder: folder) }
            _ = consume lock
        }
        #expect(throws: FileLockProblem.self) { _ = try FileLock(path: "/none/lock", folder: "/none") }
    }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }
}
