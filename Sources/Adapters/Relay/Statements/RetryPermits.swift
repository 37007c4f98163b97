import Engine
import Synchronization

/// The retry budget and the breakers, which all statements share.
final class RetryPermits: Sendable {
    private struct State {
        var budget = RetryBudget()
        var breaker = RetryBreaker()
    }
    private let state = Mutex(State())

    /// A client has submitted a statement.
    func onStatement(window: Int64, now: Int64) {
        state.withLock { $0.budget.onStatement(window: window, now: now) }
    }

    /// What budget and breaker say to a retry.
    func permit(_ judgement: Judgement, _ terms: RetryTerms, now: Int64) -> RetryPermit {
        state.withLock { state in
            // Budget comes first in the law's order, but what the breaker stops must not cost any.
            guard state.budget.left(terms, now: now) > 0 else { return .refused(.budget) }
            if let rule = judgement.rule, !state.breaker.allows(rule, now: now) { return .refused(.breaker) }
            _ = state.budget.take(terms, now: now)
            return .granted
        }
    }

    /// Releases a retry that waited for the budget.
    func release(_ terms: RetryTerms, now: Int64) -> Bool {
        state.withLock { $0.budget.release(terms, now: now) }
    }

    /// A retry that the rule had asked for came to an end.
    func onResult(_ rule: String, succeeded: Bool, now: Int64) {
        state.withLock { $0.breaker.onResult(rule, succeeded: succeeded, now: now) }
    }

    /// What the window allows, what is left of it, and the rules whose retries are stopped. Not inlined: its callers
    /// are async, where a lock must not be taken (`Guarded`).
    @inline(never)
    func condition(_ terms: RetryTerms, now: Int64) -> (limit: Int, left: Int, open: [String]) {
        state.withLock { state in
            (state.budget.limit(terms, now: now), state.budget.left(terms, now: now), state.breaker.open(now: now))
        }
    }
}
