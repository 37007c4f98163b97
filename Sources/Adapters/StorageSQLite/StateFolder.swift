import Files

/// Why a gateway cannot use a state directory at all.
public enum StateFolderProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another gateway runs on it.
    case locked(folder: String, holder: Int32?)
    /// It is not there and cannot be made, or cannot be entered.
    case unusable(String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .locked(let folder, let holder):
            let who = holder.map { "process \($0)" } ?? "another process"
            return "\(who) runs a gateway on \(folder): stop it, or give state.directory another folder"
        case .unusable(let text):
            return "\(text): give state.directory a folder of this user"
        }
    }
}

/// The state directory: made if there is none, locked for as long as this value is there.
struct StateFolder: ~Copyable {
    let path: String
    private let lock: FileLock

    init(_ path: String) throws(StateFolderProblem) {
        do throws(FileProblem) { try makePrivateFolder(path) } catch { throw .unusable("\(error)") }
        do throws(FileLockProblem) {
            lock = try FileLock(path: path + "/penstock.lock", folder: path)
        } catch {
            switch error {
            case .held(let holder): throw .locked(folder: path, holder: holder)
            case .failed(let problem): throw .unusable("\(problem)")
            }
        }
        self.path = path
    }
}
