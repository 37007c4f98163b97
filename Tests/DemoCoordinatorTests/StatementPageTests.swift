import SQLite
import Testing
import Wire

@testable import DemoCoordinator

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct StatementPageTests {
    /// The first page of `select_1` of the recorded conversations with Trino 476, id and authority replaced.
    @Test func aQueuedPageIsTrinosByteForByte() {
        let page = StatementPage(
            id: "20261121_025806_00000_3is75", authority: "http://127.0.0.1:18101",
            nextPath: "/v1/statement/queued/20261121_025806_00000_3is75/yd5593231a291c6019c00f0330941b208c58b993a/1",
            stats: StatementStats(state: .queued))
        #expect(
            text(page.json(hasParametricTimes: true))
                == #"{"id":"20261121_025806_00000_3is75","infoUri":"http://127.0.0.1:18101/ui/query.html?20261121_025806_00000_3is75","nextUri":"http://127.0.0.1:18101/v1/statement/queued/20261121_025806_00000_3is75/yd5593231a291c6019c00f0330941b208c58b993a/1","stats":{"state":"QUEUED","queued":true,"scheduled":false,"nodes":0,"totalSplits":0,"queuedSplits":0,"runningSplits":0,"completedSplits":0,"planningTimeMillis":0,"analysisTimeMillis":0,"cpuTimeMillis":0,"wallTimeMillis":0,"queuedTimeMillis":0,"elapsedTimeMillis":0,"finishingTimeMillis":0,"physicalInputTimeMillis":0,"processedRows":0,"processedBytes":0,"physicalInputBytes":0,"physicalWrittenBytes":0,"internalNetworkInputBytes":0,"peakMemoryBytes":0,"spilledBytes":0},"warnings":[]}"#
        )
    }

    /// The fourth page of the same conversation, its times at 0.
    @Test func aRunningPageIsTrinosByteForByte() {
        var page = StatementPage(id: "q", authority: "http://h", stats: StatementStats(state: .running))
        page.partialCancelURI = "http://h/v1/statement/executing/partialCancel/q/0/y/1"
        page.nextPath = "/v1/statement/executing/q/y/1"
        page.columns = [ResultColumn(name: "_col0", type: .integer)]
        page.stats.hasStage = true
        page.stats.nodes = 1
        #expect(
            text(page.json(hasParametricTimes: true))
                == #"{"id":"q","infoUri":"http://h/ui/query.html?q","partialCancelUri":"http://h/v1/statement/executing/partialCancel/q/0/y/1","nextUri":"http://h/v1/statement/executing/q/y/1","columns":[{"name":"_col0","type":"integer","typeSignature":{"rawType":"integer","arguments":[]}}],"stats":{"state":"RUNNING","queued":false,"scheduled":true,"nodes":1,"totalSplits":0,"queuedSplits":0,"runningSplits":0,"completedSplits":0,"planningTimeMillis":0,"analysisTimeMillis":0,"cpuTimeMillis":0,"wallTimeMillis":0,"queuedTimeMillis":0,"elapsedTimeMillis":0,"finishingTimeMillis":0,"physicalInputTimeMillis":0,"processedRows":0,"processedBytes":0,"physicalInputBytes":0,"physicalWrittenBytes":0,"internalNetworkInputBytes":0,"peakMemoryBytes":0,"spilledBytes":0,"rootStage":{"stageId":"0","state":"RUNNING","done":false,"nodes":1,"totalSplits":0,"queuedSplits":0,"runningSplits":0,"completedSplits":0,"cpuTimeMillis":0,"wallTimeMillis":0,"processedRows":0,"processedBytes":0,"physicalInputBytes":0,"failedTasks":0,"coordinatorOnly":false,"subStages":[]}},"warnings":[]}"#
        )
    }

    @Test func rowsErrorsAndUpdatesStandInTrinosOrder() throws {
        var page = StatementPage(id: "q", authority: "http://h", stats: StatementStats(state: .failed))
        page.columns = []
        page.rows = Array("[1]".utf8)
        page.failure = .divisionByZero
        page.updateType = "INSERT"
        page.updateCount = 1
        let json = text(page.json(hasParametricTimes: true))
        let members = [
            "\"id\"", "\"columns\"", "\"data\":[[1]]", "\"stats\"", "\"error\"", "\"warnings\"", "\"updateType\"",
            "\"updateCount\":1",
        ]
        let places = members.map { member in json.firstRange(of: member)?.lowerBound }
        #expect(!places.contains(nil))
        #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        let error = try #require(
            json.firstRange(of: #""error":{"message":"Division by zero","errorCode":8,"errorName":"DIVISION_BY_ZERO","#)
        )
        #expect(
            json[error.upperBound...].hasPrefix(
                #""errorType":"USER_ERROR","failureInfo":{"type":"io.trino.spi.TrinoException""#))
    }

    @Test func causesStandInsideOneAnother() {
        var bytes: [UInt8] = []
        QueryFailure(
            "N", "EXTERNAL", 1, "m",
            causes: ["outer", ""].map { QueryFailure.Cause(exception: "E", message: $0) }
        ).write(to: &bytes)
        #expect(
            text(bytes).contains(
                #""cause":{"type":"E","message":"outer","cause":{"type":"E","suppressed":[],"stack":[]},"suppressed":[],"stack":[]},"suppressed""#
            ))
    }

    @Test func prestoEscapesWhatCouldBeHTML() {
        var page = StatementPage(id: "q", authority: "http://h", stats: StatementStats(state: .waitingForPrerequisites))
        page.nextPath = "/v1/statement/queued/q/1?slug=x&a='<b>'"
        let json = text(page.json(hasParametricTimes: true, dialect: .presto))
        #expect(json.contains(#""nextUri":"http://h/v1/statement/queued/q/1?slug=x\u0026a=\u0027\u003Cb\u003E\u0027""#))
        #expect(json.hasSuffix("}\n"))
        #expect(json.contains(#""state":"WAITING_FOR_PREREQUISITES""#))
    }

    @Test(arguments: [
        (Value.integer(1), "boolean", "true"), (.integer(5), "bigint", "5"), (.real(2), "bigint", "2"),
        (.real(1.1), "decimal(3,2)", "\"1.10\""), (.real(-0.5), "decimal(3,2)", "\"-0.50\""),
        (.integer(3), "decimal(5,1)", "\"3.0\""), (.integer(3), "double", "3.0"),
        (.real(.infinity), "double", "\"Infinity\""),
        (.text("a\"\n\u{1}é"), "varchar", "\"a\\\"\\n\\u0001é\""), (.null, "date", "null"),
        (.text("2020-01-01 00:00:00"), "timestamp(3)", "\"2020-01-01 00:00:00.000\""),
        (.text("2020-01-01 00:00:00.123456"), "timestamp(6)", "\"2020-01-01 00:00:00.123456\""),
        (.blob([0, 255]), "varbinary", "\"AP8=\""), (.blob([1, 2, 3]), "varbinary", "\"AQID\""),
    ])
    func valuesAreWrittenAsTheirTypeIs(_ value: Value, _ type: String, _ expected: String) {
        var bytes: [UInt8] = []
        bytes.append(value, as: ColumnType(declared: type), hasParametricTimes: true)
        #expect(text(bytes) == expected)
    }

    @Test(arguments: [
        ("varchar", "varchar", #"{"rawType":"varchar","arguments":[{"kind":"LONG","value":2147483647}]}"#),
        ("VARCHAR(25)", "varchar(25)", #"{"rawType":"varchar","arguments":[{"kind":"LONG","value":25}]}"#),
        (
            "decimal(3,2)", "decimal(3, 2)",
            #"{"rawType":"decimal","arguments":[{"kind":"LONG","value":3},{"kind":"LONG","value":2}]}"#
        ),
        ("int", "integer", #"{"rawType":"integer","arguments":[]}"#),
        ("timestamp", "timestamp(3)", #"{"rawType":"timestamp","arguments":[{"kind":"LONG","value":3}]}"#),
    ])
    func typesHaveTrinosSignatures(_ declared: String, _ name: String, _ signature: String) {
        let type = ColumnType(declared: declared)
        var bytes: [UInt8] = []
        type.writeSignature(to: &bytes, hasParametricTimes: true)
        #expect(type.text() == name)
        #expect(text(bytes) == signature)
    }

    @Test func aClientWithoutParametricTimesGetsMilliseconds() {
        var bytes: [UInt8] = []
        let type = ColumnType("timestamp", [6])
        bytes.append(.text("2020-01-01 00:00:00.123456"), as: type, hasParametricTimes: false)
        #expect(text(bytes) == "\"2020-01-01 00:00:00.123\"")
        #expect(type.text(hasParametricTimes: false) == "timestamp")
    }

    @Test func durationsAreWrittenAsTheEnginesDo() {
        #expect(duration(milliseconds: 543_600) == "9.06m")
        #expect(duration(milliseconds: 33_060) == "33.06s")
        #expect(duration(milliseconds: 300_000) == "5.00m")
        #expect(duration(milliseconds: 12) == "12.00ms")
    }
}
