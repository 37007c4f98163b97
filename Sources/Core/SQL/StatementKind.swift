/// What a statement's text does, as far as a lexer can tell. What is not known to read writes.
public enum StatementKind: String, Sendable, CaseIterable {
    /// It only reads.
    case read
    /// It writes, or it is not known to read.
    case write
    /// It changes the client's session only: USE, SET, RESET, PREPARE, DEALLOCATE.
    case session
    /// It opens or ends a transaction.
    case transaction

    /// Whether running it twice does nothing that running it once does not.
    public var reads: Bool {
        switch self {
        case .read, .session: true
        case .write, .transaction: false
        }
    }
}
