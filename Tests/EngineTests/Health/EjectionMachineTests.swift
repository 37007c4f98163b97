import Engine
import Testing

@Suite struct EjectionMachineTests {
    private var machine = EjectionMachine()
    private var submitted: UInt64 = 0

    /// One statement after the other is placed there and fails.
    private mutating func fail(
        _ count: Int, as failureClass: FailureClass = .internal, inFlight: Int = 0, isLast: Bool = false, at now: Int64
    ) {
        for _ in 0..<count {
            submitted &+= 1
            report(1, as: failureClass, inFlight: inFlight, isLast: isLast, at: now)
        }
    }

    private mutating func report(
        _ count: Int, as failureClass: FailureClass, inFlight: Int = 0, isLast: Bool = false, at now: Int64
    ) {
        var failures = FailureCount()
        for _ in 0..<count { failures.add(failureClass) }
        machine.onFailures(failures, submitted: submitted, inFlight: inFlight, isLast: isLast, now: now)
    }

    @Test mutating func twentyFailuresThatAreAllThereWasEject() {
        fail(19, at: 1000)
        #expect(machine.until == nil)
        fail(1, at: 2000)
        #expect(machine.until == 32_000)
        #expect(machine.evidence == 20)
    }

    @Test mutating func aFewFailuresAmongManyStatementsDoNot() {
        for turn in 0..<200 {
            submitted += 9
            fail(1, as: turn.isMultiple(of: 2) ? .internal : .unavailable, at: Int64(turn) * 100)
        }
        #expect(machine.until == nil)
    }

    @Test mutating func halfIsEnough() {
        for turn in 0..<20 {
            submitted += 1
            fail(1, as: turn.isMultiple(of: 2) ? .internal : .unavailable, at: Int64(turn))
        }
        #expect(machine.until != nil)
    }

    @Test mutating func whatRunsThereWellSpeaksForIt() {
        fail(38, inFlight: 40, at: 0)
        #expect(machine.until == nil)
        fail(1, inFlight: 40, at: 0)
        #expect(machine.until != nil)
    }

    @Test mutating func failuresThatLieFarApartDoNotAddUp() {
        for turn in 0..<100 { fail(1, at: Int64(turn) * 2000) }
        #expect(machine.until == nil)
    }

    @Test mutating func pollsThatFailCountAgainstWhatItHas() {
        report(40, as: .unavailable, inFlight: 100, at: 0)
        #expect(machine.until == nil)
        report(10, as: .unavailable, inFlight: 60, at: 100)
        #expect(machine.until != nil, "half of what it had at first")
    }

    @Test(arguments: [FailureClass.user, .resource, .external])
    func otherClassesAreNotItsFault(failureClass: FailureClass) {
        var failures = FailureCount()
        for _ in 0..<100 { failures.add(failureClass) }
        #expect(failures.total == 0)
        var machine = EjectionMachine()
        machine.onFailures(failures, submitted: 100, inFlight: 0, isLast: false, now: 0)
        #expect(machine == EjectionMachine())
    }

    @Test mutating func theLastOneIsSpared() {
        fail(100, isLast: true, at: 0)
        #expect(machine.until == nil)
        fail(1, at: 1000)
        #expect(machine.until != nil, "as soon as another is there")
    }

    @Test mutating func eachEjectionInARowLastsTwiceAsLong() {
        var now: Int64 = 0
        var terms: [Int64] = []
        for _ in 0..<7 {
            fail(20, at: now)
            terms.append((machine.until ?? now) - now)
            now = machine.until ?? now
            machine.onTick(now: now - 1)
            #expect(machine.until != nil)
            machine.onTick(now: now)
            #expect(machine.until == nil)
        }
        #expect(terms == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000])
    }

    @Test mutating func aGoodWhileIsForgiveness() {
        fail(20, at: 0)
        machine.onTick(now: 30_000)
        fail(20, at: 30_000 + EjectionMachine.forgiveness)
        #expect(machine.until == 60_000 + EjectionMachine.forgiveness)
    }

    @Test mutating func whatFailsDuringAnEjectionIsNoNews() {
        fail(20, at: 0)
        fail(100, at: 29_000)
        #expect(machine.until == 30_000)
        machine.onTick(now: 30_000)
        fail(19, at: 30_001)
        #expect(machine.until == nil)
    }

    @Test mutating func itCanBeFreedBeforeItsTime() {
        fail(20, at: 0)
        machine.free(now: 1000)
        #expect(machine.until == nil)
        fail(19, at: 1001)
        #expect(machine.until == nil, "the count starts again")
        fail(1, at: 1002)
        #expect(machine.until == 61_002, "but it was the second in a row")
    }

    @Test mutating func aCounterThatWrapsIsNoTrap() {
        submitted = .max - 2
        fail(20, at: 0)
        #expect(machine.until != nil)
    }
}

@Suite struct CondemnationMachineTests {
    private var machine = CondemnationMachine()

    @Test mutating func someTimeThenOneAtATimeUntilOneLeavesTheQueue() {
        machine.onTooFewWorkers(now: 1000)
        #expect(machine.state == .condemned(until: 31_000))
        machine.onTick(now: 30_999)
        #expect(machine.state == .condemned(until: 31_000))
        machine.onTick(now: 31_000)
        #expect(machine.state == .onTrial)
        machine.onTick(now: 900_000)
        #expect(machine.state == .onTrial)
        machine.onLeftQueue()
        #expect(machine == CondemnationMachine())
    }

    @Test mutating func eachTrialThatFailsDoublesTheTime() {
        var now: Int64 = 0
        var terms: [Int64] = []
        for _ in 0..<6 {
            machine.onTooFewWorkers(now: now)
            guard case .condemned(let until) = machine.state else { break }
            terms.append(until - now)
            now = until
            machine.onTick(now: now)
        }
        #expect(terms == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
    }

    @Test mutating func statementsThatFailTogetherCondemnOnce() {
        for now: Int64 in 0..<20 { machine.onTooFewWorkers(now: now) }
        #expect(machine.state == .condemned(until: 30_019))
    }

    @Test mutating func aStatementThatLeavesTheQueueFreesAtAnyTime() {
        machine.onTooFewWorkers(now: 0)
        machine.onLeftQueue()
        #expect(machine.state == .free)
        machine.onLeftQueue()
        #expect(machine.state == .free)
    }
}
