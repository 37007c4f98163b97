/// How statements end that no last page ends: by a cancel, or by time.
extension StatementMachine {
    // MARK: Cancel

    /// What to do with a client's DELETE.
    public enum Cancel: Equatable, Sendable {
        /// The statement is canceled now. `forwards`: the coordinator is to be told.
        case canceled(forwards: Bool)
        /// It had ended before: send the DELETE on, record nothing.
        case relay
        /// It was canceled before, or the gateway had ended it: 204.
        case done
        /// Answer 404.
        case notFound
    }

    /// A DELETE on a nextUri.
    /// - Parameter withdrawsUnstarted: whether the engine takes a DELETE of what was never polled (Trino does; in
    ///   Presto it is a 500 and the statement can still be started).
    public mutating func onCancel(attempt: UInt16, withdrawsUnstarted: Bool, now: Int64) -> Cancel {
        switch phase {
        case .ended, .surfaced: return .done
        case .abandoned: return .notFound
        case .relayed: return .relay
        case .waiting, .submitting, .open, .presumed: break
        }
        // What waits here, or is on its way, has no URI that a DELETE could go to.
        let isThere = phase == .open || phase == .presumed
        trouble.phaseBeforeCancel = phase
        phase = .ended(.userCanceled)
        self.attempt = max(self.attempt, attempt)
        lastSeen = now
        return .canceled(forwards: isThere && (hasStarted || withdrawsUnstarted))
    }

    /// The coordinator refused the DELETE for want of credentials: nothing has ended (design 4.4).
    public mutating func onCancelRefused() {
        guard let before = trouble.phaseBeforeCancel, phase == .ended(.userCanceled) else { return }
        phase = before
        trouble.phaseBeforeCancel = nil
    }

    /// Whether a DELETE by id, which the coordinator confirmed, ends the statement.
    public mutating func onCanceledThere(now: Int64) -> Bool {
        switch phase {
        case .ended, .surfaced, .abandoned, .relayed: return false
        case .waiting, .submitting, .open, .presumed: break
        }
        phase = .ended(.userCanceled)
        counted = .nowhere
        letGo()
        lastSeen = now
        return true
    }

    /// The coordinator has confirmed the cancel, or it has not: then the attempt counts for a while longer.
    public mutating func onCancelAnswered(confirmed: Bool, countFor milliseconds: Int64, now: Int64) {
        letGo()
        if confirmed {
            counted = .nowhere
        } else if counted != .nowhere {
            trouble.countedUntil = now + milliseconds
        }
    }

    // MARK: Time

    /// What time did to the statement.
    public enum Tick: Equatable, Sendable {
        /// Nothing.
        case none
        /// Nobody asked for too long. `started`: it may have run.
        case abandoned(started: Bool)
        /// It has ended, and is remembered; nobody asked since then.
        case remembered(since: Int64)
        /// What was remembered of it may be forgotten.
        case forget
    }

    /// Looks at the clock.
    /// - Parameters:
    ///   - abandoned: without a GET or HEAD for so long the statement is abandoned, in milliseconds.
    ///   - remembered: how long an ended one is remembered, in milliseconds.
    public mutating func onTick(abandoned: Int64, remembered: Int64, now: Int64) -> Tick {
        if isTroubled, let end = trouble.countedUntil, now >= end {
            counted = .nowhere
            trouble.countedUntil = nil
        }
        switch phase {
        case .submitting: return .none
        case .presumed:
            return counted == .nowhere && now - lastSeen >= remembered ? .forget : .none
        case .open:
            guard exchanges == 0, now - lastSeen >= abandoned else { return .none }
            counted = .nowhere
            // What had started may still run there: the next poll adopts it and completes its record.
            phase = hasStarted ? .presumed : .abandoned
            letGo()
            return .abandoned(started: hasStarted)
        case .waiting:
            guard exchanges == 0, now - lastSeen >= abandoned else { return .none }
            phase = .abandoned
            letGo()
            return .abandoned(started: false)
        case .relayed, .surfaced, .ended, .abandoned:
            guard counted == .nowhere else { return .none }
            return now - lastSeen >= remembered ? .forget : .remembered(since: lastSeen)
        }
    }

    /// The earliest moment at which `onTick` does something, unless something happens meanwhile: while an exchange is
    /// under way, that is its end.
    func due(abandoned: Int64, remembered: Int64) -> Int64 {
        let counts = isTroubled ? trouble.countedUntil ?? .max : .max
        switch phase {
        case .submitting: return counts
        case .open, .waiting: return exchanges > 0 ? counts : min(counts, lastSeen + abandoned)
        case .presumed: return counted == .nowhere ? min(counts, lastSeen + remembered) : counts
        // What is remembered is counted with each look.
        case .relayed, .surfaced, .ended, .abandoned: return counted == .nowhere ? .min : counts
        }
    }

    /// A presumed statement was not polled in time: it counts no longer.
    public mutating func onPresumptionEnded() -> Bool {
        guard phase == .presumed, counted == .presumed else { return false }
        counted = .nowhere
        return true
    }

    /// Whether a coordinator has it.
    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// Whether its last page was relayed.
    var wasRelayed: Bool {
        if case .relayed = phase { return true }
        return false
    }

    /// The state that users see.
    public var state: StatementState {
        switch phase {
        case .submitting, .waiting: .waiting
        case .surfaced: .failed
        case .open: counted == .running ? .running : .queued
        case .presumed: counted == .nowhere ? .abandoned : .running
        case .relayed: .finished
        case .ended(let error):
            switch error {
            case .userCanceled: .canceled
            case .outcomeUnknown: .lost
            case .noCoordinator, .ownerLost, .coordinatorLost, .poolNotAllowed, .queueFull, .unknownTransaction:
                .failed
            }
        case .abandoned: .abandoned
        }
    }
}
