import Engine
import FoundationEssentials
import Model
import Testing

@testable import AdminServer

@Suite("Routes")
struct RouteTests {
    @Test func whatIsAskedForIsAnsweredAsJSON() async throws {
        try await ServedAPI.with { (served) async throws in
            let status = try await served.ask("GET", "/v1/status").body(StatusBody.self)
            #expect(status.uptime == "93s")
            #expect(try await served.ask("GET", "/v1/groups").body(ListBody<GroupBody>.self).items == [FakeAPI.group])
            #expect(try await served.ask("GET", "/v1/groups/default").body(GroupBody.self) == FakeAPI.group)
            let coordinators = try await served.ask("GET", "/v1/coordinators").body(ListBody<CoordinatorBody>.self)
            #expect(coordinators.items == [FakeAPI.coordinator])
            #expect(try await served.ask("GET", "/v1/flips/5").body(FlipLine.self).flip == 5)
            #expect(try await served.ask("GET", "/v1/queries/x").body(StatementBody.self).id == "x")
        }
    }

    @Test func bodiesHaveTheNamesOfTheInterface() async throws {
        try await ServedAPI.with { (served) async throws in
            #expect(
                try await served.ask("GET", "/v1/statements/s").text
                    == #"{"attempts":[{"action":null,"class":null,"coordinator":"blue-1","ended":null,"failure":null,"#
                    + #""gate":null,"message":null,"number":1,"pool":"blue","query_id":null,"rule":null,"#
                    + #""started":"2026-01-01T00:00:00.007Z"}],"coordinator":"","dropped_verdicts":0,"#
                    + #""dropped_waits":0,"ended":null,"failure":null,"group":"","id":"s","kind":null,"message":null,"#
                    + #""pool":"","query_ids":[],"retried":false,"source":"","state":"waiting","#
                    + #""submitted":"2026-01-01T00:00:00.007Z","user":"anna","verdicts":[],"waits":[]}"#)
            #expect(
                try await served.ask("GET", "/v1/flips/5").text
                    == #"{"acknowledged":[],"at":"2026-01-01T00:00:00.007Z","by":"admin","epoch":8,"flip":5,"#
                    + #""forced":false,"from":"blue","group":"default","mode":"now","reason":null,"silent":[],"#
                    + #""to":"green","undoes":null}"#)
            let coordinator = try await served.ask("GET", "/v1/coordinators/blue-1").text
            for member in [#""drained":false"#, #""health":"ready""#, #""in_flight":2"#, #""workers":null"#] {
                #expect(coordinator.contains(member))
            }
        }
    }

    @Test func aFlipIsAskedForByItsMembers() async throws {
        try await ServedAPI.with { (served) async throws in
            let path = "/v1/groups/default/flip"
            let done = try await served.ask("POST", path, #"{"to":"green","reason":"r","expect_epoch":7}"#)
            #expect(
                done.text
                    == #"{"acknowledged":["owner-1"],"active":"green","dry_run":false,"epoch":8,"flip":12,"#
                    + #""group":"default","previous":"blue","silent":[]}"#)
            let dry = try await served.ask("POST", path, #"{"to":"green","mode":"now","force":true,"dry_run":true}"#)
            #expect(try dry.body(FlipBody.self).flip == nil)
            let refused = try await served.ask("POST", path, #"{"to":"green","expect_epoch":6}"#)
            #expect(refused.status == 409)
            #expect(try refused.problem().guard == .epochMismatch)
            let first = FlipRequest(to: "green", reason: "r", expectEpoch: 7)
            let second = FlipRequest(to: "green", force: true, dryRun: true)
            #expect(served.api.calls.prefix(2) == ["flip default \(first) admin", "flip default \(second) admin"])
        }
    }

    @Test func aRollbackMayBeAskedForWithoutABody() async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("POST", "/v1/groups/default/rollback", "")
            #expect(reply.status == 409)
            #expect(try reply.problem().guard == .nothingToRollBack)
            #expect(served.api.calls == ["rollback default \(RollbackRequest()) admin"])
        }
    }

    @Test func registrationsAreMadeDrainedAndRemoved() async throws {
        try await ServedAPI.with { (served) async throws in
            let body = #"{"name":"n","group":"g","pool":"p","url":"http://a:1"}"#
            #expect(try await served.ask("POST", "/v1/coordinators", body).status == 201)
            let taken = #"{"name":"blue-1","group":"g","pool":"p","url":"http://a:1"}"#
            #expect(try await served.ask("POST", "/v1/coordinators", taken).status == 409)
            #expect(try await served.ask("POST", "/v1/coordinators/a%2Fb/drain", "").status == 200)
            #expect(try await served.ask("POST", "/v1/coordinators/b/undrain", "{}").status == 200)
            #expect(try await served.ask("DELETE", "/v1/coordinators/b").status == 200)
            #expect(served.api.calls.suffix(3) == ["drain a/b", "undrain b", "remove b"])
        }
    }

    @Test func aReloadThatIsRefusedNamesEveryProblem() async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("POST", "/v1/reload", "")
            #expect(reply.status == 422)
            #expect(
                reply.text.contains(
                    #""problems":[{"file":"penstock.yaml","line":2,"message":"unknown key","path":"listen.prot","#
                        + #""suggestion":"write `port`"}]"#))
        }
    }

    @Test func theRulesHaveTheKeysOfAPolicyFile() async throws {
        try await ServedAPI.with { (served) async throws in
            #expect(
                try await served.ask("GET", "/v1/policy/rules").text
                    == #"{"items":[{"action":"other","alert":false,"class":"unavailable","event":["cut"],"id":"H03","#
                    + #""match":null,"names":[],"not_type":null,"opt_in":false,"retries":"unbounded","#
                    + #""status":[503,"other"],"step":"submit","type":null,"wait":"RA, else S","#
                    + #""when":"name-and-text"}],"next_cursor":null}"#)
        }
    }

    @Test func aFailureIsExplained() async throws {
        try await ServedAPI.with { (served) async throws in
            let path = "/v1/policy/explain"
            #expect(
                try await served.ask("POST", path, #"{"step":"submit","status":503,"message":null}"#).text
                    == #"{"action":"other","alert":false,"class":"unavailable","gate":null,"retries":"unbounded","#
                    + #""rule":"H03","skipped":[],"wait":"RA, else S"}"#)
            let failure = #"{"event":"cut","error_name":"N","error_type":"T","error_code":-4,"message":"m"}"#
            #expect(
                try await served.ask("POST", path, failure).text
                    == #"{"action":"none","alert":false,"class":"internal","gate":null,"retries":0,"rule":null,"#
                    + #""skipped":[{"rule":"H03","why":"holds at step submit only"}],"wait":null}"#)
            let said = Failure(
                step: .poll, event: .cut, errorName: "N", errorType: "T", errorCode: -4, message: "m")
            #expect(served.api.calls.last == "explain \(said)")
        }
    }

    @Test(arguments: [
        (#"{"step":"pol"}"#, "'step': there is no 'pol' here; did you mean 'poll'?"),
        (#"{"event":"fire"}"#, "there are: refused, reset"),
        (#"{"step":7}"#, "'step'"), (#"{"status":"503"}"#, "'status' must be a whole number"),
        (#"{"error_nam":"X"}"#, "Did you mean 'error_name'?"), ("[]", "must be a JSON object"),
        (#""poll""#, "must be a JSON object"), ("{", "not JSON"),
    ])
    func whatIsNoFailureIsRefused(body: String, detail: String) async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("POST", "/v1/policy/explain", body)
            #expect(reply.status == 400)
            let said = try reply.problem().detail
            #expect(said.contains(detail), "\(said)")
            #expect(served.api.calls.isEmpty)
        }
    }

    @Test func listsGoOnWhereTheyEnded() async throws {
        try await ServedAPI.with { (served) async throws in
            let filters = "limit=2&state=finished,failed&state=lost&user=a%20b"
            let first = try await served.ask("GET", "/v1/statements?\(filters)")
            let page = try first.body(ListBody<StatementBody>.self)
            #expect(page.items.map(\.id) == ["c", "b"])
            let rest = try await served.ask("GET", "/v1/statements?limit=2&cursor=\(try #require(page.nextCursor))")
            #expect(try rest.body(ListBody<StatementBody>.self) == ListBody([FakeAPI.statement("a")]))
            #expect(rest.text.hasSuffix(#""next_cursor":null}"#))
            let flips = try await served.ask("GET", "/v1/groups/default/flips?limit=1&cursor=3")
            #expect(try flips.body(ListBody<FlipLine>.self).nextCursor == "2")
            _ = try await served.ask("GET", "/v1/flips")
            #expect(
                served.api.calls == [
                    #"statements ["finished", "failed", "lost"] a b 2 -"#, "statements [] - 2 b", "flips default 3 1",
                    "flips - -1 100",
                ])
        }
    }

    @Test func theRetryLogIsAskedForByItsFilters() async throws {
        try await ServedAPI.with { (served) async throws in
            let query = "class=resource,internal&rule=R01&rule=H06,H07&gate=no-target&action=other&outcome=surfaced"
            let place = "statement=x&pool=blue&limit=7&cursor=1767225600007-s-1"
            let reply = try await served.ask("GET", "/v1/retries?\(query)&\(place)")
            #expect(
                reply.text
                    == #"{"items":[{"action":"other","at":"2026-01-01T00:00:00.007Z","attempt":1,"class":"resource","#
                    + #""coordinator":"blue-1","cost_ms":2100,"failure":"CLUSTER_OUT_OF_MEMORY","gate":null,"#
                    + #""group":"default","last":"2026-01-01T00:00:00.007Z","message":null,"outcome":"waiting","#
                    + #""pool":"blue","rule":"R01","statement":"s","times":1,"user":"anna","wait_ms":4000}],"#
                    + #""next_cursor":"1767225600007-s-1"}"#)
            let words = [["resource", "internal"], ["R01", "H06", "H07"], ["no-target"], ["other"], ["surfaced"]]
            #expect(served.api.calls == ["retries \(words) x blue 7 1767225600007-s-1"])
            for wrong in ["gate=no-targets", "class=users", "outcome=done", "action=any", "cursor=x", "since=now"] {
                #expect(try await served.ask("GET", "/v1/retries?\(wrong)").status == 400, "\(wrong)")
            }
            #expect(try await served.ask("GET", "/v1/retries?gate=no-targets").problem().detail.contains("no-target"))
        }
    }

    @Test func statementsAreFoundByWhatBefellThem() async throws {
        try await ServedAPI.with { (served) async throws in
            #expect(try await served.ask("GET", "/v1/queries?class=user&rule=U01&retried=true").status == 200)
            #expect(served.api.calls.last == #"retried ["user"] ["U01"] true"#)
            for wrong in ["retried=yes", "class=users"] {
                #expect(try await served.ask("GET", "/v1/statements?\(wrong)").status == 400, "\(wrong)")
            }
        }
    }

    @Test func theDocumentNamesEveryRoute() async throws {
        try await ServedAPI.with { (served) async throws in
            let reply = try await served.ask("GET", "/openapi.json")
            #expect(reply.status == 200)
            for route in Route.all(metricsText: { _ in "" }) where route.path != "/openapi.json" {
                #expect(reply.text.contains("\"\(route.path)\":{") == true, "\(route.path)")
            }
        }
    }

    /// The document as it is checked in; `UPDATE_GOLDEN=1` writes it anew.
    @Test func theDocumentIsTheOneThatIsCheckedIn() throws {
        let document = try encoded(OpenAPIDocument(Route.all(metricsText: { _ in "" })))
        let value = try JSONDecoder().decode(JSONText.self, from: Data(document)).text(indent: "") + "\n"
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Config/openapi.json")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(value.utf8).write(to: file)
        }
        #expect(try Data(contentsOf: file) == Data(value.utf8))
    }
}
