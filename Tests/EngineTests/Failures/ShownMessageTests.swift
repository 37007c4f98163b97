import Engine
import Testing

/// What records show of a failure's message.
@Suite struct ShownMessageTests {
    private func shown(_ message: String) -> String? {
        Failure(step: .poll, status: 500, message: message).shownMessage
    }

    @Test func noMessageIsNone() {
        #expect(shown("") == nil)
    }

    @Test func aPlainMessageIsShownAsItCame() {
        let message = "line 1:8: Table 'hive.a/b.c' does not exist — é"
        #expect(shown(message) == message)
    }

    @Test func aLongMessageIsCut() {
        #expect(shown(String(repeating: "é", count: 3000)) == String(repeating: "é", count: 2000))
    }

    @Test(arguments: [
        (
            "<td>/v1/statement/executing/20260101_000000_00001_abcde/y0123456789/0</td><p>it broke</p>",
            "<td>/v1/statement/...</td><p>it broke</p>"
        ),
        (
            "asked for http://blue-1:8080/v1/statement/queued/2026/x1/2?slug=abc (GET)",
            "asked for http://blue-1:8080/v1/statement/... (GET)"
        ),
        (
            #"{"path":"/v1/statement/queued/a","other":"/v1/statement"}"#,
            #"{"path":"/v1/statement/...","other":"/v1/statement"}"#
        ),
        ("/v1/statement/a /v1/statement/b", "/v1/statement/... /v1/statement/..."),
        ("ends with /v1/statement/", "ends with /v1/statement/..."),
    ])
    func noSlugIsShown(message: String, expected: String) {
        #expect(shown(message) == expected)
    }
}
