import Engine
import Model

/// What the store must learn from the settings, and what of the settings it overrules (design 7): a value, computed
/// before anything is written.
///
/// Registered is what the file newly names and what has a new URL or another place. What the file no longer names, what
/// the API added and what it removed stays as the store has it, and is reported.
struct Reconciliation: Equatable, Sendable {
    /// A coordinator whose URL, group or pool changed.
    struct Replacement: Equatable, Sendable {
        /// What takes nothing new from now on.
        var old: StoredRegistration
        /// What is to be registered in its place, without a number.
        var new: StoredRegistration
    }
    /// Groups that the store does not know.
    var groups: [StoredGroup] = []
    /// Coordinators that the store does not know, without numbers.
    var additions: [StoredRegistration] = []
    /// Coordinators that changed.
    var replacements: [Replacement] = []
    /// What the file says and the store knows otherwise.
    var differences: [DifferenceBody] = []

    /// Whether the store knows already what the file says.
    var isEmpty: Bool { groups.isEmpty && additions.isEmpty && replacements.isEmpty }

    /// Compares settings with the store.
    init(_ settings: Settings, groups stored: [StoredGroup], registrations: [StoredRegistration]) {
        var named: Set<String> = []
        for group in settings.groups {
            if let known = stored.first(where: { $0.name == group.name }) {
                if known.active != group.active {
                    differ("groups[\(group.name)].active", settings: group.active, store: known.active)
                }
            } else {
                groups.append(StoredGroup(name: group.name, active: group.active, epoch: 1))
            }
            for pool in group.pools {
                for coordinator in pool.coordinators {
                    named.insert(coordinator.name)
                    let wanted = StoredRegistration(
                        number: 0, name: coordinator.name, group: group.name, pool: pool.name,
                        url: coordinator.url.description, origin: .settings)
                    compare(wanted, with: registrations.filter { $0.name == coordinator.name })
                }
            }
        }
        for live in registrations where live.retired == nil && !named.contains(live.name) {
            differ(live.path, settings: nil, store: live.url)
        }
    }

    private mutating func compare(_ wanted: StoredRegistration, with known: [StoredRegistration]) {
        if let live = known.first(where: { $0.retired == nil }) {
            guard !live.isSamePlace(as: wanted) else { return }
            switch live.origin {
            case .settings:
                var new = wanted
                new.isDrained = live.isDrained
                replacements.append(Replacement(old: live, new: new))
            case .api:
                differ(wanted.path, settings: wanted.url, store: live.url)
            }
            return
        }
        // A name that was registered and has no live registration was removed by API: only that leaves a name so.
        if let removed = known.max(by: { $0.number < $1.number }), removed.isSamePlace(as: wanted) {
            differ(wanted.path, settings: wanted.url, store: nil)
        } else {
            additions.append(wanted)
        }
    }

    private mutating func differ(_ path: String, settings: String?, store: String?) {
        differences.append(DifferenceBody(path: path, settings: settings, store: store))
    }
}

extension StoredRegistration {
    /// The way to it in the settings.
    var path: String { "groups[\(group)].pools[\(pool)].coordinators[\(name)]" }

    /// Whether both are the same server in the same pool.
    func isSamePlace(as other: StoredRegistration) -> Bool {
        url == other.url && group == other.group && pool == other.pool
    }
}
