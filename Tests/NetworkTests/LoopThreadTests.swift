import Glibc
import Network
import Synchronization
import Testing

/// Loops and their threads.
@Suite(.timeLimit(.minutes(1)))
struct LoopThreadTests {
    /// A state that says when it goes.
    private final class Witness {
        let loop: Loop
        let gone: Once<Bool>
        var order: [Int] = []

        init(_ loop: Loop, _ gone: Once<Bool>) {
            self.loop = loop
            self.gone = gone
        }

        deinit { gone.set(true) }
    }

    @Test func jobsAreDoneInTheirOrder() async throws {
        let gone = Once<Bool>()
        let thread = try LoopThread(name: "jobs") { Witness($0, gone) }
        for number in 0..<1_000 { thread.post { $0.order.append(number) } }
        let order = try await thread.perform { $0.order }
        thread.stop()
        #expect(order == Array(0..<1_000))
        #expect(await thread.join())
        #expect(await gone.value)
    }

    @Test func jobsBeforeTheStopAreDoneAndLaterOnesRefused() async throws {
        let gone = Once<Bool>()
        let count = Once<Int>()
        let thread = try LoopThread(name: "stop") { Witness($0, gone) }
        for number in 0..<100 { thread.post { $0.order.append(number) } }
        thread.post { count.set($0.order.count) }
        thread.stop()
        thread.stop()
        await #expect(throws: NetworkError.stopped) { try await thread.perform { $0.order.count } }
        #expect(await thread.join())
        #expect(await thread.join())
        #expect(await count.value == 100)
    }

    @Test func aThreadThatNobodyKeepsEnds() async throws {
        let gone = Once<Bool>()
        func start() throws {
            _ = try LoopThread(name: "forgotten") { Witness($0, gone) }
        }
        try start()
        #expect(await gone.value)
    }

    @Test func errorsOfAJobReachTheCaller() async throws {
        struct Refusal: Error, Equatable {}
        let thread = try LoopThread(name: "errors") { Bench($0) }
        await #expect(throws: Refusal()) { try await thread.perform { _ in throw Refusal() } }
        thread.stop()
        #expect(await thread.join())
    }

    @Test func aStopClosesWhatIsOpenAndTellsTheOwners() async throws {
        ignoreBrokenPipes()
        let thread = try LoopThread(name: "closing") { Bench($0) }
        let first = Once<CloseReason>()
        let second = Once<CloseReason>()
        let connected = Once<Bool>()
        try await thread.perform { bench in
            let address = try bench.serve { server in server.whenClosed = { _, reason in first.set(reason) } }
            bench.dial(address) { client in
                client.whenConnected = { $0.write("hello") }
                client.whenClosed = { _, reason in second.set(reason) }
            }
            bench.loop.repeatEvery(milliseconds: 1) {
                if bench.probes.contains(where: { $0.receivedBytes > 0 }) { connected.set(true) }
            }
            bench.loop.onSignal(SIGUSR2) {}
        }
        _ = await connected.value
        thread.stop()
        #expect(await thread.join())
        #expect(await first.value == .local)
        #expect(await second.value == .local)
    }

    @Test func aConnectionBegunWhileStoppingClosesAtOnce() async throws {
        let again = Once<CloseReason>()
        let thread = try LoopThread(name: "again") { Bench($0) }
        try await thread.perform { bench in
            let address = try bench.serve { _ in }
            bench.dial(address) { client in
                client.whenClosed = { _, _ in
                    bench.dial(address) { $0.whenClosed = { _, reason in again.set(reason) } }
                }
            }
        }
        thread.stop()
        #expect(await thread.join())
        #expect(await again.value == .local)
    }

    @Test func tickersTickUntilTheyAreStopped() async throws {
        let (stopped, running) = try await onLoop(answering: (Int, Int).self) { bench, done in
            var counts = (0, 0)
            var ticker: Ticker?
            let start = bench.loop.now
            ticker = bench.loop.repeatEvery(milliseconds: 1) {
                counts.0 += 1
                if counts.0 == 3 {
                    ticker?.stop()
                    ticker?.stop()
                }
            }
            bench.loop.repeatEvery(milliseconds: 2) {
                counts.1 += 1
                if counts.1 == 20, bench.loop.now >= start { done(counts) }
            }
        }
        #expect(stopped == 3)
        #expect(running == 20)
    }

    @Test func signalsArriveThroughTheLoop() async throws {
        let arrived = try await onLoop(answering: Bool.self) { bench, done in
            bench.loop.onSignal(SIGUSR1) { done(true) }
            kill(getpid(), SIGUSR1)
        }
        #expect(arrived)
    }

    @Test func theDescriptorLimitIsTheHardOne() {
        let limit = raiseDescriptorLimit()
        #expect(limit >= 256)
        #expect(raiseDescriptorLimit() == limit)
    }
}
