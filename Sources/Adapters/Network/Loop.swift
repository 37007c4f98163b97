import CUV

/// One libuv loop. It and all that it gives out stay on the thread of the `LoopThread` that made it.
@safe
public final class Loop {
    let system: UnsafeMutablePointer<uv_loop_t>
    /// The one read buffer, lent to every read of every stream of this loop.
    let buffer: UnsafeMutableBufferPointer<UInt8>
    /// True from `LoopThread.stop` on: what is opened now closes at once.
    private(set) var isStopping = false
    /// Streams whose answer has left and that wait for their peer's end, and the clock that looks after them.
    private var lingering: [Stream] = []
    private var lingerTicker: Ticker?

    init(_ system: UnsafeMutablePointer<uv_loop_t>, bufferBytes: Int) {
        unsafe self.system = unsafe system
        unsafe buffer = .allocate(capacity: bufferBytes)
        unsafe buffer.initialize(repeating: 0)
    }

    deinit {
        unsafe buffer.deallocate()
        unsafe system.deallocate()
    }

    /// Milliseconds on a monotonic clock, as of the beginning of this round of the loop.
    public var now: Int64 { Int64(truncatingIfNeeded: unsafe uv_now(system)) }

    /// Listens on an address (port 0 takes a free one: see `Listener.address`) and hands over what connects.
    ///
    /// `backlog` is the kernel's queue of connections that nobody has accepted yet. The descriptor may be opened here
    /// or posted to another loop.
    public func listen(
        _ address: SocketAddress, backlog: Int = 1024, accept: @escaping (Loop, OwnedDescriptor) -> Void
    ) throws(NetworkError) -> Listener {
        try Listener(self, address, backlog: backlog, accept: accept)
    }

    /// Opens an accepted connection: it is read from now on. A failure shows as `closed`.
    public func open(_ descriptor: OwnedDescriptor, owner: any StreamOwner) -> Stream {
        let stream = Stream(self)
        stream.open(descriptor, owner: owner)
        return stream
    }

    /// Connects to an address. The owner gets `connected`, or `closed`; what is written before waits for it.
    public func connect(_ address: SocketAddress, owner: any StreamOwner) -> Stream {
        let stream = Stream(self)
        stream.connect(address, owner: owner)
        return stream
    }

    /// Runs `body` every so many milliseconds until the ticker is stopped or the loop ends.
    @discardableResult
    public func repeatEvery(milliseconds: Int, _ body: @escaping () -> Void) -> Ticker {
        Ticker(self, milliseconds: milliseconds, body)
    }

    /// Runs `body` on each arrival of a signal until the watch is stopped or the loop ends.
    @discardableResult
    public func onSignal(_ number: Int32, _ body: @escaping () -> Void) -> SignalWatch {
        SignalWatch(self, number, body)
    }

    /// Closes every handle, so that the loop runs out of work.
    func closeAll() {
        isStopping = true
        unsafe uv_walk(
            system,
            { handle, _ in
                guard let data = unsafe handle?.pointee.data else { return }
                let object = unsafe Unmanaged<AnyObject>.fromOpaque(data).takeUnretainedValue()
                (object as? any OpenHandle)?.close()
            }, nil)
    }

    /// Looks after a stream that lingers until its `lingersUntil`.
    func linger(_ stream: Stream) {
        lingering.append(stream)
        guard lingerTicker == nil else { return }
        lingerTicker = repeatEvery(milliseconds: 100) { self.endLingering() }
    }

    private func endLingering() {
        let now = now
        for stream in lingering where stream.lingersUntil <= now { stream.close() }
        lingering.removeAll { !$0.isLingering }
        guard lingering.isEmpty else { return }
        lingerTicker?.stop()
        lingerTicker = nil
    }
}

/// What a handle's data points to while the handle is open.
protocol OpenHandle: AnyObject {
    func close()
}
