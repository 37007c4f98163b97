import CUV
import Glibc
import Synchronization

/// A loop on a thread of its own, and the state that lives there.
///
/// Other threads reach it with `post` and `perform` only. It ends by `stop`, at the latest when nobody keeps it.
public final class LoopThread<State: AnyObject>: Sendable {
    private let inbox: Inbox<State>

    /// Starts a thread that owns a loop, builds the state there and runs.
    ///
    /// `name` is what the system's tools show (15 bytes at most), `bufferBytes` the size of the loop's read buffer.
    public init(
        name: String, bufferBytes: Int = 262_144, make: @escaping @Sendable (Loop) -> State
    ) throws(NetworkError) {
        let inbox = try Inbox<State>()
        self.inbox = inbox
        do {
            try startThread(name: name) { inbox.run(bufferBytes: bufferBytes, make: make) }
        } catch {
            inbox.abandon()
            throw error
        }
    }

    deinit { inbox.stop() }

    /// Has a job done on the loop's thread, after those posted before. After `stop` it is dropped, and this is false.
    @discardableResult
    public func post(_ job: @escaping @Sendable (State) -> Void) -> Bool {
        inbox.put(job)
    }

    /// Has a job done on the loop's thread and awaits its result. Throws `NetworkError.stopped` after `stop`.
    public func perform<Result: Sendable>(
        _ job: @escaping @Sendable (State) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = post { state in
                continuation.resume(with: Swift.Result { try job(state) })
            }
            if !isTaken { continuation.resume(throwing: NetworkError.stopped) }
        }
    }

    /// Ends the loop: jobs posted before are still done, then every handle is closed (owners get `closed(.local)`),
    /// the state is let go and the thread ends. Returns at once: see `join`.
    public func stop() { inbox.stop() }

    /// Returns when the loop has ended: true if libuv found no handle left behind.
    @discardableResult
    public func join() async -> Bool {
        await withCheckedContinuation { continuation in inbox.whenEnded(continuation) }
    }
}

/// The way into a loop: jobs under a lock, and a wake-up.
@safe
private final class Inbox<State: AnyObject>: Sendable {
    /// In a struct, because a closure read from a generic container gains a wrapper at each read in debug builds.
    struct Job: Sendable {
        let run: @Sendable (State) -> Void
    }

    struct Content {
        var jobs: [Job] = []
        var isOpen = true
        /// What `uv_loop_close` said, once the loop has ended.
        var closedCleanly: Bool?
        var waiters: [CheckedContinuation<Bool, Never>] = []
    }

    private let content = Mutex(Content())
    /// Other threads only send on it, under the lock and while the inbox is open; the loop's thread frees it after the
    /// inbox was closed.
    nonisolated(unsafe) private let wake: UnsafeMutablePointer<uv_async_t>

    init() throws(NetworkError) {
        let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        unsafe wake = .allocate(capacity: 1)
        var code = unsafe uv_loop_init(loop)
        if code == 0 {
            code = unsafe uv_async_init(loop, wake) { wake in
                guard let data = unsafe wake?.pointee.data else { return }
                unsafe Unmanaged<Wake>.fromOpaque(data).takeUnretainedValue().body()
            }
            if code != 0 { _ = unsafe uv_loop_close(loop) }
        }
        guard code == 0 else {
            unsafe wake.deallocate()
            unsafe loop.deallocate()
            throw .failed(step: "setting up a loop", code: -code)
        }
        unsafe wake.pointee.data = nil
    }

    /// Takes a job, unless the inbox is closed.
    func put(_ job: @escaping @Sendable (State) -> Void) -> Bool {
        content.withLock { content in
            guard content.isOpen else { return false }
            content.jobs.append(Job(run: job))
            if content.jobs.count == 1 { _ = unsafe uv_async_send(wake) }
            return true
        }
    }

    func stop() {
        content.withLock { content in
            guard content.isOpen else { return }
            content.isOpen = false
            _ = unsafe uv_async_send(wake)
        }
    }

    func whenEnded(_ continuation: CheckedContinuation<Bool, Never>) {
        let answer: Bool? = content.withLock { content in
            if content.closedCleanly == nil { content.waiters.append(continuation) }
            return content.closedCleanly
        }
        if let answer { continuation.resume(returning: answer) }
    }

    /// The whole life of the loop's thread.
    func run(bufferBytes: Int, make: (Loop) -> State) {
        let system = unsafe wake.pointee.loop
        guard let system = unsafe system else { return }
        let loop = unsafe Loop(system, bufferBytes: bufferBytes)
        serve(loop, make(loop))
        let cleanly = unsafe uv_loop_close(system) == 0
        unsafe wake.deallocate()
        let waiters = content.withLock { content in
            content.closedCleanly = cleanly
            let waiters = content.waiters
            content.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: cleanly) }
    }

    /// Runs the loop until it was stopped; the state goes when it returns.
    private func serve(_ loop: Loop, _ state: State) {
        let wake = unsafe Wake(self.wake) { [self] in
            let (jobs, isOpen) = content.withLock { content in
                let jobs = content.jobs
                content.jobs = []
                return (jobs, content.isOpen)
            }
            for job in jobs { job.run(state) }
            if !isOpen { loop.closeAll() }
        }
        wake.retain()
        _ = unsafe uv_run(loop.system, UV_RUN_DEFAULT)
    }

    /// Undoes `init` where no thread came up.
    func abandon() {
        content.withLock { $0.isOpen = false }
        guard let system = unsafe wake.pointee.loop else { return }
        unsafe UnsafeMutableRawPointer(wake).withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            unsafe uv_close(handle, nil)
        }
        _ = unsafe uv_run(system, UV_RUN_DEFAULT)
        _ = unsafe uv_loop_close(system)
        unsafe wake.deallocate()
        unsafe system.deallocate()
    }
}

/// What the wake-up runs on the loop's thread.
@safe
private final class Wake: OpenHandle {
    private let handle: UnsafeMutablePointer<uv_async_t>
    private(set) var body: () -> Void

    init(_ handle: UnsafeMutablePointer<uv_async_t>, body: @escaping () -> Void) {
        unsafe self.handle = unsafe handle
        self.body = body
    }

    /// Hands itself to the handle until that is closed.
    func retain() {
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    func close() {
        unsafe UnsafeMutableRawPointer(handle).withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            guard unsafe uv_is_closing(handle) == 0 else { return }
            unsafe uv_close(handle) { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<Wake>.fromOpaque(data).release()
            }
        }
    }
}

/// Starts a detached thread with a name.
private func startThread(name: String, _ body: @escaping @Sendable () -> Void) throws(NetworkError) {
    let start = unsafe Unmanaged.passRetained(ThreadStart(name: name, body: body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
        &thread, nil,
        { data in
            guard let data = unsafe data else { return nil }
            let start = unsafe Unmanaged<ThreadStart>.fromOpaque(data).takeRetainedValue()
            _ = unsafe pthread_setname_np(pthread_self(), String(start.name.prefix(15)))
            start.body()
            return nil
        }, start.toOpaque())
    guard code == 0 else {
        unsafe start.release()
        throw .failed(step: "starting a thread", code: code)
    }
    pthread_detach(thread)
}

/// What a new thread is given.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}
