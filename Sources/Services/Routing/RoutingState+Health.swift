import Engine
import Model

/// A change of a coordinator's health, as the log tells it.
struct HealthNews: Equatable, Sendable {
    /// The coordinator's name.
    var coordinator: String
    /// The health before.
    var from: CoordinatorHealth
    /// The health after.
    var to: CoordinatorHealth
    /// Why.
    var reason: HealthReason?
}

/// What one coordinator's health means for the others of its pool (design 3: ejection spares the last one).
extension RoutingState {
    /// Statements failed on a registration.
    /// - Returns: whether that changes the table.
    mutating func onFailures(
        _ failures: FailureCount, of number: UInt32, submitted: UInt64, inFlight: Int, now: Int64
    ) -> Bool {
        let isLast = !hasAnother(than: number)
        return judge(number) { standing in
            standing.onFailures(failures, submitted: submitted, inFlight: inFlight, isLast: isLast, now: now)
        }
    }

    /// Steps what is known of a registration.
    /// - Returns: whether that changes the table.
    mutating func judge(_ number: UInt32, _ step: (inout Standing) -> Void) -> Bool {
        guard var standing = findings[number]?.standing else { return false }
        let before = standing
        step(&standing)
        findings[number]?.standing = standing
        return standing.health != before.health || standing.capacity != before.capacity
            || standing.share != before.share
    }

    /// Looks at the clock, and lets a coordinator back whose pool has none left.
    /// - Returns: whether that changes the table.
    mutating func review(now: Int64) -> Bool {
        var isNews = false
        for number in findings.keys where judge(number, { $0.onTick(now: now) }) { isNews = true }
        for registration in registrations where findings[registration.number]?.standing.health == .ejected {
            guard isInService(registration), !hasAnother(than: registration.number) else { continue }
            // The one whose time is up first; the others follow only if it leaves too.
            let peers = registrations.filter { isPeer($0, of: registration) && isInService($0) }
            let soonest = peers.compactMap { peer in
                findings[peer.number]?.standing.ejection.until.map { ($0, peer.number) }
            }.filter { findings[$0.1]?.standing.health == .ejected }.min { $0 < $1 }
            guard let (_, number) = soonest, judge(number, { $0.pardon(now: now) }) else { continue }
            isNews = true
        }
        return isNews
    }

    /// The changes of health since the last call.
    mutating func takeNews() -> [HealthNews] {
        var news: [HealthNews] = []
        for registration in registrations {
            guard let finding = findings[registration.number], finding.logged != finding.standing.health else {
                continue
            }
            news.append(
                HealthNews(
                    coordinator: registration.name, from: finding.logged, to: finding.standing.health,
                    reason: finding.standing.reason))
            findings[registration.number]?.logged = finding.standing.health
        }
        return news
    }

    /// Whether another coordinator of its pool takes statements without measure.
    private func hasAnother(than number: UInt32) -> Bool {
        guard let registration = registrations.first(where: { $0.number == number }) else { return false }
        return registrations.contains { other in
            guard other.number != number, isPeer(other, of: registration), isInService(other) else { return false }
            guard let standing = findings[other.number]?.standing else { return false }
            return standing.health == .ready && standing.capacity == nil
        }
    }

    private func isPeer(_ other: StoredRegistration, of registration: StoredRegistration) -> Bool {
        other.group == registration.group && other.pool == registration.pool
    }

    private func isInService(_ registration: StoredRegistration) -> Bool {
        !registration.isDrained && registration.retired == nil && findings[registration.number]?.address != nil
    }
}
