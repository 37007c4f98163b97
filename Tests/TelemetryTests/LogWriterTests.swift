import Engine
import Model
import SQL
import Synchronization
import Testing
import Wire

@testable import Telemetry

@Suite("The log")
struct LogWriterTests {
    /// A reader that takes what it is told to take.
    final class Reader: Sendable {
        private let state = Mutex((text: "", room: Int.max, waits: [Int32]()))

        var text: String { state.withLock { $0.text } }
        var waits: [Int32] { state.withLock { $0.waits } }
        var lines: [String] { text.split(separator: "\n").map(String.init) }

        func take(atMost room: Int) { state.withLock { $0.room = room } }

        func put(_ bytes: [UInt8], _ wait: Int32) -> Int {
            state.withLock { state in
                let count = min(bytes.count, state.room)
                state.text += String(decoding: bytes.prefix(count), as: UTF8.self)
                state.room -= count
                state.waits.append(wait)
                return count
            }
        }
    }

    private func writer(
        _ reader: Reader, level: LogLevel = .info, format: LogFormat = .auto, isTerminal: Bool = false
    ) -> LogWriter {
        var settings = LogSettings()
        settings.level = level
        settings.format = format
        return LogWriter(
            settings, isTerminal: isTerminal, isColoured: true, now: { Timestamp(milliseconds: 1_767_225_600_007) },
            put: reader.put)
    }

    @Test(arguments: [LogFormat.json, .text])
    func finishedStatementsLeaveTogetherAndInShortTellTheSame(format: LogFormat) {
        let owner = Owner(counter: 1, random: 7)
        let blue = Place(group: "g", pool: "blue", coordinator: "blue-1", registration: 1)
        let users = ["ann", "a \"ü\"", String(repeating: "x", count: 2000)]
        let drafts = (1...30 as ClosedRange<UInt64>).map { number in
            var course = StatementCourse(StatementKey(owner: owner, number: number))
            let submission = Submission(user: users[Int(number) / 4 % 3], source: "", group: "g", kind: .read)
            let start = Timestamp(milliseconds: Int64(number))
            if number % 11 != 0 {
                _ = course.take(.submitted(submission, sentTo: number % 5 == 0 ? nil : blue), at: start)
            }
            if number % 3 != 0 { _ = course.take(.answered(number: 1, queryID: "2026_\(number)"), at: start) }
            _ = course.take(.ended(.finished, failure: nil, message: nil), at: start.adding(milliseconds: 42))
            return RecordDraft.course(course)
        }
        let (short, whole) = (Reader(), Reader())
        writer(short, format: format).write(finished: drafts)
        let log = writer(whole, format: format)
        for draft in drafts { log.write(.info, "statement ended", draft.record.logFields) }
        #expect(short.lines == whole.lines)
        #expect(short.lines.count == 30)
        #expect(short.waits.count == 1)
        #expect(log.writes(.info) && !log.writes(.debug))
    }

    @Test func writesJSONWhereNobodyLooks() {
        let reader = Reader()
        writer(reader).info("front door open", LogField("address", "127.0.0.1:8080"), LogField("odd", "a\"b\n\u{7}"))
        #expect(
            reader.text == #"{"at":"2026-01-01T00:00:00.007Z","level":"info","message":"front door open","#
                + #""address":"127.0.0.1:8080","odd":"a\"b\n\u0007"}"# + "\n")
    }

    @Test func writesTextOnATerminal() {
        let reader = Reader()
        let log = writer(reader, isTerminal: true)
        log.info("flip done", LogField("group", "default"), LogField("reason", "new release"), LogField("by", ""))
        log.warning("store away")
        #expect(
            reader.lines == [
                #"2026-01-01T00:00:00.007Z INFO    flip done group=default reason="new release" by="""#,
                "2026-01-01T00:00:00.007Z \u{1B}[33mWARNING\u{1B}[0m store away",
            ])
    }

    @Test func aValueNeverLooksLikeAnotherLineOrDrivesATerminal() {
        let reader = Reader()
        writer(reader, isTerminal: true).info("x", LogField("user", "a\nERROR b\u{1B}[2J\u{9B}2J\u{2028}"))
        #expect(reader.lines.count == 1)
        #expect(reader.lines[0].hasSuffix(#"user="a\nERROR b\u001b[2J\u009b2J\u2028""#))
    }

    @Test func longValuesAreCut() {
        let line = LogLine(
            at: Timestamp(milliseconds: 0), level: .info, message: "x",
            fields: [LogField("user", String(repeating: "ü", count: 5000))])
        #expect(line.fields == [LogField("user", String(repeating: "ü", count: 1000) + "...")])
    }

    @Test func whatIsLessGraveThanTheLevelIsLeftOutAndTheLevelMayChange() {
        let reader = Reader()
        let log = writer(reader, level: .warning, format: .text)
        log.info("left out")
        log.error("written")
        var settings = LogSettings()
        settings.level = .debug
        settings.format = .json
        log.apply(settings)
        log.debug("now too")
        #expect(reader.lines.count == 2)
        #expect(reader.lines[1].contains(#""message":"now too""#))
    }

    @Test func aReaderThatStopsCostsOneWaitAndLinesAreCountedNotCut() {
        let reader = Reader()
        let log = writer(reader, format: .text)
        reader.take(atMost: 10)
        log.info("first")
        log.info("second")
        log.info("third")
        #expect(reader.waits == [100, 0, 0])
        reader.take(atMost: .max)
        log.info("fourth")
        #expect(
            reader.lines == [
                "2026-01-01T00:00:00.007Z INFO    first",
                "2026-01-01T00:00:00.007Z WARNING log lines dropped lines=2",
                "2026-01-01T00:00:00.007Z INFO    fourth",
            ])
    }
}
