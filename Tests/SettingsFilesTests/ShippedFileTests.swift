import Engine
import FoundationEssentials
import Model
import Testing
import YAML

@testable import SettingsFiles

/// `Config/penstock.yaml` against the code.
@Suite struct ShippedFileTests {
    private let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Config/penstock.yaml").path

    @Test func isEqualToTheDefaults() throws {
        #expect(try SettingsFile(path: path, environment: [:]).load() == defaults())
    }

    @Test func noFileAtAllGivesTheDefaults() throws {
        #expect(try SettingsFile(path: nil, environment: [:]).load() == defaults())
    }

    @Test func holdsEveryKey() throws {
        let root = try #require(try Document(readFile(path, maximumBytes: 1 << 20)).root)
        #expect(keys(of: root) == Set(Settings.keys.map(\.name) + ["groups", "routing"]))
        let group = try #require(items(of: "groups", in: root).first)
        #expect(keys(of: group) == Set(GroupSettings.keys.map(\.name) + ["pools"]))
        let pool = try #require(items(of: "pools", in: group).first)
        #expect(keys(of: pool) == Set(PoolSettings.keys.map(\.name) + ["coordinators"]))
    }

    /// What stands as a comment for entries must be right too.
    @Test func theEntriesInItsCommentsAreTaken() throws {
        let text = String(decoding: try readFile(path, maximumBytes: 1 << 20), as: UTF8.self)
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("        coordinators: []  ") {
                lines.append("        coordinators:")
            } else if line.hasPrefix("routing: []") {
                lines += ["  - {name: etl, active: a, pools: [{name: a}]}", "routing:"]
            } else if let bare = uncommented(line) {
                lines.append(Substring(bare))
            } else {
                lines.append(line)
            }
        }
        let settings = try load(lines.joined(separator: "\n"))
        let url = try #require(ServerURL("http://127.0.0.1:18101"))
        #expect(settings.groups[0].pools[0].coordinators == [CoordinatorSettings(name: "blue-1", url: url)])
        let entry = Set(CoordinatorSettings.keys.map(\.name))
        #expect(entry == ["name", "url"])
        let selector = try #require(settings.routing.first)
        for key in Selector.keys { #expect(key.value(in: selector) != key.value(in: .blank), "\(key.name)") }
    }

    private func uncommented(_ line: Substring) -> String? {
        let indent = line.prefix { $0 == " " }
        let rest = line.dropFirst(indent.count)
        guard rest.hasPrefix("# - ") || rest.hasPrefix("#   ") else { return nil }
        return String(indent) + rest.dropFirst(2)
    }

    private func keys(of node: Node, below prefix: String = "") -> Set<String> {
        guard case .mapping(let members) = node.kind else { return [] }
        var names: Set<String> = []
        for member in members {
            let name = prefix + member.key
            let inner = keys(of: member.value, below: name + ".")
            names.formUnion(inner.isEmpty ? [name] : inner)
        }
        return names
    }

    private func items(of key: String, in node: Node) -> [Node] {
        guard case .mapping(let members) = node.kind, let member = members.first(where: { $0.key == key }),
            case .sequence(let items) = member.value.kind
        else { return [] }
        return items
    }
}

/// The defaults of the code, with the rules that only a source knows.
func defaults() throws -> Settings {
    var defaults = Settings.default
    defaults.policy.rules = try PolicyFile.shipped()
    return defaults
}

/// Loads a text as a settings file would be.
func load(_ text: String, overrides: [String] = [], environment: [String: String] = [:]) throws -> Settings {
    let folder = try Folder()
    let path = try folder.write(text, to: "penstock.yaml")
    return try SettingsFile(path: path, overrides: overrides, environment: environment).load()
}

/// A folder of a test's own that goes with it.
final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}
