import Glibc

/// Starts a detached thread that runs the body and ends.
/// - Parameter name: what tools show for it; the first 15 bytes count.
public func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    defer { unsafe pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    let result = unsafe pthread_create(
        &thread, &attributes,
        { context in
            guard let context = unsafe context else { return nil }
            let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
            nameCurrentThread(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    // Without its threads the program cannot do its work, and all of them start with it.
    precondition(result == 0, "the system refused a thread: \(unsafe String(cString: strerror(result)))")
}

/// What a new thread is given.
private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Names the thread for tools; that it fails, where /proc is not mounted, matters to nobody.
private func nameCurrentThread(_ name: String) {
    let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY)
    guard descriptor >= 0 else { return }
    let bytes = Array(name.utf8.prefix(15))
    _ = unsafe write(descriptor, bytes, bytes.count)
    close(descriptor)
}
