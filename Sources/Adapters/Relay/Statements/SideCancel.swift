import Engine
import Network
import Wire

/// The gateway's own DELETE of an attempt that was superseded: nobody waits for it (design 5, 'the failed attempt is
/// dead').
///
/// It is sent once more if it was not answered 204, and given up after `limits.cancel_answer`. The attempt counts on
/// its coordinator until the DELETE is confirmed, or for 5 min more if it is not: it may still run there.
final class SideCancel: UpstreamClient, Ticking {
    private let relay: RelayLoop
    private let target: Target
    private var request: [UInt8]
    private let counted: Counted
    private let began: Int64
    private var upstream: Upstream?
    private var sent = 0
    private var nextAt: Int64
    private var countsUntil: Int64?
    private var isOver = false

    /// How long after the first DELETE the second goes out, in milliseconds.
    private static let pause: Int64 = 1000
    /// How long an attempt counts whose cancel was not confirmed, in milliseconds (design 4.6).
    private static let unconfirmedMilliseconds: Int64 = 300_000

    /// - Parameters:
    ///   - request: the DELETE's head.
    ///   - counted: how the attempt counted on its coordinator when it was superseded.
    init(_ relay: RelayLoop, target: Target, request: [UInt8], counted: Counted) {
        self.relay = relay
        self.target = target
        self.request = request
        self.counted = counted
        began = relay.now
        nextAt = relay.now
    }

    /// Sends it; from then on the loop's ticks carry it.
    func start() {
        target.load.move(from: .nowhere, to: counted)
        if tick(relay.now) { relay.adopt(self) }
    }

    // MARK: Ticking

    func tick(_ now: Int64) -> Bool {
        if isOver { return false }
        if let countsUntil {
            if now >= countsUntil { end() }
        } else if now - began >= relay.limits.cancelAnswer {
            giveUp()
        } else if upstream == nil, now >= nextAt {
            send()
        }
        return !isOver
    }

    private func send() {
        guard sent < 2 else { return giveUp() }
        sent += 1
        nextAt = relay.now + Self.pause
        upstream = relay.upstream(to: target, fresh: sent > 1)
        let head = request
        if let failure = upstream?.send(.delete, head: head.span, body: Span(), for: self) { failed(failure) }
    }

    /// The coordinator did not say that the attempt is gone.
    private func giveUp() {
        upstream?.discard()
        upstream = nil
        // It holds its client's credentials, and is sent no more.
        request = []
        if countsUntil == nil { countsUntil = relay.now + Self.unconfirmedMilliseconds }
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        target.load.move(from: counted, to: .nowhere)
    }

    // MARK: UpstreamClient

    func answered(
        _ upstream: Upstream, _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>, isWhole: Bool
    ) {
        if !isWhole { upstream.discard() }
        self.upstream = nil
        if head.status == 204 { end() }
    }

    func received(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool) {}

    func failed(_ failure: UpstreamFailure) { upstream = nil }
}

extension Exchange {
    /// Cancels the attempt that this poll was for, beside everything else, with the poll's own headers.
    ///
    /// A Presto statement that was never polled is left alone: its DELETE is a 500, and could start it.
    /// - Parameters:
    ///   - wasPolled: a GET of the attempt was written, so that it may have started.
    ///   - counted: how the attempt counted on its coordinator.
    func cancelAside(wasPolled: Bool, counted: Counted) {
        guard let target, method == .get, wasPolled || target.dialect == .trino else { return }
        var request = Array("DELETE ".utf8)
        request += requestHead[path]
        request += requestHead[path.upperBound...]
        SideCancel(relay, target: target, request: request, counted: counted).start()
    }
}
