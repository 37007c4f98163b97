import Glibc

/// Why a lock was not taken.
public enum FileLockProblem: Error, Equatable, Sendable {
    /// Another process has it; its number if it could be written.
    case held(by: Int32?)
    /// The lock file could not be opened.
    case failed(FileProblem)
}

/// A lock that this process holds until the value goes or the process ends, however it ends (flock(2)). The file has
/// the holder's process number.
public struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock or says who has it.
    ///
    /// Where the file can be neither made nor written, as on a read-only or full disk, the lock is on the file as it
    /// is, or on the folder if there is none.
    public init(path: String, folder: String) throws(FileLockProblem) {
        let (descriptor, isWritable) = try FileLock.open(path, folder)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = FileLock.holder(descriptor)
            close(descriptor)
            throw .held(by: holder)
        }
        self.descriptor = descriptor
        guard isWritable else { return }
        // Without a number the lock holds all the same: a full disk must not stop the process.
        let text = Array("\(getpid())\n".utf8)
        _ = unsafe pwrite(descriptor, text, text.count, 0)
        ftruncate(descriptor, text.count)
    }

    deinit {
        close(descriptor)
    }

    private static func open(
        _ path: String, _ folder: String
    ) throws(FileLockProblem) -> (descriptor: Int32, isWritable: Bool) {
        let writable = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if writable >= 0 { return (writable, true) }
        let problem = FileProblem("open the lock", path)
        let readable = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        if readable >= 0 { return (readable, false) }
        let directory = unsafe Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 { return (directory, false) }
        throw .failed(problem)
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
