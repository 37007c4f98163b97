import Engine
import Network
import Wire

/// A client's DELETE of a statement that had not ended: the statement is canceled already, now its coordinator is told
/// and the client is answered (design 4.6).
///
/// The DELETE goes out when the exchange in flight has ended, after 2 s in any case, and once more if it was not
/// answered 204; the client's 204 follows it and the tombstone, after `limits.cancel_answer` in any case.
final class Cancellation: UpstreamClient, Ticking {
    private let relay: RelayLoop
    private var front: Front?
    private let cell: Cell
    private let target: Target?
    private let request: [UInt8]
    private let forwards: Bool
    private let began: Int64
    private var upstream: Upstream?
    private var isStored = false
    private var isSettled = false
    private var isOver = false
    private var wasAnswered = false
    private var sent = 0

    /// How long an exchange in flight may hold the DELETE back, in milliseconds.
    private static let patience: Int64 = 2000
    /// How long an attempt counts whose cancel was not confirmed, in milliseconds (design 4.6).
    private static let unconfirmedMilliseconds: Int64 = 300_000

    init(_ relay: RelayLoop, front: Front, cell: Cell, target: Target?, request: [UInt8], forwards: Bool) {
        self.relay = relay
        self.front = front
        self.cell = cell
        self.target = target
        self.request = request
        self.forwards = forwards
        began = relay.now
    }

    func start() {
        if forwards {
            _ = tick(relay.now)
        } else {
            // Presto answers 500 to the DELETE of what was never polled, and the statement could still be started:
            // nobody polls it any more, so it is left alone.
            settle(confirmed: true)
        }
    }

    // MARK: Ticking

    func tick(_ now: Int64) -> Bool {
        if isSettled && wasAnswered { return false }
        if !isSettled, upstream == nil, sent < 2,
            sent > 0 || cell.machine.exchanges == 0 || now - began >= Self.patience
        {
            sent += 1
            upstream = target.flatMap { relay.upstream(to: $0, fresh: sent > 1) }
            if let upstream {
                let request = request
                if let failure = upstream.send(.delete, head: request.span, body: Span(), for: self) {
                    failed(failure)
                }
            } else {
                settle(confirmed: false)
            }
        }
        if now - began >= relay.limits.cancelAnswer {
            settle(confirmed: false)
            isStored = true
            answer()
        }
        return !(isSettled && wasAnswered)
    }

    /// The client does not wait any more; the cancel goes on.
    func clientGone() {
        front = nil
        if !isSettled { relay.adopt(self) }
    }

    // MARK: UpstreamClient

    func answered(
        _ upstream: Upstream, _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, body: Range<Int>, isWhole: Bool
    ) {
        if !isWhole { upstream.discard() }
        self.upstream = nil
        if head.status == 401 || head.status == 403 {
            isSettled = true
            wasAnswered = true
            cell.cancelRefused()
            let front = front
            self.front = nil
            front?.passRefusal(head, bytes, body: isWhole ? body : body.lowerBound..<body.lowerBound)
        } else if head.status == 204 {
            settle(confirmed: true)
        } else if sent >= 2 {
            settle(confirmed: false)
        }
    }

    func received(_ bytes: Span<UInt8>, _ range: Range<Int>, isLast: Bool) {}

    func failed(_ failure: UpstreamFailure) {
        upstream = nil
        if sent >= 2 { settle(confirmed: false) }
    }

    private func settle(confirmed: Bool) {
        guard !isSettled else { return }
        isSettled = true
        upstream?.discard()
        upstream = nil
        cell.cancelAnswered(confirmed: confirmed, countFor: Self.unconfirmedMilliseconds, now: relay.now)
        relay.canceled(cell) { [self] in
            isStored = true
            answer()
        }
    }

    private func answer() {
        guard isSettled, isStored, !wasAnswered else { return }
        wasAnswered = true
        front?.answer(204, allow: nil)
        front = nil
    }
}
