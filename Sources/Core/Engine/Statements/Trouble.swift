/// What befell a statement beside the ordinary: something failed, it was retried, moved or canceled. Few statements have
/// met with any, so that it lies beside their machine.
struct Trouble: Equatable, Sendable {
    /// Of the polls that were written, the ones that another incarnation answered 404.
    var forgottenPolls: Int32 = 0
    /// Those that were answered 404 before it was known by whom.
    var doubtedPolls: Int32 = 0
    /// Since when polls have gone unanswered.
    var unansweredSince: Int64?
    /// When the first of a row of 404s came.
    var forgottenAt: Timestamp?
    /// Until when an attempt counts whose cancel was not confirmed.
    var countedUntil: Int64?
    /// Where the statement stood before it was canceled.
    var phaseBeforeCancel: StatementMachine.Phase?
    /// Attempts that counted, before the current one.
    var runs = 0
    /// Milliseconds that earlier attempts ran.
    var ran: Int64 = 0
    /// Retries by rule.
    var retriesByRule: [String: Int] = [:]
    /// The rule whose retry the current attempt is.
    var retriedBy: String?
    /// How well the answer that was kept of an earlier attempt explains the failure.
    var kept: Finality?
    /// Since when nobody could take it.
    var awaySince: Int64?
    /// The same URI is not asked for again before this moment.
    var askAgainAt: Int64 = .min
    /// How often in a row it was to be asked for again.
    var askedAgain = 0
    /// Registrations that the coming attempt was offered to in vain.
    var tried: [UInt32] = []
    /// The health episodes that it was moved in.
    var episodes: [HealthEpisode] = []

    /// A page is about to leave: the attempt goes on.
    mutating func onPage(runs: Bool) {
        unansweredSince = nil
        forgottenAt = nil
        askAgainAt = .min
        askedAgain = 0
        tried = []
        if runs { awaySince = nil }
    }

    /// The attempt that polls could be told of is over.
    mutating func onWait() {
        forgottenPolls = 0
        doubtedPolls = 0
        unansweredSince = nil
        forgottenAt = nil
        askAgainAt = .min
        askedAgain = 0
    }
}
