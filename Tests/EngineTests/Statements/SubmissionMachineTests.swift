import Testing

@testable import Engine

/// Where a POST goes that brought no page (design 4.2; no judge yet).
@Suite struct SubmissionMachineTests {
    @Test func aRefusedConnectGoesElsewhereAndCostsNoAttempt() {
        var machine = SubmissionMachine(startsOnPost: true, reads: false, isBound: false)
        machine.onSelected(1, startsOnPost: false)
        #expect(machine.onFailure(.refused) == .elsewhere(isAttempt: false))
        #expect(machine.tried == [1])
    }

    @Test(arguments: [SubmissionFailure.cut, .noAnswer, .notProtocol, .status(503)])
    func whatHadNotStartedGoesElsewhere(failure: SubmissionFailure) {
        var machine = SubmissionMachine(startsOnPost: false, reads: false, isBound: false)
        machine.onSelected(1, startsOnPost: false)
        #expect(machine.onFailure(failure) == .elsewhere(isAttempt: true))
    }

    @Test(arguments: [SubmissionFailure.cut, .noAnswer, .notProtocol])
    func onAServerThatStartsOnPostAWriteIsUnknownAndAReadLost(failure: SubmissionFailure) {
        var write = SubmissionMachine(startsOnPost: true, reads: false, isBound: false)
        #expect(write.onFailure(failure) == .end(.outcomeUnknown))
        var read = SubmissionMachine(startsOnPost: true, reads: true, isBound: false)
        #expect(read.onFailure(failure) == .end(.coordinatorLost))
    }

    @Test func aStatusOfAServerThatStartsOnPostIsRelayed() {
        var machine = SubmissionMachine(startsOnPost: true, reads: true, isBound: false)
        #expect(machine.onFailure(.status(503)) == .relay)
    }

    @Test func aTransactionGoesNowhereElse() {
        var machine = SubmissionMachine(startsOnPost: false, reads: true, isBound: true)
        #expect(machine.onFailure(.refused) == .end(.noCoordinator))
        #expect(machine.onFailure(.cut) == .end(.noCoordinator))
        #expect(machine.onFailure(.status(503)) == .relay)
    }
}
