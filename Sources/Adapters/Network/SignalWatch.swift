import CUV

/// A signal that a loop listens for. It does until it is stopped, whether or not somebody keeps it.
@safe
public final class SignalWatch: OpenHandle {
    private let loop: Loop
    private let handle: UnsafeMutablePointer<uv_signal_t>
    private var body: (() -> Void)?

    init(_ loop: Loop, _ number: Int32, _ body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
        unsafe handle = .allocate(capacity: 1)
        unsafe uv_signal_init(loop.system, handle)
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe uv_signal_start(
            handle,
            { handle, _ in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<SignalWatch>.fromOpaque(data).takeUnretainedValue().body?()
            }, number)
        if loop.isStopping { stop() }
    }

    deinit { unsafe handle.deallocate() }

    /// Ends it: the signal has its former effect again. Calling it again does nothing.
    public func stop() { close() }

    func close() {
        guard body != nil else { return }
        body = nil
        unsafe UnsafeMutableRawPointer(handle).withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            unsafe uv_close(handle) { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<SignalWatch>.fromOpaque(data).release()
            }
        }
    }
}
