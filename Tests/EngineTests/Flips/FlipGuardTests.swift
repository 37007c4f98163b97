import Engine
import Testing

@Suite struct FlipGuardTests {
    private static func coordinator(_ pool: String, _ health: CoordinatorHealth) -> Coordinator {
        var coordinator = Coordinator(
            registration: UInt32(pool.utf8.count), name: "\(pool)-1", group: "default", pool: pool,
            url: "http://10.0.0.1:80", authority: "10.0.0.1:80")
        coordinator.health = health
        coordinator.address = CoordinatorAddress(ip: "10.0.0.1", port: 80)
        return coordinator
    }

    private static func situation(
        green: CoordinatorHealth = .ready, newest: PastFlip? = nil, isInProgress: Bool = false,
        isStoreWritable: Bool = true
    ) -> FlipSituation {
        let group = Group(
            name: "default", pools: [Pool(name: "blue"), Pool(name: "green"), Pool(name: "empty")], active: "blue",
            epoch: 7)
        let table = RoutingTable(
            groups: [group], coordinators: [coordinator("blue", .ready), coordinator("green", green)])
        return FlipSituation(
            table: table, group: "default", newest: newest, isInProgress: isInProgress,
            isStoreWritable: isStoreWritable)
    }

    private func guardOf(_ decision: FlipDecision) -> FlipGuard? {
        guard case .refuse(let refusal, _) = decision else { return nil }
        return refusal
    }

    private let toGreen = FlipOrder(target: .pool("green"))

    @Test func aReadyPoolBecomesActiveWithTheNextEpoch() {
        let decision = FlipDecision(toGreen, in: Self.situation())
        #expect(decision == .commit(from: "blue", to: "green", epoch: 8, undoes: nil))
    }

    @Test func whatDoesNotExistIsNoGuardsMatter() {
        #expect(FlipDecision(FlipOrder(target: .pool("red")), in: Self.situation()) == .unknownPool("red"))
        var elsewhere = Self.situation()
        elsewhere.group = "etl"
        #expect(FlipDecision(toGreen, in: elsewhere) == .unknownGroup)
    }

    @Test(arguments: [CoordinatorHealth.unknown, .starting, .shuttingDown, .noWorkers, .down, .ejected])
    func aPoolThatTakesNothingIsRefusedUnlessForced(health: CoordinatorHealth) {
        let situation = Self.situation(green: health)
        #expect(guardOf(FlipDecision(toGreen, in: situation)) == .notHealthy)
        let forced = FlipOrder(target: .pool("green"), isForced: true)
        #expect(FlipDecision(forced, in: situation) == .commit(from: "blue", to: "green", epoch: 8, undoes: nil))
    }

    @Test func aPoolWithoutCoordinatorsIsNotHealthy() {
        #expect(guardOf(FlipDecision(FlipOrder(target: .pool("empty")), in: Self.situation())) == .notHealthy)
    }

    @Test func aDrainedCoordinatorDoesNotMakeAPoolHealthy() {
        var situation = Self.situation()
        situation.table.coordinators[1].isDrained = true
        guard case .refuse(.notHealthy, let sentence) = FlipDecision(toGreen, in: situation) else {
            Issue.record("was not refused")
            return
        }
        #expect(sentence.contains("green-1 is drained"))
    }

    @Test func theActivePoolIsNotFlippedTo() {
        #expect(guardOf(FlipDecision(FlipOrder(target: .pool("blue")), in: Self.situation())) == .alreadyActive)
    }

    @Test func anotherEpochThanExpectedIsRefusedEvenByForce() {
        let late = FlipOrder(target: .pool("green"), expectedEpoch: 6, isForced: true)
        #expect(guardOf(FlipDecision(late, in: Self.situation())) == .epochMismatch)
        let right = FlipOrder(target: .pool("green"), expectedEpoch: 7)
        #expect(guardOf(FlipDecision(right, in: Self.situation())) == nil)
    }

    @Test func oneFlipAtATime() {
        let forced = FlipOrder(target: .pool("green"), isForced: true)
        #expect(guardOf(FlipDecision(forced, in: Self.situation(isInProgress: true))) == .inProgress)
    }

    @Test func noFlipWithoutAStore() {
        let forced = FlipOrder(target: .pool("green"), isForced: true)
        #expect(guardOf(FlipDecision(forced, in: Self.situation(isStoreWritable: false))) == .storeAway)
    }

    @Test func aRollbackUndoesTheNewestFlip() {
        let newest = PastFlip(number: 12, from: "green", isRollback: false)
        let decision = FlipDecision(FlipOrder(target: .back), in: Self.situation(newest: newest))
        #expect(decision == .commit(from: "blue", to: "green", epoch: 8, undoes: 12))
    }

    @Test func aRollbackIsNotUndoneByARollback() {
        let newest = PastFlip(number: 12, from: "green", isRollback: true)
        let back = FlipOrder(target: .back, isForced: true)
        #expect(guardOf(FlipDecision(back, in: Self.situation(newest: newest))) == .nothingToRollBack)
        #expect(guardOf(FlipDecision(back, in: Self.situation())) == .nothingToRollBack)
    }

    @Test func aRollbackToAPoolThatTakesNothingIsRefusedUnlessForced() {
        let newest = PastFlip(number: 3, from: "green", isRollback: false)
        let situation = Self.situation(green: .down, newest: newest)
        #expect(guardOf(FlipDecision(FlipOrder(target: .back), in: situation)) == .notHealthy)
        #expect(guardOf(FlipDecision(FlipOrder(target: .back, isForced: true), in: situation)) == nil)
    }

    @Test func aRollbackToAPoolThatIsGoneNamesIt() {
        let newest = PastFlip(number: 3, from: "red", isRollback: false)
        #expect(FlipDecision(FlipOrder(target: .back), in: Self.situation(newest: newest)) == .unknownPool("red"))
    }
}

@Suite struct DrainStateTests {
    @Test func whatHasTheTrafficDoesNotDrain() {
        #expect(DrainState(hasTraffic: true, hadTraffic: true, left: 5, isCertain: false) == .none)
    }

    @Test func whatNeverHadTheTrafficDoesNotDrain() {
        #expect(DrainState(hasTraffic: false, hadTraffic: false, left: 1, isCertain: true) == .none)
    }

    @Test func itDrainsUntilNothingIsLeft() {
        #expect(DrainState(hasTraffic: false, hadTraffic: true, left: 1, isCertain: true) == .draining)
        #expect(DrainState(hasTraffic: false, hadTraffic: true, left: 0, isCertain: true) == .done)
    }

    @Test func itIsNotDoneWhileACrashMayHaveLostHistory() {
        #expect(DrainState(hasTraffic: false, hadTraffic: true, left: 0, isCertain: false) == .unknown)
        #expect(DrainState(hasTraffic: false, hadTraffic: true, left: 1, isCertain: false) == .draining)
    }
}
