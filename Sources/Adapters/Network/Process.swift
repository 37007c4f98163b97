import CUV
import Glibc

/// Ignores SIGPIPE for the whole process. libuv writes with write(2), so without it a peer's reset ends the process.
public func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
}

/// Raises the soft limit of open descriptors to the hard one and answers the limit that holds then.
@discardableResult
public func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return Int(clamping: limit.rlim_cur)
}

/// Milliseconds on the clock that `Loop.now` shows, for other threads.
public func monotonicMilliseconds() -> Int64 { Int64(truncatingIfNeeded: uv_hrtime() / 1_000_000) }

/// Gives the memory that was freed back to the system. By itself the allocator keeps all of it that lies below something
/// still in use. It takes a millisecond for some ten thousand pieces, in which who allocates may wait.
public func giveBackMemory() { _ = malloc_trim(0) }
