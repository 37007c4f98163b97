import Engine
import Model

/// What befell a statement, in order of time, a line each, to be read by somebody who was woken for it.
struct Story {
    /// Something that happened.
    private struct Moment {
        let at: Timestamp
        /// Of one moment, which attempt it is about.
        let attempt: Int
        /// Of one attempt, what comes first: that it was made, its verdict, the wait after it.
        let step: Int
        let text: String

        static func isBefore(_ left: Moment, _ right: Moment) -> Bool {
            (left.at, left.attempt, left.step) < (right.at, right.attempt, right.step)
        }
    }

    private var moments: [Moment] = []
    private let begun: Timestamp

    /// The story of a statement as it stands now.
    init(_ body: StatementBody, now: Timestamp) {
        begun = body.submitted
        add(
            body.submitted, "submitted to group \(body.group)" + (body.user.isEmpty ? "" : " by \(body.user)"),
            attempt: 0)
        for attempt in body.attempts { add(attempt) }
        for line in body.verdicts { add(line) }
        for wait in body.waits { add(wait, of: body, now: now) }
        addUnjudged(of: body)
        if let ended = body.ended {
            let failure = body.failure.map { ": \($0)" } ?? ""
            add(ended, "\(body.state.rawValue)\(failure)", attempt: .max)
        } else {
            let isThere = (body.state == .queued || body.state == .running) && !body.coordinator.isEmpty
            let place = isThere ? " on \(body.coordinator)" : ""
            add(now, "now it is \(body.state.rawValue)\(place)", attempt: .max)
        }
        moments.sort(by: Moment.isBefore)
    }

    /// The story: when, how long after the beginning, what. Nothing is cut, however narrow the terminal is.
    var lines: [String] {
        moments.map { moment in
            let after = Shown.span(milliseconds: moment.at.milliseconds - begun.milliseconds)
            let padding = String(repeating: " ", count: max(0, 8 - after.count))
            return "\(moment.at.text.dropFirst(11))  \(padding)+\(after)  \(moment.text)"
        }
    }

    private mutating func add(_ at: Timestamp, _ text: String, attempt: Int, step: Int = 0) {
        moments.append(Moment(at: at, attempt: attempt, step: step, text: text))
    }

    private mutating func add(_ attempt: AttemptBody) {
        let query = attempt.queryID.map { ", query \($0)" } ?? ""
        let place = place(attempt.coordinator, attempt.pool)
        add(attempt.started, "attempt \(attempt.number) on \(place)\(query)", attempt: attempt.number)
    }

    private mutating func add(_ line: RetryLine) {
        guard !line.isMove else { return addMove(line) }
        let place = line.coordinator.isEmpty ? "" : " on \(line.coordinator)"
        let cost = line.costMilliseconds > 0 ? " after \(Shown.span(milliseconds: line.costMilliseconds))" : ""
        let failed = "attempt \(line.attempt)\(place) \(line.isRepeat ? "gave no page" : "failed\(cost)")"
        let rule = line.rule.map { "rule \($0) (\(line.failureClass.rawValue)) says \(line.action.rawValue)" }
        let failure = line.failure + (FailureEvent(rawValue: line.failure).map { " (\(Shown.event($0)))" } ?? "")
        let verdict = "\(failed): \(failure); \(rule ?? "no rule judges it"), \(Self.consequence(line))"
        add(line.at, verdict, attempt: line.attempt, step: 1)
    }

    /// It had not failed.
    private mutating func addMove(_ line: RetryLine) {
        let span = Shown.span(milliseconds: line.costMilliseconds)
        let text =
            "attempt \(line.attempt) waited in the queue of \(line.coordinator) for \(span), which is \(line.failure): it "
            + "moves to another coordinator, which costs it no attempt"
        add(line.at, text, attempt: line.attempt, step: 1)
    }

    /// What followed from a verdict.
    private static func consequence(_ line: RetryLine) -> String {
        if line.outcome == .surfaced {
            guard let gate = line.gate else { return "so the client gets the failure" }
            return "but gate \(gate.rawValue) is closed (\(Shown.gate(gate))): the client gets the failure"
        }
        if line.isRepeat {
            let times = line.times > 1 ? " \(line.times) times, until \(line.last.text.dropFirst(11))" : ""
            return "so the same URI is asked for again\(times)"
        }
        let times = line.times > 1 ? " (\(line.times) times, until \(line.last.text.dropFirst(11)))" : ""
        let wait = line.waitMilliseconds > 0 ? " after \(Shown.span(milliseconds: line.waitMilliseconds))" : ""
        return "so it is submitted again\(wait)\(times)"
    }

    private mutating func add(_ wait: WaitBody, of body: StatementBody, now: Timestamp) {
        let attempt = body.verdicts.lazy.filter { $0.at <= wait.began }.map(\.attempt).max() ?? 0
        let span = Shown.span(milliseconds: (wait.ended ?? now).milliseconds - wait.began.milliseconds)
        let text = "waits here: \(wait.reason.meaning), for \(span)\(wait.ended == nil ? " until now" : "")"
        add(wait.began, text, attempt: attempt, step: 2)
    }

    /// Failures of attempts of which no verdict was kept.
    private mutating func addUnjudged(of body: StatementBody) {
        for attempt in body.attempts where !body.verdicts.contains(where: { $0.attempt == attempt.number }) {
            guard let failure = attempt.failure, let ended = attempt.ended, ended != body.ended else { continue }
            add(ended, "attempt \(attempt.number) failed: \(failure)", attempt: attempt.number, step: 1)
        }
    }

    private func place(_ coordinator: String, _ pool: String) -> String {
        coordinator.isEmpty ? "a coordinator that is not known" : "\(coordinator) (pool \(pool))"
    }
}

extension WaitReason {
    /// The reason for people.
    fileprivate var meaning: String {
        switch self {
        case .backOff: "back-off, as the rule says"
        case .noCoordinator: "no coordinator can take it"
        case .budget: "the retry budget is spent"
        case .store: "the store cannot be written"
        }
    }
}
