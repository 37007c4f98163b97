import Network

/// One client of the server: reads requests, has them handled one after the other, writes the answers in that order.
final class Connection: StreamOwner {
    private enum Phase {
        /// The next request is awaited or comes in.
        case reading
        /// A handler works on it.
        case handling(RequestReader.Arrival)
        /// Its body is being streamed; `piece` is told whether the piece under way has left.
        case streaming(RequestReader.Arrival, isChunked: Bool, piece: ((Bool) -> Void)?)
        /// The last answer has been written.
        case ending
    }

    private let number: UInt64
    private let server: ServerLoop
    private var stream: Stream?
    private var reader: RequestReader
    private var phase = Phase.reading
    private var task: Task<Void, Never>?
    private var peerEnded = false
    /// When the request that is awaited must be there (the loop's milliseconds).
    private var deadline: Int64
    /// When the client last took some of what waits for it, and how much it had taken then.
    private var progress: Int64
    private var takenBytes = 0

    /// Bytes of later requests that are kept while one is handled; then the client has to wait.
    private static let aheadBytes = 65_536
    /// Bytes of answers that may wait for the client before its next request is taken up.
    private static let waitingBytes = 262_144

    init(_ server: ServerLoop, number: UInt64, peer: SocketAddress?) {
        self.server = server
        self.number = number
        reader = RequestReader(limits: server.limits, peer: peer?.ip ?? "")
        progress = server.loop.now
        deadline = progress + server.limits.idleTime.milliseconds
    }

    func open(_ descriptor: OwnedDescriptor) {
        stream = server.loop.open(descriptor, owner: self)
    }

    // MARK: What the stream tells

    func connected() {}

    func received(_ bytes: Span<UInt8>) {
        switch phase {
        case .reading:
            if reader.isIdle { deadline = server.loop.now + server.limits.requestTime.milliseconds }
            reader.append(bytes)
            readOn()
        case .handling, .streaming:
            reader.append(bytes)
            if reader.bufferedBytes > Self.aheadBytes { stream?.pauseReading() }
        case .ending: break
        }
    }

    func drained() {
        switch phase {
        case .reading:
            stream?.resumeReading()
            readOn()
        case .streaming(let arrival, let isChunked, let piece):
            phase = .streaming(arrival, isChunked: isChunked, piece: nil)
            piece?(true)
        case .handling, .ending: break
        }
    }

    func ended() {
        peerEnded = true
        switch phase {
        case .reading: readOn()
        case .handling, .ending: break  // Half a close: the answer is still awaited.
        case .streaming: task?.cancel()  // Nobody half-closes and then listens to a stream that need not end.
        }
    }

    func closed(_ reason: CloseReason) {
        if case .streaming(_, _, let piece) = phase {
            piece?(false)
            task?.cancel()
        }
        phase = .ending
        task = nil
        stream = nil
        server.forget(number)
    }

    // MARK: Requests

    private func readOn() {
        guard case .reading = phase, let stream else { return }
        guard stream.pendingBytes <= Self.waitingBytes else { return stream.pauseReading() }
        switch reader.next() {
        case .more: if peerEnded { end() }
        case .wantsContinue: stream.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8).span)
        case .whole(let arrival):
            phase = .handling(arrival)
            task = server.handle(arrival.request, of: number)
        case .refused(let status, let reason): refuse(status, reason)
        }
    }

    /// Answers what is no request, and ends.
    private func refuse(_ status: Int, _ reason: String) {
        let problem = HTTPResponse.problem(status, reason)
        stream?.write(
            problem.head(framing: .length(problem.body.count), keepsAlive: false, version10: false).span,
            problem.body.span)
        end()
    }

    private func end() {
        phase = .ending
        task = nil
        stream?.finish()
    }

    // MARK: Answers

    /// Writes the answer to the request that is being handled.
    func answer(_ response: HTTPResponse) {
        guard case .handling(let arrival) = phase, let stream else { return }
        let isBodyless = response.status == 204 || response.status == 304
        let head = response.head(
            framing: isBodyless ? .none : .length(response.body.count), keepsAlive: keepsAlive(arrival),
            version10: arrival.isHTTP10)
        if isBodyless || arrival.request.method == "HEAD" {
            stream.write(head.span)
        } else {
            stream.write(head.span, response.body.span)
        }
        goOn(after: arrival)
    }

    /// Writes the head of an answer that is streamed; false when no body is to follow.
    func beginStreaming(_ response: HTTPResponse) -> Bool {
        guard case .handling(let arrival) = phase, let stream, !peerEnded, !server.isStopping else {
            stream?.cut()
            return false
        }
        let isChunked = !arrival.isHTTP10
        let head = response.head(
            framing: isChunked ? .chunked : .untilClose, keepsAlive: isChunked && keepsAlive(arrival),
            version10: arrival.isHTTP10)
        stream.write(head.span)
        if arrival.request.method == "HEAD" {
            goOn(after: arrival)
            return false
        }
        phase = .streaming(arrival, isChunked: isChunked, piece: nil)
        return true
    }

    /// Writes a piece of a streamed body; `done` is told whether it left.
    func write(_ bytes: [UInt8], _ done: @escaping (Bool) -> Void) {
        guard case .streaming(let arrival, let isChunked, _) = phase, let stream, stream.isOpen else {
            return done(false)
        }
        guard !bytes.isEmpty else { return done(true) }
        if isChunked {
            var piece = Array("\(String(bytes.count, radix: 16))\r\n".utf8)
            piece += bytes
            piece += [0x0D, 0x0A]
            stream.write(piece.span)
        } else {
            stream.write(bytes.span)
        }
        if stream.pendingBytes == 0 { return done(true) }
        phase = .streaming(arrival, isChunked: isChunked, piece: done)
    }

    /// Ends a streamed body.
    func endStreaming() {
        guard case .streaming(let arrival, let isChunked, _) = phase, let stream else { return }
        guard isChunked else { return end() }
        stream.write(Array("0\r\n\r\n".utf8).span)
        goOn(after: arrival)
    }

    private func keepsAlive(_ arrival: RequestReader.Arrival) -> Bool {
        arrival.keepsAlive && !peerEndedWithoutRequest && !server.isStopping
    }

    /// After a half-close only what came before it can still be answered.
    private var peerEndedWithoutRequest: Bool { peerEnded && reader.bufferedBytes == 0 }

    /// The next request, or the end.
    private func goOn(after arrival: RequestReader.Arrival) {
        task = nil
        guard keepsAlive(arrival) else { return end() }
        phase = .reading
        let limits = server.limits
        let patience = reader.isIdle ? limits.idleTime : limits.requestTime
        deadline = server.loop.now + patience.milliseconds
        stream?.resumeReading()
        readOn()
    }

    // MARK: Time

    /// Looks at the clock.
    func tick(_ now: Int64) {
        guard let stream else { return }
        if stream.pendingBytes == 0 || stream.bytesWritten != takenBytes {
            takenBytes = stream.bytesWritten
            progress = now
        } else if now - progress >= server.limits.stallTime.milliseconds {
            return stream.abort()
        }
        guard case .reading = phase, stream.pendingBytes == 0, now >= deadline else { return }
        if reader.isIdle { end() } else { refuse(408, "The request did not come in time.") }
    }

    /// Ends what rests; what is under way is answered first.
    func stop() {
        switch phase {
        case .reading: if reader.isIdle { end() }
        case .streaming: task?.cancel()
        case .handling, .ending: break
        }
    }
}
