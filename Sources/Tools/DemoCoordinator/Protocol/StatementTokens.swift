/// Which token of a statement may be asked for now, as Trino 476 decides it. A value machine: it knows neither pages
/// nor sockets.
struct StatementTokens: Equatable {
    /// What a request for a token of the executing context gets.
    enum Step: Equatable {
        /// The next page: it is made now.
        case next
        /// The newest page again, byte for byte.
        case again
        /// 410: a newer page has been asked for.
        case gone
        /// 404: no page has that token.
        case unknown
        /// 500: what a coordinator says once DELETE has dropped the page, with Trino's words.
        case broken(String)
    }

    private var lastQueued = 0
    private var lastExecuting: Int?
    private var nextExecuting: Int? = 0
    private var keepsLast = false

    /// Whether a request for a token of the queued context is answered; else it is 410. Every answer is made anew.
    mutating func onQueued(_ token: Int) -> Bool {
        guard token == lastQueued || token == lastQueued + 1 else { return false }
        lastQueued = token
        return true
    }

    /// What a request for a token of the executing context gets.
    func onExecuting(_ token: Int) -> Step {
        if keepsLast, let last = lastExecuting {
            if token == last { return .again }
            if token < last { return .gone }
            return token == nextExecuting ? .next : .unknown
        }
        guard let next = nextExecuting else {
            return .broken("Cannot generate next result when next token is not present")
        }
        return token == next ? .next : .broken("Expected token to equal next token")
    }

    /// The page of a token has been made; with `hasNext` it names a next one.
    mutating func onServed(_ token: Int, hasNext: Bool) {
        lastExecuting = token
        nextExecuting = hasNext ? token + 1 : nil
        keepsLast = true
    }

    /// DELETE: the newest page is dropped.
    mutating func onDelete() {
        keepsLast = false
    }
}
