/// Where a statement that waits goes when its turn comes (design 5). It is resolved when the attempt is submitted, by
/// the table of that moment.
public enum RetryTarget: Equatable, Sendable {
    /// Where any new statement of its group goes.
    case any
    /// The coordinator that its transaction lives on.
    case pinned(registration: UInt32)
    /// Any healthy coordinator of this pool while it takes retries, else of the active one.
    case same(pool: String)
    /// Another coordinator than these registrations, the active pool's first. The last of them, on which it failed,
    /// only as another incarnation than this; any of them when the longer wait is over (monotonic milliseconds).
    case other(than: [UInt32], incarnation: UInt32?, notBefore: Int64)
    /// A pool that is tagged as bigger than this one.
    case bigger(than: String)
}

extension RoutingTable {
    /// The index of the coordinator that a waiting statement goes to now; nil while there is none.
    ///
    /// - Parameters:
    ///   - target: where it wants to go.
    ///   - group: its group.
    ///   - fixedPool: the pool that its client named: its retries stay there.
    ///   - now: monotonic milliseconds.
    ///   - inFlight: statements in flight, by index into `coordinators`.
    ///   - queued: of those, the ones in its queue.
    public func resolve(
        _ target: RetryTarget, group name: String, fixedPool: String?, rotation: Int, now: Int64,
        inFlight: (Int) -> Int, queued: (Int) -> Int
    ) -> Int? {
        guard let index = groupIndex(name) else { return nil }
        // Nearly all go here, for whom nothing of the group is copied but the pool's name.
        if case .any = target, fixedPool == nil {
            return self.select(
                group: name, pool: groups[index].active, excluding: [], rotation: rotation, inFlight: inFlight,
                queued: queued)
        }
        let group = groups[index]
        // The pool may have lost the traffic, and what it takes, since its client named it.
        if let fixedPool, !group.takesPinned(fixedPool) { return nil }
        func select(_ pool: String, excluding excluded: [UInt32] = []) -> Int? {
            self.select(
                group: name, pool: pool, excluding: excluded, rotation: rotation, inFlight: inFlight,
                queued: queued)
        }
        switch target {
        case .any:
            return select(fixedPool ?? group.active)
        case .pinned(let registration):
            // A transaction lives nowhere else: it goes there whatever that coordinator takes, unless it is known down.
            return coordinators.firstIndex {
                $0.registration == registration && $0.address != nil && $0.health != .down
            }
        case .same(let pool):
            return select(fixedPool ?? (group.takesRetries(pool) ? pool : group.active))
        case .bigger(let pool):
            guard fixedPool == nil else { return nil }
            for candidate in group.pools where candidate.name != pool && candidate.bigger {
                guard group.takesRetries(candidate.name) else { continue }
                if let found = select(candidate.name) { return found }
            }
            return nil
        case .other(let failed, let incarnation, let notBefore):
            let pools = fixedPool.map { [$0] } ?? group.poolsForRetries
            for pool in pools {
                if let found = select(pool, excluding: failed) { return found }
            }
            if now >= notBefore {
                for pool in pools {
                    if let found = select(pool) { return found }
                }
            }
            guard let incarnation, let last = failed.last else { return nil }
            return coordinators.firstIndex {
                $0.registration == last && $0.isReady && $0.incarnation != incarnation && pools.contains($0.pool)
            }
        }
    }

    /// Whether some pool is tagged as bigger than this one and takes retries of the group; for a statement whose client
    /// named its pool there is none.
    public func hasBigger(than pool: String, group name: String, fixedPool: String?) -> Bool {
        guard fixedPool == nil, let group = group(name) else { return false }
        return group.pools.contains { $0.name != pool && $0.bigger && group.takesRetries($0.name) }
    }
}

extension Group {
    /// Whether a pool takes retries now: the active one does, an idle one where its settings say so, one that was
    /// rolled back never.
    public func takesRetries(_ name: String) -> Bool {
        if name == active { return true }
        guard let pool = pool(name) else { return false }
        return pool.takes.contains(.retries) && !pool.isRolledBack
    }

    /// Whether a pool takes statements that name it: the active one does, an idle one where its settings say so.
    public func takesPinned(_ name: String) -> Bool { name == active || pool(name)?.takes.contains(.pinned) ?? false }

    /// The pools that take retries now, the active one first.
    var poolsForRetries: [String] {
        [active] + pools.map(\.name).filter { $0 != active && takesRetries($0) }
    }
}
