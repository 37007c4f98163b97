import Synchronization

/// A value behind a lock, for code that waits: the lock is taken and given back in a synchronous function of its own.
///
/// With optimisation on, an async function may keep the address of its thread's id across an `await` and then lock in
/// the name of a thread that it has left (Swift 6.3.1 on Linux: "Call to unlock Mutex on a thread which hasn't acquired
/// the lock"). Whatever is locked in async functions therefore stands behind this in place of a `Mutex`.
public struct Guarded<Value: ~Copyable>: ~Copyable, Sendable {
    private let mutex: Mutex<Value>

    /// Takes a value in.
    public init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    /// Runs the body with the value, alone.
    @inline(never)
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock(body)
    }
}
