import Engine

/// The port behind the admin API: what each route of interface 3 does. The services provide it; AdminServer puts it on
/// the wire. Names that nobody knows are a 404 problem, a guard that refuses is a 409 problem that names it.
public protocol AdminAPI: Sendable {
    /// Whether clients are served: true from the moment the front door accepts until a shutdown begins.
    func isReady() async -> Bool
    /// `GET /v1/status`
    func status() async -> StatusBody
    /// `GET /v1/groups`, in the order of the settings.
    func groups() async -> [GroupBody]
    /// `GET /v1/groups/{group}`
    func group(_ name: String) async throws(AdminProblem) -> GroupBody

    /// `POST /v1/groups/{group}/flip`. Returns when the flip is durable and routes; it goes on when the caller is gone.
    /// - Parameter by: who asks, as the flip log shows it: the name of a credential.
    func flip(group: String, _ request: FlipRequest, by: String) async throws(AdminProblem) -> FlipBody
    /// `POST /v1/groups/{group}/rollback`: undoes the newest flip.
    func rollback(group: String, _ request: RollbackRequest, by: String) async throws(AdminProblem) -> FlipBody
    /// `GET /v1/groups/{group}/flips`, `GET /v1/flips`: newest first.
    /// - Parameters:
    ///   - group: nil for all groups.
    ///   - before: only flips with a lower number.
    ///   - limit: 1 to 1000.
    func flips(group: String?, before: Int64?, limit: Int) async throws(AdminProblem) -> [FlipLine]
    /// `GET /v1/flips/{id}`
    func flip(_ number: Int64) async throws(AdminProblem) -> FlipLine

    /// `GET /v1/coordinators`: those that take statements or still answer tags.
    func coordinators() async -> [CoordinatorBody]
    /// `GET /v1/coordinators/{name}`
    func coordinator(_ name: String) async throws(AdminProblem) -> CoordinatorBody
    /// `POST /v1/coordinators`: 409 when the name is taken, 400 when the URL or the name is none.
    func add(_ request: CoordinatorRequest) async throws(AdminProblem) -> CoordinatorBody
    /// `DELETE /v1/coordinators/{name}`: it takes nothing new and answers its tags until nothing is in flight.
    func remove(_ name: String) async throws(AdminProblem) -> CoordinatorBody
    /// `POST /v1/coordinators/{name}/drain`; once more changes nothing.
    func drain(_ name: String) async throws(AdminProblem) -> CoordinatorBody
    /// `POST /v1/coordinators/{name}/undrain`; once more changes nothing.
    func undrain(_ name: String) async throws(AdminProblem) -> CoordinatorBody

    /// `GET /v1/statements`: newest first, live ones and history; the store's absence leaves the live ones.
    func statements(_ filter: StatementFilter) async throws(AdminProblem) -> [StatementBody]
    /// `GET /v1/statements/{id}`, by the gateway's id or any engine query id.
    func statement(_ id: String) async throws(AdminProblem) -> StatementBody
    /// `GET /v1/retries`: the lines of the retry log that match, newest first, and where the list goes on.
    func retries(_ filter: RetryFilter) async throws(AdminProblem) -> ListBody<RetryLine>

    /// `GET /v1/policy/rules`, in their order.
    func rules() async -> [RuleBody]
    /// `POST /v1/policy/explain`: the same verdict as the data plane's.
    func explain(_ request: ExplainRequest) async -> ExplainBody

    /// `POST /v1/reload`: validated whole, then applied whole; 422 with every problem.
    func reload() async throws(AdminProblem) -> ReloadBody
    /// What `GET /metrics` shows.
    func reading() async -> MetricsReading
}
