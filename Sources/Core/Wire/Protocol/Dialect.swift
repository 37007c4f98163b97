/// Which of the two twins of the statement protocol a server or a header speaks.
public enum Dialect: UInt8, Sendable {
    /// Headers begin with `X-Trino-`.
    case trino
    /// Headers begin with `X-Presto-`.
    case presto

    /// The prefix of the protocol's own headers.
    public var headerPrefix: StaticString {
        switch self {
        case .trino: "X-Trino-"
        case .presto: "X-Presto-"
        }
    }
}
