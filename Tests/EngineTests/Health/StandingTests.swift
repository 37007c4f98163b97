import Engine
import Testing

@Suite struct StandingTests {
    private var standing = Standing(HealthMachine(fall: 2, rise: 1))
    private static let wall = Timestamp(milliseconds: 1_800_000_000_000)

    private mutating func probe(_ answer: ProbeAnswer, at now: Int64) {
        _ = standing.onProbe(.answered(answer), asked: Self.wall.adding(milliseconds: now), now: now)
    }
    private mutating func silence(at now: Int64) {
        _ = standing.onProbe(.silent, asked: Self.wall.adding(milliseconds: now), now: now)
    }
    private mutating func fail(_ count: Int, at now: Int64, isLast: Bool = false) {
        let failures = FailureCount(internalErrors: count)
        standing.onFailures(failures, submitted: 0, inFlight: 0, isLast: isLast, now: now)
    }

    // MARK: Ejection

    @Test mutating func anEjectedOneComesBackWhenItsTimeIsUp() {
        probe(ProbeAnswer(), at: 0)
        fail(20, at: 100)
        #expect(standing.health == .ejected)
        #expect(standing.reason == .failures(20))
        #expect(standing.until == 30_100)
        probe(ProbeAnswer(), at: 2000)
        #expect(standing.health == .ejected, "that it answers probes was not the question")
        standing.onTick(now: 30_100)
        #expect(standing.health == .ready)
    }

    @Test(arguments: [
        ProbeResult.silent, .unwell(status: 503), .answered(ProbeAnswer(isStarting: true)),
        .answered(ProbeAnswer(workers: .told(0))),
    ])
    func realHealthWinsAndExplainsWhatFailed(result: ProbeResult) {
        var standing = Standing(HealthMachine(fall: 2, rise: 1))
        _ = standing.onProbe(.answered(ProbeAnswer()), asked: Self.wall, now: 0)
        standing.onFailures(FailureCount(internalErrors: 20), submitted: 0, inFlight: 0, isLast: false, now: 100)
        #expect(standing.health == .ejected)
        for now: Int64 in [2000, 3500] { _ = standing.onProbe(result, asked: Self.wall, now: now) }
        #expect(![.ready, .ejected, .unknown].contains(standing.health))
        #expect(standing.until == nil)
        #expect(standing.episode == 1)
        _ = standing.onProbe(.answered(ProbeAnswer(workers: .told(1))), asked: Self.wall, now: 6000)
        #expect(standing.health == .ready)
        #expect(standing.share == 20)
    }

    @Test mutating func anEjectionAfterAnOutageIsTheSecondInARow() {
        probe(ProbeAnswer(), at: 0)
        fail(20, at: 100)
        silence(at: 2000)
        silence(at: 4000)
        probe(ProbeAnswer(), at: 6000)
        fail(20, at: 7000)
        #expect(standing.until == 67_000)
    }

    @Test mutating func failuresWhileItIsAwayAreNoNews() {
        fail(100, at: 0)
        #expect(standing.health == .unknown)
        probe(ProbeAnswer(isStarting: true), at: 0)
        fail(100, at: 1)
        probe(ProbeAnswer(), at: 2000)
        #expect(standing.health == .ready)
        fail(19, at: 2001)
        #expect(standing.health == .ready)
    }

    @Test mutating func anotherProcessStartsWithoutAnEjection() {
        probe(ProbeAnswer(coordinatorID: "aaaaa"), at: 0)
        fail(20, at: 100)
        probe(ProbeAnswer(coordinatorID: "bbbbb"), at: 2000)
        #expect(standing.health == .ready)
    }

    @Test mutating func aPardonEndsAnEjectionAndNothingElse() {
        probe(ProbeAnswer(), at: 0)
        fail(20, at: 100)
        standing.pardon(now: 200)
        #expect(standing.health == .ready)
        probe(ProbeAnswer(isStarting: true), at: 300)
        standing.pardon(now: 400)
        #expect(standing.health == .starting)
    }

    // MARK: Condemnation

    @Test mutating func whoTellsItsWorkersHasNoneUntilItSaysSo() {
        probe(ProbeAnswer(workers: .told(3)), at: 0)
        standing.onTooFewWorkers(now: 100)
        #expect(standing.health == .noWorkers)
        #expect(standing.probes.workers == 0)
        #expect(standing.until == nil)
        probe(ProbeAnswer(workers: .unanswered), at: 2000)
        probe(ProbeAnswer(workers: .told(0)), at: 600_000)
        #expect(standing.health == .noWorkers)
        probe(ProbeAnswer(workers: .told(1)), at: 602_000)
        #expect(standing.health == .ready)
        #expect(standing.capacity == nil)
    }

    @Test mutating func whoDoesNotTellIsCondemnedForATimeThenTried() {
        probe(ProbeAnswer(), at: 0)
        standing.onTooFewWorkers(now: 100)
        #expect(standing.health == .noWorkers)
        #expect(standing.reason == .tooFewWorkers)
        #expect(standing.until == 30_100)
        #expect(standing.capacity == 0)
        probe(ProbeAnswer(), at: 20_000)
        #expect(standing.health == .noWorkers)
        standing.onTick(now: 30_100)
        #expect(standing.health == .ready)
        #expect(standing.capacity == 1)
        #expect(standing.reason == .onTrial)
        standing.onTooFewWorkers(now: 40_000)
        #expect(standing.until == 100_000)
        standing.onTick(now: 100_000)
        standing.onLeftQueue(now: 101_000)
        #expect(standing.health == .ready)
        #expect(standing.capacity == nil)
    }

    @Test mutating func aCondemnedOneThatBeginsToTellIsBelieved() {
        probe(ProbeAnswer(), at: 0)
        standing.onTooFewWorkers(now: 100)
        probe(ProbeAnswer(workers: .told(2)), at: 2000)
        #expect(standing.health == .ready)
        #expect(standing.capacity == nil)
        probe(ProbeAnswer(workers: .told(0)), at: 4000)
        #expect(standing.health == .noWorkers)
        #expect(standing.reason == .noWorkers)
    }

    @Test mutating func anotherProcessStartsWithoutACondemnation() {
        probe(ProbeAnswer(uptime: Uptime("5.00m")), at: 0)
        standing.onTooFewWorkers(now: 100)
        probe(ProbeAnswer(uptime: Uptime("1.00s")), at: 4000)
        #expect(standing.health == .ready)
        #expect(standing.capacity == nil)
    }

    @Test mutating func anUnaskedForEndOfAQueueMeansNothing() {
        probe(ProbeAnswer(), at: 0)
        let before = standing
        standing.onLeftQueue(now: 100)
        #expect(standing == before)
    }

    // MARK: Episodes and return

    @Test mutating func eachTimeThatItLeavesReadyIsAnEpisode() {
        probe(ProbeAnswer(isStarting: true), at: 0)
        #expect(standing.episode == 0)
        probe(ProbeAnswer(), at: 1)
        probe(ProbeAnswer(isStarting: true), at: 2)
        #expect(standing.episode == 1)
        silence(at: 3)
        silence(at: 4)
        #expect(standing.health == .down)
        #expect(standing.episode == 1, "it was away already")
        probe(ProbeAnswer(), at: 5)
        fail(20, at: 6)
        #expect(standing.episode == 2)
        standing.pardon(now: 7)
        standing.onTooFewWorkers(now: 8)
        #expect(standing.episode == 3)
    }

    @Test mutating func theFirstTimeIsNoReturn() {
        silence(at: 0)
        silence(at: 1)
        probe(ProbeAnswer(), at: 2)
        #expect(standing.share == 100)
    }

    @Test mutating func whoComesBackGetsAGrowingShare() {
        probe(ProbeAnswer(), at: 0)
        silence(at: 1)
        silence(at: 2)
        probe(ProbeAnswer(), at: 1000)
        var shares: [Int] = []
        for now in stride(from: Int64(1000), through: 31_000, by: 100) {
            standing.onTick(now: now)
            shares.append(standing.share)
        }
        #expect(shares.first == 20)
        #expect(shares == shares.sorted())
        #expect(Set(shares) == [20, 30, 40, 50, 60, 70, 80, 90, 100])
        #expect(standing.share == 100)
        #expect(standing.reason == nil)
        #expect(standing.until == nil)
    }

    @Test mutating func theShareSaysWhyAndUntilWhen() {
        probe(ProbeAnswer(), at: 0)
        fail(20, at: 0)
        standing.onTick(now: 30_000)
        #expect(standing.reason == .isBack(20))
        #expect(standing.until == 60_000)
    }

    @Test mutating func whoPassedItsTrialStartsSlowlyFromThen() {
        probe(ProbeAnswer(), at: 0)
        standing.onTooFewWorkers(now: 0)
        standing.onTick(now: 200_000)
        standing.onLeftQueue(now: 240_000)
        #expect(standing.share == 20)
        #expect(standing.until == 270_000)
    }

    @Test mutating func probesSayWhy() {
        #expect(standing.reason == nil)
        probe(ProbeAnswer(isStarting: true), at: 0)
        #expect(standing.reason == .starts)
        probe(ProbeAnswer(state: .told("SHUTTING_DOWN")), at: 0)
        #expect(standing.reason == .state("SHUTTING_DOWN"))
        for _ in 0..<2 { _ = standing.onProbe(.unwell(status: 503), asked: Self.wall, now: 0) }
        #expect(standing.reason == .unwell(status: 503))
        #expect(standing.probes.isInDoubt == false)
        probe(ProbeAnswer(), at: 0)
        silence(at: 0)
        #expect(standing.health == .ready)
        #expect(standing.probes.isInDoubt)
    }
}
