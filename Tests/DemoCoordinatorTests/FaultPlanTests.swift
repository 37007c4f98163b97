import Testing

@testable import DemoCoordinator

@Suite struct FaultPlanTests {
    private func plan(_ json: String) throws -> FaultPlan {
        FaultPlan(try FaultScript(json: Array(json.utf8)).faults ?? [])
    }

    @Test func aFaultActsOnItsStepOnly() throws {
        var plan = try plan(#"{"faults": [{"step": "post", "do": "status", "status": 429}]}"#)
        let statuses = [Fault.Step.queued, .post, .post].map { plan.onRequest($0, page: nil, sql: nil)?.status }
        #expect(statuses == [nil, 429, 429])
    }

    @Test func itSkipsAndActsSoOften() throws {
        var plan = try plan(#"{"faults": [{"step": "any", "do": "reset", "skip": 1, "times": 2}]}"#)
        let acted = (0..<5).map { _ in plan.onRequest(.info, page: nil, sql: nil) != nil }
        #expect(acted == [false, true, true, false, false])
    }

    @Test func itFitsAPageAndAText() throws {
        var plan = try plan(
            #"{"faults": [{"step": "executing", "page": 2, "sql": "orders", "do": "cut", "bytes": 9}]}"#)
        let requests = [(1, "SELECT * FROM orders"), (2, "SELECT 1"), (2, nil), (2, "SELECT * FROM orders")]
        let cuts = requests.map { page, sql in plan.onRequest(.executing, page: page, sql: sql)?.bytes }
        #expect(cuts == [nil, nil, nil, 9])
    }

    @Test func failuresBelongToStatements() throws {
        var plan = try plan(
            #"{"faults": [{"step": "executing", "do": "fail", "rows": 3, "times": 1, "error": {"name": "REMOTE_HOST_GONE", "type": "INTERNAL_ERROR", "code": 65558, "message": "gone"}}]}"#
        )
        let onRequest = plan.onRequest(.executing, page: 0, sql: "SELECT 1")
        #expect(onRequest == nil)
        let faults = (0..<2).map { _ in plan.onStatement("SELECT 1") }
        let failure = try #require(faults[0]).failure
        #expect(faults[0]?.rows == 3 && failure.name == "REMOTE_HOST_GONE" && failure.code == 65_558)
        #expect(faults[1] == nil)
    }

    @Test func aFailureOfThePostIsNoLaterOne() throws {
        var plan = try plan(#"{"faults": [{"step": "post", "do": "fail", "sql": "1", "times": 1}]}"#)
        let later = plan.onStatement("SELECT 1")
        let submissions = ["SELECT 2", "SELECT 1", "SELECT 1"].map { plan.onSubmission($0) != nil }
        #expect(later == nil)
        #expect(submissions == [false, true, false])
    }

    @Test func aScriptSaysWhichEngineItIs() throws {
        let script = try FaultScript(json: Array(#"{"dialect": "presto", "chunked": false}"#.utf8))
        #expect(Behaviour(script).dialect == .presto)
        #expect(Behaviour(script).isChunked == false)
        #expect(Behaviour(FaultScript()).dialect == .trino)
        #expect(Behaviour(FaultScript()).isChunked == nil)
        #expect(throws: DecodingError.self) { try FaultScript(json: Array(#"{"dialect": "oracle"}"#.utf8)) }
    }

    @Test func anUnknownWordIsAnError() {
        #expect(throws: DecodingError.self) { try plan(#"{"faults": [{"step": "post", "do": "explode"}]}"#) }
        #expect(throws: DecodingError.self) { try plan(#"{"faults": [{"step": "lunch", "do": "die"}]}"#) }
    }
}
