import Model

extension Route {
    /// The failure policy.
    static let policy = [
        Route(
            .get, "/v1/policy/rules", "The rules in order; the first that a failure meets judges it",
            answer: ListBody<RuleBody>.self
        ) { (call) throws(AdminProblem) in
            ListBody(await call.api.rules())
        },
        Route(
            .post, "/v1/policy/explain", "The rule that judges a failure, and why those before it do not",
            takes: ExplainRequest.self, answer: ExplainBody.self
        ) { (call, request) throws(AdminProblem) in
            await call.api.explain(request)
        },
    ]
}
