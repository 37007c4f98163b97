import Glibc

/// A counting semaphore of the C library. To wait blocks the thread: never on the shared pool of tasks.
@safe public final class Semaphore: Sendable {
    /// Sendable by POSIX: `sem_post` and `sem_wait` may be called from any thread; the address never changes.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    /// A semaphore with a count of zero.
    public init() {
        unsafe semaphore = .allocate(capacity: 1)
        let result = unsafe sem_init(semaphore, 0, 0)
        precondition(result == 0, "a private semaphore with a count of zero is always granted")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Raises the count, which lets one waiting thread go on.
    public func signal() {
        unsafe sem_post(semaphore)
    }

    /// Waits until the count is above zero and lowers it.
    public func wait() {
        while unsafe sem_wait(semaphore) == -1 && errno == EINTR {}
    }
}
