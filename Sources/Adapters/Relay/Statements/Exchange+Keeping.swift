import Bytes
import Engine
import Wire

/// What of a page is kept in memory: of one that is not whole, and of one that leaves too slowly.
extension Exchange {
    /// Rests the coordinator while much waits for the client.
    func settle() {
        let pending = front?.notePending() ?? 0
        guard pending > 0, let upstream, !isPaused else { return }
        let isCrowded = relay.hub.pendingBytes.inUse > relay.limits.relayBuffers
        let highWater = isCrowded ? 64 << 10 : relay.limits.highWater
        if pending > highWater {
            isPaused = true
            upstream.pause()
        }
    }

    /// Keeps bytes of a page that is not whole yet. False when there is no room for them: then it leaves at once.
    func keepPage(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let isWithinBudget = relay.hub.keptBytes.take(range.count, limit: relay.limits.pagesKeptBack)
        if isWithinBudget { pageBudget += range.count }
        if page.isEmpty, range.count > page.capacity { page = out.takePageRoom() }
        page.append(contentsOf: bytes.extracting(range))
        return isWithinBudget
    }

    func giveBackPage() {
        if pageBudget > 0 {
            relay.hub.keptBytes.giveBack(pageBudget)
            pageBudget = 0
        }
        scanned = 0
        if page.capacity > 4096 {
            out.giveBack(pageRoom: takePageAway())
        } else if !page.isEmpty {
            page.removeAll(keepingCapacity: true)
        }
    }

    /// What was assembled: the exchange keeps nothing of it.
    func takePageAway() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &page)
        return taken
    }
}
