import Engine
import Model
import YAML

extension SettingsReader {
    /// Reads `groups`: what was there before is replaced.
    mutating func readGroups(_ node: Node) -> [GroupSettings] {
        coordinators = [:]
        var groups = readList(node, of: GroupSettings.self, at: "groups", isNamed: true) {
            reader, group, path, name, node in
            guard name == "pools" else { return false }
            group.pools = reader.readPools(node, at: path + ".pools")
            return true
        }
        if groups.isEmpty, node.isNull || node.isSequence {
            report(
                place(of: node.mark), "groups", "there is no group",
                suggestion: "declare at least one group, or leave `groups` out")
        }
        for index in groups.indices where !groups[index].name.isEmpty {
            check(&groups[index], at: place(of: node.mark))
        }
        return groups
    }

    private mutating func check(_ group: inout GroupSettings, at place: Place) {
        let path = "groups[\(group.name)]"
        guard let first = group.pools.first else {
            return report(
                places[path + ".name"] ?? place, path, "the group has no pool",
                suggestion: "declare at least one under `pools`")
        }
        if group.active.isEmpty { group.active = first.name }
        let names = group.pools.map(\.name)
        if !names.contains(group.active), !names.contains("") {
            let near = nearestName(to: group.active, among: names)
            report(
                places[path + ".active"] ?? place, path + ".active", "the group has no pool `\(group.active)`",
                suggestion: near.map { "did you mean `\($0)`?" } ?? "name one of: \(names.joined(separator: ", "))")
        }
    }

    private mutating func readPools(_ node: Node, at path: String) -> [PoolSettings] {
        readList(node, of: PoolSettings.self, at: path, isNamed: true) { reader, pool, path, name, node in
            guard name == "coordinators" else { return false }
            pool.coordinators = reader.readCoordinators(node, at: path + ".coordinators")
            return true
        }
    }

    /// Names of coordinators are told apart over all groups, since commands and URLs know them by nothing else.
    private mutating func readCoordinators(_ node: Node, at path: String) -> [CoordinatorSettings] {
        let read = readList(node, of: CoordinatorSettings.self, at: path, isNamed: true) { _, _, _, _, _ in false }
        for name in Set(read.map(\.name)).sorted() where !name.isEmpty {
            let place = places["\(path)[\(name)].name"] ?? place(of: node.mark)
            if let first = coordinators[name] {
                let line = first.line.map { " (line \($0))" } ?? ""
                report(
                    place, "\(path)[\(name)]", "`\(name)` is the name of a coordinator of another pool too\(line)",
                    suggestion: "give one of them another name")
            }
            coordinators[name] = place
        }
        return read
    }

    /// Reads `routing`: what was there before is replaced.
    mutating func readRouting(_ node: Node) -> [Selector] {
        readList(node, of: Selector.self, at: "routing", isNamed: false) { _, _, _, _, _ in false }
    }

    /// What can only be said of the whole: that what names something names what is there.
    mutating func checkWhole() {
        let names = settings.groups.map(\.name)
        for (index, selector) in settings.routing.enumerated() where !names.contains(selector.group) {
            let path = "routing[\(index)].group"
            // A selector without a group, or with a malformed one, has been reported.
            guard let place = places[path], !selector.group.isEmpty, !names.contains("") else { continue }
            let near = nearestName(to: selector.group, among: names)
            report(
                place, path, "there is no group `\(selector.group)`",
                suggestion: near.map { "did you mean `\($0)`?" }
                    ?? "declare it, or name one of: \(names.joined(separator: ", "))")
        }
        let (listen, admin) = (settings.listen, settings.admin)
        if listen.port != 0, listen.port == admin.port, listen.address == admin.address {
            let path = places["listen.port"] == nil ? "admin.port" : "listen.port"
            report(
                places[path] ?? Place(file: "", line: nil), path, "both listeners have the port \(listen.port)",
                suggestion: "give `listen` and `admin` ports of their own")
        }
    }
}
