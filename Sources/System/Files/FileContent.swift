import Glibc

/// Makes a file that only its owner may read (0600) with this content; one that is there is a problem (EEXIST). It is
/// on the disk when this returns, and not there at all when this throws.
public func createPrivateFile(_ path: String, _ content: [UInt8]) throws(FileProblem) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileProblem("create", path) }
    defer { close(descriptor) }
    let count = unsafe write(descriptor, content, content.count)
    guard count == content.count, fsync(descriptor) == 0 else {
        let problem = FileProblem("write", path)
        unsafe unlink(path)
        throw problem
    }
}

/// The content of a small file.
/// - Parameter maximumBytes: what is longer is a problem (EFBIG).
public func readFile(_ path: String, maximumBytes: Int) throws(FileProblem) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileProblem("open", path) }
    defer { close(descriptor) }
    var content = [UInt8](repeating: 0, count: maximumBytes + 1)
    var length = 0
    while length < content.count {
        let room = content.count - length
        let count = unsafe content.withUnsafeMutableBytes { bytes in
            unsafe read(descriptor, bytes.baseAddress?.advanced(by: length), room)
        }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw FileProblem("read", path) }
        if count == 0 { break }
        length += count
    }
    guard length <= maximumBytes else {
        errno = EFBIG
        throw FileProblem("read", path)
    }
    return Array(content[..<length])
}

/// Whether somebody else than a file's owner may read it; false where that cannot be told.
public func isReadableByOthers(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & 0o077 != 0
}
