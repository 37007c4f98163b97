import Engine

/// One key that has another value than before.
public struct SettingsChange: Equatable, Sendable {
    /// The key, as `SettingsProblem.path` has it.
    public var path: String
    /// What it was, as the file would have it; nil: it was not there.
    public var from: String?
    /// What it is, the same way; nil: it is no more there.
    public var to: String?

    /// A change from its parts.
    public init(path: String, from: String?, to: String?) {
        self.path = path
        self.from = from
        self.to = to
    }

    /// Whether only a start applies it: what is listened on and where the state is.
    public var needsRestart: Bool {
        ["listen.", "admin.", "state."].contains { path.hasPrefix($0) }
    }
}

extension Settings {
    /// What differs between two settings, in the order of the keys.
    public static func changes(from old: Settings, to new: Settings) -> [SettingsChange] {
        let before = old.listing
        let after = new.listing
        let was = Dictionary(before.map { ($0.path, $0.value) }) { first, _ in first }
        let now = Dictionary(after.map { ($0.path, $0.value) }) { first, _ in first }
        let changed = after.filter { was[$0.path] != $0.value }.map {
            SettingsChange(path: $0.path, from: was[$0.path], to: $0.value)
        }
        let gone = before.filter { now[$0.path] == nil }.map {
            SettingsChange(path: $0.path, from: $0.value, to: nil)
        }
        return changed + gone
    }

    /// Every key of every entry, and every rule, with its value. The order of groups and pools counts (the first group takes what no
    /// selector names), so their names are listed too.
    private var listing: [(path: String, value: String)] {
        var lines = Self.lines(of: self, Settings.keys, at: "")
        lines.append(("groups", "\(SettingsValue.list(groups.map(\.name)))"))
        for group in groups {
            let path = "groups[\(group.name)]."
            lines += Self.lines(of: group, GroupSettings.keys, at: path)
            lines.append((path + "pools", "\(SettingsValue.list(group.pools.map(\.name)))"))
            for pool in group.pools {
                let path = "\(path)pools[\(pool.name)]."
                lines += Self.lines(of: pool, PoolSettings.keys, at: path)
                for coordinator in pool.coordinators {
                    let path = "\(path)coordinators[\(coordinator.name)]."
                    lines += Self.lines(of: coordinator, CoordinatorSettings.keys, at: path)
                }
            }
        }
        for (index, selector) in routing.enumerated() {
            lines += Self.lines(of: selector, Selector.keys, at: "routing[\(index)].")
        }
        // The order of rules counts too: the first that a failure meets judges it.
        lines.append(("policy.rules", "\(SettingsValue.list(policy.rules.rules.map(\.id)))"))
        lines += policy.rules.rules.map { ("policy[\($0.id)]", $0.text) }
        return lines
    }

    private static func lines<Owner>(
        of owner: Owner, _ keys: [SettingsKey<Owner>], at path: String
    ) -> [(path: String, value: String)] {
        keys.map { (path + $0.name, "\($0.value(in: owner))") }
    }
}
