import Glibc
import Synchronization
import Testing
import Threads

@Suite("A thread executor")
struct ThreadExecutorTests {
    @Test func runsAnActorsMethodsOnOneThreadOfItsOwn() async {
        let first = Place(), second = Place()
        var threads: Set<UInt> = []
        for _ in 0..<100 {
            threads.insert(await first.thread())
            await Task.yield()
        }
        #expect(threads.count == 1)
        #expect(await !threads.contains(second.thread()))
        #expect(await first.threadName() == "a place for cod")
    }

    @Test func runsJobsOneAtATimeAndLosesNone() async {
        let place = Place()
        await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { for _ in 0..<100 { await place.count() } }
            }
        }
        #expect(await place.counted == 5000)
    }

    @Test func endsItsThreadWhenItIsReleased() async {
        let gone = AsyncStream<Void>.makeStream()
        do {
            let place = Place()
            await place.keep(Farewell { gone.continuation.finish() })
        }
        for await _ in gone.stream {}
    }

    /// The last reference of the executor may go on its own thread, within the actor's last job.
    @Test func survivesAnActorThatGoesWithinItsOwnLastJob() async {
        for _ in 0..<200 {
            let finished = AsyncStream<Void>.makeStream()
            Task { [place = Place()] in
                await place.count()
                finished.continuation.finish()
            }
            for await _ in finished.stream {}
        }
    }
}

private actor Place: ThreadActor {
    nonisolated let executor = ThreadExecutor(name: "a place for code")
    private(set) var counted = 0
    private var farewell: Farewell?

    func thread() -> UInt { UInt(pthread_self()) }

    func count() { counted += 1 }

    func keep(_ farewell: Farewell) { self.farewell = farewell }

    func threadName() -> String {
        guard let file = unsafe fopen("/proc/thread-self/comm", "r") else { return "" }
        defer { unsafe fclose(file) }
        var buffer = [CChar](repeating: 0, count: 32)
        guard unsafe fgets(&buffer, 32, file) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 10 }.map(UInt8.init), as: UTF8.self)
    }
}

private final class Farewell: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    deinit { body() }
}
