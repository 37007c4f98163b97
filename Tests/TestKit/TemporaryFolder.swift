import FoundationEssentials

/// A folder of one test, with a name that no other test has.
public struct TemporaryFolder: Sendable {
    /// Its path.
    public let path: String

    /// Names the folder, which its first user makes.
    public init() {
        path = "/tmp/penstock-\(UUID().uuidString)"
    }

    /// Removes it with all that is in it.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
