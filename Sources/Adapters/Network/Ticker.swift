import CUV

/// Something that a loop does again and again. It runs until it is stopped, whether or not somebody keeps it.
@safe
public final class Ticker: OpenHandle {
    private let loop: Loop
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private var body: (() -> Void)?

    init(_ loop: Loop, milliseconds: Int, _ body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
        unsafe handle = .allocate(capacity: 1)
        unsafe uv_timer_init(loop.system, handle)
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        let interval = UInt64(max(1, milliseconds))
        unsafe uv_timer_start(
            handle,
            { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<Ticker>.fromOpaque(data).takeUnretainedValue().body?()
            }, interval, interval)
        if loop.isStopping { stop() }
    }

    deinit { unsafe handle.deallocate() }

    /// Ends it. Calling it again does nothing.
    public func stop() { close() }

    func close() {
        guard body != nil else { return }
        body = nil
        unsafe UnsafeMutableRawPointer(handle).withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            unsafe uv_close(handle) { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<Ticker>.fromOpaque(data).release()
            }
        }
    }
}
