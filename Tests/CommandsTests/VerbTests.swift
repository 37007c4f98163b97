import Engine
import FoundationEssentials
import Model
import Patterns
import Testing
import Wire

@testable import Commands

@Suite("Verbs")
struct VerbTests {
    private func coordinator(_ drain: DrainState, isDrained: Bool = true) -> CoordinatorBody {
        var coordinator = Coordinator(
            registration: 3, name: "blue-1", group: "default", pool: "blue", url: "http://h:1", authority: "h:1")
        coordinator.health = .ready
        coordinator.isDrained = isDrained
        return CoordinatorBody(coordinator, drain: drain, inFlight: drain == .done ? 0 : 2, openTransactions: 0)
    }

    private func group(_ drain: DrainState, active: String = "green") -> GroupBody {
        let pools = ["blue", "green"].map { name in
            PoolBody(
                name: name, isActive: name == active, isHealthy: true, share: name == active ? 1 : 0, dialect: "trino",
                drain: name == "blue" ? drain : .none, drainsFor: [], inFlight: InFlightBody(running: 1),
                openTransactions: 0, versions: ["470"], coordinators: [coordinator(.none, isDrained: false)])
        }
        return GroupBody(name: "default", active: active, epoch: 8, pools: pools)
    }

    private let flip = FlipBody(
        flip: 12, group: "default", active: "green", previous: "blue", epoch: 8, acknowledged: ["owner-1"])

    @Test func everyVerbHasHelpThatNamesItsOptions() async {
        for verb in VerbTable.verbs {
            let session = Session()
            #expect(await session.run("help", verb.name) == .done)
            #expect(await session.run(verb.name, "--help") == .done)
            #expect(session.output == verb.help + verb.help)
            #expect(verb.options.allSatisfy { verb.help.contains($0.synopsis) })
            #expect(VerbTable.help.contains("  \(verb.name)"))
        }
    }

    @Test func wrongUsageIsTwoAndNothingIsAsked() async {
        let session = Session()
        #expect(await session.run() == .wrongUsage)
        #expect(await session.run("flop") == .wrongUsage)
        #expect(session.errors.contains("did you mean 'flip'?"))
        #expect(await session.run("flip", "default") == .wrongUsage)
        #expect(await session.run("flip", "default", "green", "--expect-epoch", "x") == .wrongUsage)
        #expect(await session.run("statements", "--limit", "0") == .wrongUsage)
        #expect(await session.run("statements", "--state", "finishd") == .wrongUsage)
        #expect(await session.run("add", "x", "default", "http://a:1") == .wrongUsage)
        #expect(await session.run("drain", "x", "--timeout", "5s") == .wrongUsage)
        #expect(await session.run("status", "--url", "gateway:8081") == .wrongUsage)
        #expect(session.asked.isEmpty)
        #expect(session.output.isEmpty)
    }

    @Test func aGatewayThatIsNotThereIsThree() async {
        let session = Session(problem: .refused)
        #expect(await session.run("status", "--url", "http://127.0.0.1:9") == .unreachable)
        #expect(session.errors == "penstock: no gateway at http://127.0.0.1:9: nobody listens there\n")
    }

    @Test func aRefusalIsOneAndTheReasonIsOnStandardError() async throws {
        let session = Session()
        session.answer(
            "/v1/groups/default/rollback", 409, text: #"{"status":409,"detail":"No.","guard":"in-progress"}"#)
        #expect(await session.run("rollback", "default") == .refused)
        #expect(session.errors == "penstock: in-progress: No.\n")
        #expect(session.output.isEmpty)
        #expect(await session.run("rollback", "default", "--json") == .refused)
        #expect(session.output.hasPrefix(#"{"status":409"#))
    }

    @Test func everyProblemOfAReloadIsShown() async {
        let session = Session()
        session.answer(
            "/v1/reload", 422,
            text: #"{"status":422,"detail":"Bad.","problems":[{"path":"a.b","line":3,"message":"m","suggestion":"s"}]}"#
        )
        #expect(await session.run("reload") == .refused)
        #expect(session.errors == "penstock: Bad.\n  line 3: a.b: m\n      s\n")
    }

    @Test func theTokenIsShownToTheGatewayAndNeverToPeople() async throws {
        let session = Session()
        session.answer("/v1/groups", 401, text: "")
        #expect(await session.run("groups", environment: ["PENSTOCK_TOKEN": "secret"]) == .refused)
        #expect(session.requests.first?.headers.contains(WebHeader("Authorization", "Bearer secret")) == true)
        #expect(session.errors.contains("PENSTOCK_TOKEN"))
        #expect(!session.errors.contains("secret"))
        #expect(await session.run("groups", "--token-file", "/nowhere/token") == .refused)
    }

    @Test func aFlipSaysWhatItDidAndSendsWhatWasAsked() async throws {
        let session = Session()
        try session.answer("/v1/groups/default/flip", flip)
        #expect(
            await session.run("flip", "default", "green", "--reason", "new", "--expect-epoch", "7", "--force") == .done)
        #expect(session.output == "default: green is active, blue was; epoch 8, flip 12\n")
        let body = String(decoding: session.requests[0].body ?? [], as: UTF8.self)
        for member in [#""to":"green""#, #""reason":"new""#, #""expect_epoch":7"#, #""force":true"#] {
            #expect(body.contains(member))
        }
    }

    @Test func aFlipWaitsUntilTheOldPoolHasDrained() async throws {
        let session = Session()
        try session.answer("/v1/groups/default/flip", flip)
        for drain in [DrainState.draining, .unknown, .done] { try session.answer("/v1/groups/default", group(drain)) }
        #expect(await session.run("flip", "default", "green", "--wait") == .done)
        #expect(session.monotonic() == 1000)
    }

    @Test func waitingEndsWithFourWhenTimeIsUp() async throws {
        let session = Session()
        try session.answer("/v1/coordinators/blue-1/drain", coordinator(.draining))
        try session.answer("/v1/coordinators/blue-1", coordinator(.draining))
        #expect(await session.run("drain", "blue-1", "--wait", "--timeout", "3s") == .timedOut)
        #expect(session.monotonic() == 3000)
        #expect(session.errors.contains("2 in flight"))
    }

    @Test func waitingEndsWhenSomebodyTakesItBack() async throws {
        let session = Session()
        try session.answer("/v1/groups/default/flip", flip)
        try session.answer("/v1/groups/default", group(.none, active: "blue"))
        #expect(await session.run("flip", "default", "green", "--wait") == .refused)
        try session.answer("/v1/coordinators/blue-1/drain", coordinator(.draining))
        try session.answer("/v1/coordinators/blue-1", coordinator(.none, isDrained: false))
        #expect(await session.run("drain", "blue-1", "--wait") == .refused)
    }

    @Test func filtersGoToTheGateway() async throws {
        let session = Session()
        try session.answer("/v1/statements", ListBody<StatementBody>([]))
        let code = await session.run(
            "queries", "--state", "failed,lost", "--user", "a&b", "--since", "15m", "--limit", "5")
        #expect(code == .done)
        #expect(
            session.asked == [
                "GET /v1/statements?limit=5&state=failed&state=lost&user=a%26b&since=2025-12-31T23%3A45%3A00.000Z"
            ])
    }

    @Test func machinesGetWhatTheGatewaySaid() async throws {
        let session = Session()
        session.answer("/v1/coordinators", text: #"{"items": [], "next_cursor": null, "later": 1}"#)
        #expect(await session.run("coordinators", "--json") == .done)
        #expect(session.output == #"{"items": [], "next_cursor": null, "later": 1}"# + "\n")
    }

    @Test func peopleGetTables() async throws {
        let session = Session()
        try session.answer("/v1/groups", ListBody([group(.draining)]))
        #expect(await session.run("groups") == .done)
        #expect(await session.run("pools") == .done)
        #expect(
            session.output == """
                GROUP    ACTIVE  EPOCH  POOLS        IN FLIGHT  DRAINING
                default  green       8  blue, green          2  blue
                GROUP    POOL   STATE            SHARE  QUEUED  RUNNING  PRESUMED  OPEN TX  DRAIN     VERSIONS
                default  blue   healthy            0 %       0        1         0        0  draining  470
                default  green  active, healthy  100 %       0        1         0        0  -         470

                """)
    }

    @Test func aStatementIsShownWithItsAttempts() async throws {
        let session = Session()
        let key = StatementKey(owner: Owner(counter: 1, random: 2), number: 3)
        var record = StatementRecord(id: "s1", key: key, submitted: Timestamp(milliseconds: 1_767_225_599_000))
        record.state = .failed
        record.user = "an\u{1B}na"
        record.attempts = [AttemptRecord(number: 1, pool: "blue", coordinator: "blue-1", started: record.submitted)]
        record.attempts[0].failure = "DIVISION_BY_ZERO"
        record.attempts[0].message = "Division by zero"
        try session.answer("/v1/statements/q%2F1", StatementBody(record))
        #expect(await session.run("query", "q/1") == .done)
        #expect(session.output.contains("user        an?na\n"))
        #expect(session.output.contains("elapsed     1.0 s\n"))
        #expect(session.output.contains("attempt 1 on blue-1 (pool blue)\n"))
        #expect(session.output.hasSuffix("\nattempt 1: Division by zero\n"))
    }

    @Test func theRulesAreATable() async throws {
        let session = Session()
        var text = Rule(id: "U11", failureClass: .user, action: .same)
        text.names = ["ONE", "TWO"]
        text.match = try Pattern("a b")
        text.when = .nameOrText
        text.retries = .limited(3)
        text.wait = .short
        text.optIn = true
        var way = Rule(id: "H03", failureClass: .unavailable, action: .none)
        way.step = .submit
        way.occurrences = [.event(.cut), .status(503), .anyStatus]
        way.notType = .userError
        try session.answer("/v1/policy/rules", ListBody([text, way].map(RuleBody.init)))
        #expect(await session.run("rules") == .done)
        #expect(
            session.output == """
                RULE  CLASS        ACTION  RETRIES  WAIT  NOTE    JUDGES
                U11   user         same          3  S     opt-in  ONE TWO or, without a name, /a b/
                H03   unavailable  none          -  -     -       at submit, cut or status 503 or status other, \
                no USER_ERROR

                """)
    }

    @Test func anExplanationIsSentences() async throws {
        let session = Session()
        var early = Rule(id: "U01", failureClass: .user, action: .none)
        early.names = ["OTHER"]
        var late = Rule(id: "R02", failureClass: .resource, action: .other)
        late.type = .external
        late.retries = .limited(2)
        late.wait = .medium
        late.alert = true
        var twin = early
        twin.id = "U02"
        var request = ExplainRequest(step: .submit)
        request.errorName = "ONE"
        request.errorType = "EXTERNAL"
        request.errorCode = -7
        request.status = 200
        request.message = "-m"
        let policy = Policy([early, twin, late])
        var settings = RetrySettings()
        settings.mode = .off
        try session.answer("/v1/policy/explain", ExplainBody(policy.explain(request.failure), settings))
        let code = await session.run(
            "explain", "--step", "submit", "--error-name", "ONE", "--error-type", "EXTERNAL", "--code", "-7",
            "--status", "200", "--message", "-m")
        #expect(code == .done)
        #expect(
            session.output == """
                rule      R02
                class     resource: it wanted more than it was given
                action    other: submitted again, to another coordinator
                retries   2 at most
                wait      M: up to 10 s, doubled each time up to 60 s, at random
                alert     somebody should look, retried or not
                gate      mode-off: not done: retries.mode is off

                Why no rule before R02 judges it:
                  does not name ONE:
                    U01 U02

                """)
        let body = try #require(session.requests.first?.body)
        #expect(try JSONDecoder().decode(ExplainRequest.self, from: Data(body)) == request)
    }

    @Test func anExplanationOfNothingIsWrongUsage() async {
        let session = Session()
        #expect(await session.run("explain") == .wrongUsage)
        #expect(session.errors.contains("--error-name"))
        #expect(await session.run("explain", "--json") == .wrongUsage)
        #expect(await session.run("explain", "--step", "pol") == .wrongUsage)
        #expect(session.errors.contains("did you mean 'poll'?"))
        #expect(await session.run("explain", "--event", "fire") == .wrongUsage)
        #expect(await session.run("explain", "--status", "99") == .wrongUsage)
        #expect(await session.run("explain", "--code", "x") == .wrongUsage)
        #expect(session.asked.isEmpty)
    }

    @Test func whatIsNoGatewayIsSaidToBeNone() async {
        let session = Session()
        session.answer("/v1/status", text: "<html>")
        #expect(await session.run("status") == .refused)
        #expect(session.errors.contains("is it its front door?"))
    }
}
