import Glibc
import Synchronization

/// A serial executor that owns one thread, for actors over a blocking library: their methods run on that thread and
/// nowhere else, so the shared pool of tasks never blocks. The thread ends when the executor is released and its jobs
/// are done.
///
///     actor Archive: ThreadActor {
///         nonisolated let executor = ThreadExecutor(name: "archive")
///     }
public final class ThreadExecutor: SerialExecutor {
    private let inbox = Inbox()

    /// Starts the thread.
    /// - Parameter name: what tools show for it; the first 15 bytes count.
    public init(name: String) {
        startThread(name: name) { [inbox] in
            while let job = inbox.next() { job.run() }
        }
    }

    deinit {
        inbox.close()
    }

    /// Puts a job into the queue; jobs run in the order in which they came.
    public func enqueue(_ job: consuming ExecutorJob) {
        inbox.add(Job(job: UnownedJob(job), executor: self))
    }
}

/// A job and, for as long as it has not run, the executor: the actor that owns it may go within its own last job.
private struct Job: Sendable {
    let job: UnownedJob
    let executor: ThreadExecutor

    func run() {
        unsafe job.runSynchronously(on: executor.asUnownedSerialExecutor())
    }
}

/// The jobs that wait, and the semaphore on which the thread waits for them.
private final class Inbox: Sendable {
    private struct State {
        var jobs: [Job] = []
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let available = Semaphore()

    func add(_ job: Job) {
        state.withLock { $0.jobs.append(job) }
        available.signal()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        available.signal()
    }

    /// Waits for the next job; nil when the inbox is closed and empty.
    func next() -> Job? {
        available.wait()
        return state.withLock { state in
            guard state.next < state.jobs.count else {
                precondition(state.isClosed, "the semaphore counts the jobs")
                return nil
            }
            let job = state.jobs[state.next]
            state.next += 1
            if state.next == state.jobs.count {
                state.jobs.removeAll(keepingCapacity: state.next <= 64)
                state.next = 0
            }
            return job
        }
    }
}

/// An actor all of whose methods run on the thread of its executor.
public protocol ThreadActor: Actor {
    /// The executor, made with the actor and never replaced.
    nonisolated var executor: ThreadExecutor { get }
}

extension ThreadActor {
    /// The actor's executor, as the runtime asks for it.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
}
