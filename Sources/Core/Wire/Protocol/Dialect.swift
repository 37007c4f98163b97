/// Which of the two engines' header prefixes is spoken.
public enum Dialect: UInt8, Sendable {
    /// X-Trino-.
    case trino
    /// X-Presto-.
    case presto

    /// What the names of the protocol's headers begin with, in lower case.
    public var headerPrefix: String {
        switch self {
        case .trino: "x-trino-"
        case .presto: "x-presto-"
        }
    }
}
