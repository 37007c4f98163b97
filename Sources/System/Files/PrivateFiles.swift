import Glibc

/// Makes a folder that only its owner may enter (0700), with the folders above it; one that is there stays as it is.
public func makePrivateFolder(_ path: String) throws(FileProblem) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    let problem = FileProblem("create the folder", path)
    guard problem.code == ENOENT, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex
    else { throw problem }
    try makePrivateFolder(String(path[..<slash]))
    if unsafe mkdir(path, 0o700) != 0 && errno != EEXIST { throw FileProblem("create the folder", path) }
}

/// Makes an empty file that only its owner may read and write (0600). One that is there keeps its content and, where
/// that is allowed, gets the same mode; it is not opened, since closing it would end this process's locks on it.
public func makePrivateFile(_ path: String) throws(FileProblem) {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
        close(descriptor)
    } else if errno == EEXIST {
        unsafe chmod(path, 0o600)
    } else {
        throw FileProblem("create", path)
    }
}

/// Throws if this user may not write a file or folder, or its file system is read-only.
public func checkWritable(_ path: String) throws(FileProblem) {
    if unsafe access(path, W_OK) != 0 { throw FileProblem("write", path) }
}

/// How many bytes a file has; nil if there is none or it cannot be looked at.
public func fileBytes(_ path: String) -> Int? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_size : nil
}
