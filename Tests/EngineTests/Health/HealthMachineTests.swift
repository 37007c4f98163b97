import Engine
import Testing

@Suite struct HealthMachineTests {
    private var machine = HealthMachine(fall: 3, rise: 2)
    private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_800_000_000_000 + seconds * 1000) }

    @Test mutating func theFirstGoodAnswerMakesItReady() {
        let change = machine.onProbe(.answered(ProbeAnswer()), asked: at(0))
        #expect(change == HealthChange(from: .unknown, to: .ready))
        #expect(machine.checked == at(0))
    }

    @Test mutating func silenceEjectsOnlyAfterFallProbes() {
        _ = machine.onProbe(.answered(ProbeAnswer()), asked: at(0))
        #expect(machine.onProbe(.silent, asked: at(2)).to == .ready)
        #expect(machine.onProbe(.unwell(status: 503), asked: at(4)).to == .ready)
        #expect(machine.onProbe(.silent, asked: at(6)) == HealthChange(from: .ready, to: .down))
        #expect(machine.checked == at(0))
    }

    @Test mutating func oneAnswerBetweenFailuresStartsTheCountAgain() {
        _ = machine.onProbe(.answered(ProbeAnswer()), asked: at(0))
        for second: Int64 in 1...10 {
            _ = machine.onProbe(.silent, asked: at(second))
            _ = machine.onProbe(.silent, asked: at(second))
            _ = machine.onProbe(.answered(ProbeAnswer()), asked: at(second))
            #expect(machine.health == .ready)
        }
    }

    @Test mutating func anUnansweredNewcomerIsUnknownThenDown() {
        #expect(machine.onProbe(.silent, asked: at(0)).to == .unknown)
        _ = machine.onProbe(.silent, asked: at(2))
        #expect(machine.onProbe(.silent, asked: at(4)).to == .down)
    }

    @Test mutating func itTakesRiseGoodAnswersToReturn() {
        for second: Int64 in 0...2 { _ = machine.onProbe(.silent, asked: at(second)) }
        #expect(machine.onProbe(.answered(ProbeAnswer()), asked: at(4)).to == .down)
        #expect(machine.onProbe(.answered(ProbeAnswer()), asked: at(6)) == HealthChange(from: .down, to: .ready))
    }

    @Test(arguments: [
        (ProbeAnswer(isStarting: true, state: .told("ACTIVE")), CoordinatorHealth.starting),
        (ProbeAnswer(state: .told("INACTIVE")), .shuttingDown),
        (ProbeAnswer(state: .told("SHUTTING_DOWN"), workers: .told(3)), .shuttingDown),
        (ProbeAnswer(state: .told("ACTIVE"), workers: .told(0)), .noWorkers),
        (ProbeAnswer(isStarting: true, workers: .told(0)), .starting),
    ])
    func whatItSaysOfItselfHoldsAtOnce(answer: ProbeAnswer, health: CoordinatorHealth) {
        var machine = HealthMachine(fall: 3, rise: 2)
        _ = machine.onProbe(.answered(ProbeAnswer(state: .told("ACTIVE"), workers: .told(2))), asked: at(0))
        #expect(machine.onProbe(.answered(answer), asked: at(2)) == HealthChange(from: .ready, to: health))
        _ = machine.onProbe(.answered(ProbeAnswer(state: .told("ACTIVE"), workers: .told(2))), asked: at(4))
        #expect(machine.health == health)
        _ = machine.onProbe(.answered(ProbeAnswer(state: .told("ACTIVE"), workers: .told(2))), asked: at(6))
        #expect(machine.health == .ready)
    }

    @Test mutating func unknownWorkersCountAsWorkers() {
        let answer = ProbeAnswer(state: .told("ACTIVE"), workers: .untold)
        #expect(machine.onProbe(.answered(answer), asked: at(0)).to == .ready)
        #expect(machine.workers == nil)
    }

    @Test mutating func anEndpointThatIsSilentOnceChangesNothing() {
        _ = machine.onProbe(.answered(ProbeAnswer(state: .told("ACTIVE"), workers: .told(0))), asked: at(0))
        _ = machine.onProbe(.answered(ProbeAnswer(state: .unanswered, workers: .unanswered)), asked: at(2))
        _ = machine.onProbe(.answered(ProbeAnswer(state: .unanswered, workers: .unanswered)), asked: at(4))
        #expect(machine.health == .noWorkers)
        #expect(machine.workers == 0)
    }

    @Test mutating func aDifferentCoordinatorIDIsAnotherIncarnation() {
        _ = machine.onProbe(.answered(ProbeAnswer(coordinatorID: "pkevj")), asked: at(0))
        #expect(machine.idSuffix == "pkevj")
        let change = machine.onProbe(.answered(ProbeAnswer(coordinatorID: "avrzg")), asked: at(2))
        #expect(change == HealthChange(from: .ready, to: .ready, isRestart: true, suffix: "avrzg"))
        #expect(machine.incarnation == 1)
    }

    @Test mutating func anUptimeThatFellIsAnotherIncarnation() {
        func answer(_ text: String) -> ProbeResult { .answered(ProbeAnswer(uptime: Uptime(text))) }
        #expect(!machine.onProbe(answer("7.80m"), asked: at(0)).isRestart)
        #expect(!machine.onProbe(answer("7.80m"), asked: at(2)).isRestart)
        #expect(machine.onProbe(answer("1.13s"), asked: at(30)).isRestart)
        #expect(machine.startedAfter == at(30).adding(milliseconds: -1140))
    }

    @Test mutating func theSameCoordinatorIDOutweighsUptime() {
        let first = ProbeAnswer(uptime: Uptime("20.00s"), coordinatorID: "pkevj")
        let second = ProbeAnswer(uptime: Uptime("2.00s"), coordinatorID: "pkevj")
        _ = machine.onProbe(.answered(first), asked: at(0))
        #expect(!machine.onProbe(.answered(second), asked: at(2)).isRestart)
    }

    @Test mutating func theStartIsNeverComputedTooLate() {
        // Started at second 0; the text is rounded, so the bound may lie before that, never after.
        for (second, text) in [(10, "10.00s"), (100, "1.67m"), (3700, "1.03h"), (100_000, "1.16d")] as [(Int64, String)]
        {
            _ = machine.onProbe(.answered(ProbeAnswer(uptime: Uptime(text))), asked: at(second))
            #expect((machine.startedAfter ?? at(1)) <= at(0), "\(text)")
            #expect((machine.startedAfter ?? at(-1)) >= at(-1), "\(text)")
        }
    }

    @Test mutating func anotherSuffixIsAnotherIncarnationWhereNothingElseTells() {
        #expect(machine.onSuffix("pkevj") == HealthChange(from: .unknown, to: .unknown, suffix: "pkevj"))
        #expect(machine.onSuffix("pkevj") == HealthChange(from: .unknown, to: .unknown))
        let restart = HealthChange(from: .unknown, to: .unknown, isRestart: true, suffix: "avrzg")
        #expect(machine.onSuffix("avrzg") == restart)
        // A late report of the earlier incarnation.
        #expect(machine.onSuffix("pkevj") == HealthChange(from: .unknown, to: .unknown))
        #expect(machine.incarnation == 1)
    }

    @Test mutating func aPublishedSuffixIsOnlyDoubted() {
        _ = machine.onProbe(.answered(ProbeAnswer(coordinatorID: "pkevj")), asked: at(0))
        #expect(machine.onSuffix("avrzg") == HealthChange(from: .ready, to: .ready, isDoubtful: true))
        #expect(machine.idSuffix == "pkevj")
    }

    @Test func aStoredSuffixIsKnownAgain() {
        var machine = HealthMachine(fall: 3, rise: 2, knownSuffixes: ["aaaaa", "bbbbb"])
        #expect(machine.onSuffix("bbbbb") == HealthChange(from: .unknown, to: .unknown))
        #expect(machine.onSuffix("aaaaa") == HealthChange(from: .unknown, to: .unknown))
        #expect(machine.onSuffix("ccccc").isRestart)
    }

    @Test mutating func anErrorForWantOfWorkersIsItsNewestWord() {
        #expect(machine.onTooFewWorkers() == false, "it does not tell")
        _ = machine.onProbe(.answered(ProbeAnswer(workers: .told(4))), asked: at(0))
        #expect(machine.onTooFewWorkers() == true)
        #expect(machine.health == .noWorkers)
        #expect(machine.workers == 0)
        _ = machine.onProbe(.answered(ProbeAnswer(workers: .told(4))), asked: at(2))
        #expect(machine.health == .noWorkers)
        _ = machine.onProbe(.answered(ProbeAnswer(workers: .told(4))), asked: at(4))
        #expect(machine.health == .ready)
    }

    @Test mutating func anErrorForWantOfWorkersMakesNobodyBetter() {
        _ = machine.onProbe(.answered(ProbeAnswer(workers: .told(4))), asked: at(0))
        for second: Int64 in 1...3 { _ = machine.onProbe(.silent, asked: at(second)) }
        #expect(machine.onTooFewWorkers() == true)
        #expect(machine.health == .down)
    }

    @Test mutating func whoTakesStatementsIsInDoubtUntilItIsDown() {
        _ = machine.onProbe(.silent, asked: at(0))
        #expect(!machine.isInDoubt, "it takes none")
        var doubts: [Bool] = []
        let answer = ProbeResult.answered(ProbeAnswer())
        for (second, result) in [answer, .silent, answer, .silent, .unwell(status: 500), .silent].enumerated() {
            _ = machine.onProbe(result, asked: at(Int64(second)))
            doubts.append(machine.isInDoubt)
        }
        #expect(doubts == [false, true, false, true, true, false])
    }

    @Test func whatIsNoSuffixIsIgnored() {
        var machine = HealthMachine(fall: 3, rise: 2)
        #expect(machine.onSuffix("").suffix == nil)
        #expect(machine.onSuffix("1234567").suffix == nil)
    }
}

@Suite struct UptimeTests {
    @Test(
        arguments: [
            ("33.06s", 33_060, 10), ("7.80m", 468_000, 600), ("1.00h", 3_600_000, 36_000),
            ("2.50d", 216_000_000, 864_000),
            ("842.11ms", 842, 1), ("5.00us", 0, 1), ("9.00ns", 0, 1),
        ] as [(String, Int64, Int64)])
    func readsWhatServersWrite(text: String, milliseconds: Int64, rounding: Int64) {
        #expect(Uptime(text) == Uptime(milliseconds: milliseconds, rounding: rounding))
    }

    @Test(arguments: ["", "s", "5", "5 s", "-5s", "1e3s", "infs", "nand", "99999999999999999999d", "1.2.3s", "٣s"])
    func refusesEverythingElse(text: String) {
        #expect(Uptime(text) == nil)
    }
}
