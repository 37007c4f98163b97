import Engine
import Model

/// Puts together what befell a statement. What is told comes from several loops, in any order: its times say what came
/// first, and of one moment what was heard of first.
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

    /// An attempt was sent to a coordinator. One that had reached nobody is sent again under the same number; then it
    /// is told anew.
    mutating func attempted(_ number: Int, pool: String, coordinator: String, registration: UInt32, at time: Timestamp)
    {
        var isNewest = false
        withAttempt(number, at: time) { attempt in
            guard attempt.coordinator.isEmpty || attempt.started <= time else { return }
            if !attempt.coordinator.isEmpty, let ended = attempt.ended, ended <= time {
                let queryID = attempt.queryID
                attempt = AttemptRecord(number: number, pool: pool, coordinator: coordinator, started: time)
                attempt.queryID = queryID
            }
            (attempt.pool, attempt.coordinator, attempt.started) = (pool, coordinator, time)
            isNewest = true
        }
        for index in verdicts.indices where verdicts[index].attempt == number {
            if verdicts[index].pool.isEmpty, verdicts[index].coordinator == coordinator { verdicts[index].pool = pool }
        }
        endWaits(attempt: number, at: time)
        if state == .waiting, !isHeldBack { state = .queued }
        guard isNewest, number == attempts.last?.number else { return }
        self.pool = pool
        self.coordinator = coordinator
        self.registration = registration
    }

    /// Takes a verdict into the story; its pool is that of its attempt.
    mutating func add(_ verdict: VerdictRecord) {
        var verdict = verdict
        if let attempt = attempts.first(where: { $0.number == verdict.attempt && $0.coordinator == verdict.coordinator }
        ) {
            verdict.pool = attempt.pool
        }
        let told = verdicts.reduce(0) { $0 + ($1.message?.utf8.count ?? 0) }
        if let message = verdict.message, told + message.utf8.count > Self.storyText {
            verdict.message = String(message.prefix(max(0, Self.storyText - told) / 4))
        }
        if verdict.outcome == .waiting, isSubmitted(after: verdict) { verdict.outcome = .retried }
        if verdict.endsAttempt { close(verdict) }
        insert(verdict)
        // What is retried waits at least as its rule says; that it waits for something else is told by itself.
        if verdict.isRetried, verdict.endsAttempt { _ = waits(.backOff, since: verdict.at) }
        if verdict.outcome == .waiting, !state.isTerminal { state = .waiting }
    }

    /// Whether a submission was heard of that came after the verdict.
    private func isSubmitted(after verdict: VerdictRecord) -> Bool {
        attempts.contains { attempt in
            !attempt.coordinator.isEmpty
                && (attempt.number > verdict.attempt
                    || attempt.number == verdict.attempt && attempt.started > verdict.at)
        }
    }

    /// The attempt ends with the verdict, unless it was sent again since. A verdict on no coordinator is about an attempt
    /// that was never made, or about one that has ended.
    private mutating func close(_ verdict: VerdictRecord) {
        if verdict.coordinator.isEmpty {
            guard attempts.contains(where: { $0.number == verdict.attempt && $0.ended == nil }) else { return }
        }
        withAttempt(verdict.attempt, at: verdict.at) { attempt in
            guard attempt.coordinator.isEmpty || attempt.started <= verdict.at else { return }
            attempt.failure = verdict.failure
            attempt.message = verdict.message
            attempt.rule = verdict.rule
            attempt.failureClass = verdict.failureClass.rawValue
            attempt.action = verdict.action.rawValue
            attempt.gate = verdict.gate?.rawValue
            attempt.ended = verdict.at
        }
    }

    /// Puts a verdict in its place; one like its neighbour is counted there.
    private mutating func insert(_ verdict: VerdictRecord) {
        let index = (verdicts.lastIndex { $0.last <= verdict.at } ?? -1) + 1
        if index > 0, verdicts[index - 1].isLike(verdict) {
            verdicts[index - 1].count(verdict)
            return
        }
        if index < verdicts.count, verdicts[index].isLike(verdict) {
            let at = verdict.at
            verdicts[index].count(verdict)
            verdicts[index].at = at
            return
        }
        var verdict = verdict
        verdict.number = (verdicts.lazy.map(\.number).max() ?? 0) + 1
        verdicts.insert(verdict, at: index)
        if verdicts.count > Self.storyLength {
            droppedVerdicts += verdicts.remove(at: Self.storyLength / 2).times
        }
    }

    /// It waits here from then on. Of two reasons told of one moment the later one holds, unless that is the back-off,
    /// which a verdict alone gives.
    /// - Returns: whether that is news.
    mutating func waits(_ reason: WaitReason, since time: Timestamp) -> Bool {
        let index = (waits.lastIndex { $0.began <= time } ?? -1) + 1
        if index > 0 {
            let earlier = waits[index - 1]
            let isOver = earlier.ended.map { $0 <= time } ?? false
            if earlier.began == time, !isOver {
                guard reason != .backOff, reason != earlier.reason else { return false }
                waits[index - 1].reason = reason
                return true
            }
            if earlier.reason == reason, !isOver { return false }
            if !isOver { waits[index - 1].ended = time }
        }
        let next = index < waits.count ? waits[index].began : nil
        let sent = attempts.lazy.filter { !$0.coordinator.isEmpty && $0.started > time }.map(\.started).min()
        let ended = [next, sent].compactMap { $0 }.min()
        waits.insert(WaitRecord(began: time, ended: ended, reason: reason), at: index)
        if waits.count > Self.storyLength {
            waits.remove(at: Self.storyLength / 2)
            droppedWaits += 1
        }
        if ended == nil, !state.isTerminal { state = .waiting }
        return true
    }

    /// Takes waits into the story that were told before the record was found.
    mutating func add(_ wait: WaitRecord) {
        guard waits(wait.reason, since: wait.began), let ended = wait.ended,
            let index = waits.lastIndex(where: { $0.began == wait.began && $0.reason == wait.reason })
        else { return }
        waits[index].ended = min(waits[index].ended ?? ended, ended)
    }

    /// What waited for a submission does so no longer.
    private mutating func endWaits(attempt number: Int, at time: Timestamp) {
        for index in verdicts.indices where verdicts[index].outcome == .waiting {
            let verdict = verdicts[index]
            if number > verdict.attempt || number == verdict.attempt && time >= verdict.last {
                verdicts[index].outcome = .retried
            }
        }
        for index in waits.indices where waits[index].began <= time {
            waits[index].ended = min(waits[index].ended ?? time, time)
        }
        // Who went on at once did not wait.
        waits.removeAll { $0.began == time && $0.ended == time }
    }

    /// Whether it waits for a submission that was not heard of yet.
    var isHeldBack: Bool { verdicts.contains { $0.outcome == .waiting } || waits.contains { $0.ended == nil } }

    /// Whether what was told of that moment belongs to a time before it began to wait.
    func waited(since time: Timestamp) -> Bool {
        verdicts.contains { $0.outcome == .waiting && $0.last >= time }
            || waits.contains { $0.ended == nil && $0.began >= time }
    }

    /// The last attempt of a statement that ended has ended with it, and so has what waited; its retries went as it
    /// did. One that failed for no reason of its own failed for that of its last attempt. One that goes on after all has
    /// its retries undone.
    mutating func settle() {
        for index in verdicts.indices where verdicts[index].isRetried {
            switch (state, verdicts[index].outcome) {
            case (.finished, _): verdicts[index].outcome = .finished
            case (.failed, _), (.canceled, _), (.abandoned, _), (.lost, _): verdicts[index].outcome = .failed
            case (.waiting, .failed), (.queued, .failed), (.running, .failed): verdicts[index].outcome = .retried
            case (.waiting, _), (.queued, _), (.running, _): break
            }
        }
        guard let ended else { return }
        for index in waits.indices where waits[index].ended == nil { waits[index].ended = ended }
        guard let last = attempts.last?.number else { return }
        let (failure, message) = (failure, message)
        withAttempt(last, at: ended) { attempt in
            attempt.ended = attempt.ended ?? ended
            attempt.failure = attempt.failure ?? failure
            attempt.message = attempt.message ?? message
        }
        guard state == .failed, failure == nil, let attempt = attempts.last(where: { $0.failure != nil }) else {
            return
        }
        (self.failure, self.message) = (attempt.failure, attempt.message)
    }
}

extension VerdictRecord {
    /// Whether two verdicts in a row are one line.
    fileprivate func isLike(_ other: VerdictRecord) -> Bool {
        attempt == other.attempt && coordinator == other.coordinator && failure == other.failure
            && rule == other.rule && failureClass == other.failureClass && action == other.action
            && gate == other.gate && isRetried == other.isRetried
    }

    /// Counts one more like it.
    fileprivate mutating func count(_ other: VerdictRecord) {
        last = max(last, other.last)
        wait += other.wait
        cost = max(cost, other.cost)
        times += other.times
        outcome = other.last >= last ? other.outcome : outcome
    }
}
