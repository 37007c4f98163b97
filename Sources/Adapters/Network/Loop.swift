import CUV

/// One loop: streams are its own, all else is libuv's. It and all that it gives out stay on the thread of the
/// `LoopThread` that made it.
@safe
public final class Loop {
    let system: UnsafeMutablePointer<uv_loop_t>
    /// The one read buffer, lent to every read of every stream of this loop.
    let buffer: UnsafeMutableBufferPointer<UInt8>
    /// True from `LoopThread.stop` on: what is opened now closes at once.
    private(set) var isStopping = false
    /// libuv has something to do: its descriptor told so, or it is to watch one more, which it begins in its next run.
    var isDue = true
    private let poller: Poller
    private let events: UnsafeMutableBufferPointer<epoll_event>
    /// All that are not closed.
    private var streams: [Stream] = []
    /// Streams that were not read to where nothing is left.
    private var unread: [Stream] = []
    /// Streams whose owners are to hear that they are closed.
    private var ended: [Stream] = []
    /// Streams whose answer has left and that wait for their peer's end, and the clock that looks after them.
    private var lingering: [Stream] = []
    private var lingerTicker: Ticker?

    /// What is told at once.
    private static let eventsPerRound = 512

    init(_ system: UnsafeMutablePointer<uv_loop_t>, _ poller: Poller, bufferBytes: Int) {
        unsafe self.system = unsafe system
        self.poller = poller
        unsafe events = .allocate(capacity: Self.eventsPerRound)
        unsafe events.initialize(repeating: epoll_event())
        unsafe buffer = .allocate(capacity: bufferBytes)
        unsafe buffer.initialize(repeating: 0)
    }

    deinit {
        unsafe buffer.deallocate()
        unsafe events.deallocate()
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

    // MARK: Running

    /// Runs until all is closed.
    func run() {
        repeat {
            let hasMore = isDue || !unread.isEmpty || !ended.isEmpty
            let patience = unsafe hasMore ? 0 : uv_backend_timeout(system)
            let count = unsafe poller.wait(events, milliseconds: patience)
            unsafe uv_update_time(system)
            for index in 0..<count { unsafe tell(events[index]) }
            readRests()
            runRest()
            tellEnds()
        } while unsafe !streams.isEmpty || uv_loop_alive(system) != 0
    }

    private func tell(_ event: epoll_event) {
        guard let data = unsafe event.data.ptr else {
            isDue = true
            return
        }
        let change = unsafe SocketChange(event.events)
        // It stays among the streams until the end of the round in which it is closed.
        unsafe Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.ready(change) }
    }

    private func readRests() {
        guard !unread.isEmpty else { return }
        let streams = unread
        unread = []
        for stream in streams { stream.readRest() }
    }

    /// Has libuv do what there is to do.
    private func runRest() {
        guard unsafe isDue || uv_backend_timeout(system) == 0 else { return }
        isDue = false
        _ = unsafe uv_run(system, UV_RUN_NOWAIT)
    }

    private func tellEnds() {
        guard !ended.isEmpty else { return }
        let streams = ended
        ended = []
        for stream in streams {
            remove(stream)
            stream.didClose()
        }
    }

    // MARK: Streams

    func add(_ stream: Stream) {
        stream.place = streams.count
        streams.append(stream)
    }

    private func remove(_ stream: Stream) {
        let last = streams.removeLast()
        guard last !== stream else { return }
        last.place = stream.place
        streams[stream.place] = last
    }

    /// Tells the stream of what happens to its socket. Answers an errno, if it cannot.
    func watch(_ stream: Stream) -> Int32? { poller.add(stream) }

    /// Has the stream read on in the next round, or in this one if it has been told of all else.
    func readOn(_ stream: Stream) { unread.append(stream) }

    /// Has the stream's owner hear that it is closed, at the end of the round.
    func didEnd(_ stream: Stream) { ended.append(stream) }

    /// Closes every stream and every handle, so that the loop runs out of work.
    func closeAll() {
        isStopping = true
        for stream in streams { stream.close() }
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
