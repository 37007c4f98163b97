import Bytes
import Engine
import Model
import Wire

/// The lines of statements that ended together. What they have in common is spelled once.
struct FinishedLines {
    private let format: LineFormat
    /// Time, level and message.
    private var beginning: [UInt8] = []
    /// The fields that tell of whom a course is and where it ran: those of the last one.
    private var shared: [UInt8] = []
    private var submission: Submission?
    private var place: Place?
    /// All lines.
    private(set) var bytes: [UInt8] = []

    init(_ format: LineFormat, at: Timestamp) {
        self.format = format
        format.begin(.info, "\(RecordDraft.endMessage)", time: at.text, in: &beginning)
        share(nil, nil)
    }

    mutating func put(_ drafts: [RecordDraft]) {
        bytes.reserveCapacity(drafts.count * 400)
        let drafts = drafts.span
        for index in drafts.indices {
            bytes += beginning
            switch drafts[index] {
            case .course(let course): put(course)
            case .record(let record):
                for field in record.logFields { format.put(field.name, LogLine.bounded(field.value), in: &bytes) }
            }
            format.end(in: &bytes)
        }
    }

    /// The same fields as of the record that is made of the course.
    private mutating func put(_ course: StatementCourse) {
        if course.submission != submission || course.place !== place { share(course.submission, course.place) }
        format.put("statement", word: statementID(owner: course.key.owner, statement: course.key.number), in: &bytes)
        format.put("state", word: course.state.rawValue, in: &bytes)
        bytes += shared
        if !course.queryID.isEmpty { format.put("query_ids", LogLine.bounded(course.queryID), in: &bytes) }
        format.put("attempts", word: course.place == nil ? "0" : "1", in: &bytes)
        if let ended = course.ended {
            format.put(
                "elapsed_ms", word: String(ended.milliseconds - course.submitted.milliseconds), in: &bytes)
        }
    }

    private mutating func share(_ submission: Submission?, _ place: Place?) {
        (self.submission, self.place) = (submission, place)
        shared.removeAll(keepingCapacity: true)
        format.put("user", LogLine.bounded(submission?.user ?? ""), in: &shared)
        format.put("source", LogLine.bounded(submission?.source ?? ""), in: &shared)
        format.put("group", submission?.group ?? "", in: &shared)
        format.put("pool", place?.pool ?? "", in: &shared)
        format.put("coordinator", place?.coordinator ?? "", in: &shared)
        if let submission { format.put("kind", submission.kind.rawValue, in: &shared) }
    }
}
