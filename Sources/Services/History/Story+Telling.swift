import Engine
import Model

/// Puts together what befell a statement. What is told comes from several loops, in any order: what follows from the
/// times of all that was told is found anew with each of them. Of one moment, what was heard of first came first.
extension Story {
    /// An attempt that was sent to a coordinator.
    struct Sending {
        var attempt: Int
        var pool: String
        var coordinator: String
        var at: Timestamp
    }

    /// An attempt was sent to a coordinator. One that had reached nobody is sent again under its number; the record of
    /// the attempt tells of the newest.
    func attempted(_ new: Sending, registration: UInt32) {
        var superseded: Sending?
        record.withAttempt(new.attempt, at: new.at) { attempt in
            if !attempt.coordinator.isEmpty {
                let known = Sending(
                    attempt: attempt.number, pool: attempt.pool, coordinator: attempt.coordinator, at: attempt.started)
                superseded = known.at <= new.at ? known : new
                if known.at > new.at { return }
                attempt.forgetEnd()
            }
            (attempt.pool, attempt.coordinator, attempt.started) = (new.pool, new.coordinator, new.at)
        }
        if let superseded, earlier.count < StatementRecord.storyLength { earlier.append(superseded) }
        for index in record.verdicts.indices where record.verdicts[index].outcome == .waiting {
            let verdict = record.verdicts[index]
            if new.attempt > verdict.attempt || new.attempt == verdict.attempt && new.at >= verdict.last {
                record.verdicts[index].outcome = .retried
            }
        }
        // Who went on in the same moment did not wait.
        record.waits.removeAll { $0.began == new.at }
        guard let last = record.attempts.last, last.number == new.attempt, last.started == new.at,
            last.coordinator == new.coordinator
        else { return }
        record.pool = new.pool
        record.coordinator = new.coordinator
        record.registration = registration
    }

    /// A failure was judged.
    func judged(_ verdict: VerdictRecord) {
        var verdict = verdict
        let told = record.verdicts.reduce(0) { $0 + ($1.message?.utf8.count ?? 0) }
        if let message = verdict.message, told + message.utf8.count > StatementRecord.storyText {
            verdict.message = String(message.prefix(max(0, StatementRecord.storyText - told) / 4))
        }
        record.insert(verdict)
        // What is retried waits at least as its rule says; that it waits for something else is told by itself.
        if verdict.isRetried, verdict.endsAttempt { _ = waits(.backOff, since: verdict.at) }
    }

    /// It waits here from then on. Of two reasons told of one moment the later one holds, unless that is the back-off,
    /// which a verdict alone gives.
    /// - Returns: whether that is news.
    func waits(_ reason: WaitReason, since time: Timestamp) -> Bool {
        let index = (record.waits.lastIndex { $0.began <= time } ?? -1) + 1
        if index > 0 {
            let before = record.waits[index - 1]
            if before.began == time {
                guard reason != .backOff, reason != before.reason else { return false }
                record.waits[index - 1].reason = reason
                return true
            }
            let goesOn = before.ended.map { $0 >= time } ?? true
            if before.reason == reason, reason != .backOff, goesOn { return false }
        }
        if index < record.waits.count, record.waits[index].reason == reason, reason != .backOff,
            !sendings.contains(where: { $0.at > time && $0.at <= record.waits[index].began })
        {
            record.waits[index].began = time
            return true
        }
        record.waits.insert(WaitRecord(began: time, reason: reason), at: index)
        if record.waits.count > StatementRecord.storyLength {
            record.waits.remove(at: StatementRecord.storyLength / 2)
            record.droppedWaits += 1
        }
        return true
    }

    /// Finds what follows from all that was told.
    func conclude() {
        endWaits()
        concludeVerdicts()
        closeAttempts()
        concludeState()
    }

    private var sendings: [Sending] {
        earlier
            + record.attempts.filter { !$0.coordinator.isEmpty }.map {
                Sending(attempt: $0.number, pool: $0.pool, coordinator: $0.coordinator, at: $0.started)
            }
    }

    /// A wait ends with the next one, with the next submission or with the statement.
    private func endWaits() {
        guard !record.waits.isEmpty else { return }
        let sendings = sendings
        for index in record.waits.indices {
            let wait = record.waits[index]
            let next = index + 1 < record.waits.count ? record.waits[index + 1].began : nil
            let sent = sendings.lazy.map(\.at).filter { $0 > wait.began }.min()
            record.waits[index].ended = [wait.ended, next, sent, record.ended].compactMap { $0 }.min()
        }
    }

    /// Where a verdict was reached, and how it went on: retries went as the statement did.
    private func concludeVerdicts() {
        guard !record.verdicts.isEmpty else { return }
        let sendings = sendings
        for index in record.verdicts.indices {
            let verdict = record.verdicts[index]
            if verdict.pool.isEmpty, !verdict.coordinator.isEmpty {
                let place = sendings.first { $0.coordinator == verdict.coordinator }
                record.verdicts[index].pool = place?.pool ?? ""
            }
            guard verdict.isRetried else { continue }
            switch (record.state, verdict.outcome) {
            case (.finished, _): record.verdicts[index].outcome = .finished
            case (.failed, _), (.canceled, _), (.abandoned, _), (.lost, _): record.verdicts[index].outcome = .failed
            case (.waiting, .waiting), (.queued, .waiting), (.running, .waiting):
                let isSent = sendings.contains { sent in
                    sent.attempt > verdict.attempt || sent.attempt == verdict.attempt && sent.at > verdict.last
                }
                if isSent { record.verdicts[index].outcome = .retried }
            // It goes on after all.
            case (.waiting, _), (.queued, _), (.running, _): record.verdicts[index].outcome = .retried
            }
        }
    }

    /// An attempt ends with the last verdict on it; the last attempt of a statement that ended ends with it otherwise.
    private func closeAttempts() {
        for index in record.attempts.indices {
            let attempt = record.attempts[index]
            if let verdict = record.verdict(closing: attempt) {
                record.attempts[index].end(with: verdict)
            } else if index < record.attempts.count - 1 {
                // It was taken for the last one when the end came.
                if attempt.ended != nil, attempt.ended == record.ended, attempt.failureClass == nil {
                    record.attempts[index].forgetEnd()
                }
            } else if let ended = record.ended {
                record.attempts[index].ended = attempt.ended ?? ended
                record.attempts[index].failure = attempt.failure ?? record.failure
                record.attempts[index].message = attempt.message ?? record.message
            }
        }
        guard record.state == .failed, record.failure == nil,
            let attempt = record.attempts.last(where: { $0.failure != nil })
        else { return }
        // It failed for no reason of its own: for that of its last attempt.
        (record.failure, record.message) = (attempt.failure, attempt.message)
    }

    private func concludeState() {
        guard !record.state.isTerminal else { return }
        let isHeldBack =
            record.verdicts.contains { $0.outcome == .waiting } || record.waits.contains { $0.ended == nil }
        if isHeldBack {
            record.state = .waiting
        } else if let sent = record.attempts.last(where: { !$0.coordinator.isEmpty }) {
            record.state = ran.map { $0 >= sent.started } ?? false ? .running : .queued
        } else if ran != nil {
            record.state = .running
        }
    }
}

extension StatementRecord {
    /// Changes an attempt; one that is not there yet is put in its place. Where it runs, only `attempted` tells: until
    /// then it has no coordinator.
    mutating func withAttempt(_ number: Int, at time: Timestamp, _ change: (inout AttemptRecord) -> Void) {
        var index = attempts.firstIndex { $0.number >= number } ?? attempts.count
        if index == attempts.count || attempts[index].number != number {
            attempts.insert(AttemptRecord(number: number, pool: "", coordinator: "", started: time), at: index)
            index = attempts.firstIndex { $0.number == number } ?? index
        }
        change(&attempts[index])
    }

    /// Puts a verdict in its place; one like its neighbour is counted there.
    fileprivate mutating func insert(_ verdict: VerdictRecord) {
        let index = (verdicts.lastIndex { $0.last <= verdict.at } ?? -1) + 1
        if index > 0, verdicts[index - 1].isLike(verdict) {
            verdicts[index - 1].count(verdict)
            return
        }
        if index < verdicts.count, verdicts[index].isLike(verdict) {
            verdicts[index].count(verdict)
            return
        }
        var verdict = verdict
        verdict.number = (verdicts.lazy.map(\.number).max() ?? 0) + 1
        verdicts.insert(verdict, at: index)
        if verdicts.count > Self.storyLength {
            droppedVerdicts += verdicts.remove(at: Self.storyLength / 2).times
        }
    }

    /// The verdict that ended an attempt as it was sent last. One on no coordinator says of an attempt that was made
    /// only what no other says.
    fileprivate func verdict(closing attempt: AttemptRecord) -> VerdictRecord? {
        func last(on coordinator: String?) -> VerdictRecord? {
            verdicts.last { verdict in
                verdict.attempt == attempt.number && verdict.endsAttempt && verdict.last >= attempt.started
                    && (coordinator == nil || verdict.coordinator == coordinator)
            }
        }
        return attempt.coordinator.isEmpty ? last(on: nil) : last(on: attempt.coordinator) ?? last(on: "")
    }
}

extension AttemptRecord {
    fileprivate mutating func end(with verdict: VerdictRecord) {
        failure = verdict.failure
        message = verdict.message
        rule = verdict.rule
        failureClass = verdict.failureClass.rawValue
        action = verdict.action.rawValue
        gate = verdict.gate?.rawValue
        ended = verdict.last
    }

    fileprivate mutating func forgetEnd() {
        failure = nil
        message = nil
        rule = nil
        failureClass = nil
        action = nil
        gate = nil
        ended = nil
    }
}

extension VerdictRecord {
    /// Whether two verdicts in a row are one line.
    fileprivate func isLike(_ other: VerdictRecord) -> Bool {
        attempt == other.attempt && coordinator == other.coordinator && failure == other.failure
            && rule == other.rule && failureClass == other.failureClass && action == other.action
            && gate == other.gate && isRetried == other.isRetried
    }

    /// Counts others like it.
    fileprivate mutating func count(_ other: VerdictRecord) {
        if other.last >= last { outcome = other.outcome }
        at = min(at, other.at)
        last = max(last, other.last)
        wait += other.wait
        cost = max(cost, other.cost)
        times += other.times
    }
}
