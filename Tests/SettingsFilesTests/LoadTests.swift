import Engine
import FoundationEssentials
import Model
import Testing
import YAML

@testable import SettingsFiles

/// What a settings file says.
@Suite struct LoadTests {
    @Test func aPartialFileKeepsTheOtherDefaults() throws {
        let settings = try load(
            """
            listen: { port: 0, address: "::1", loops: 3, external_url: "https://sql.example.com" }
            admin:
              metrics: open
            state: # nothing below
            log: { level: warning, format: json }
            limits: { poll_answer: 250ms, heads: 65536, client_connections: 12 }
            """)
        var expected = try defaults()
        expected.listen.port = 0
        expected.listen.address = "::1"
        expected.listen.loops = 3
        expected.listen.externalURL = ServerURL("https://sql.example.com")
        expected.admin.metrics = .open
        expected.log.level = .warning
        expected.log.format = .json
        expected.limits.pollAnswer = .milliseconds(250)
        expected.limits.heads = 65_536
        expected.limits.clientConnections = 12
        #expect(settings == expected)
    }

    @Test(arguments: ["", "# nothing\n", "{}", "~", "listen:\n"])
    func anEmptyFileGivesTheDefaults(text: String) throws {
        #expect(try load(text) == defaults())
    }

    @Test func groupsReplaceTheShippedOnes() throws {
        let settings = try load(
            """
            groups:
            - name: adhoc
              pools:
              - name: one
                dialect: presto
                starts: post
                takes: nothing
                ui_url: http://ui.example.com/presto/
                pinned_users: [ops, "qa_*"]
                probe: { interval: 1s, workers: off }
                coordinators:
                - { name: one-1, url: http://10.0.0.1:8080/ }
                - { name: one-2, url: "http://[fe80::1]" }
              - name: two
            - name: etl
              active: b
              pools: [{ name: a }, { name: b, takes: pinned }]
            routing:
            - when: { user: "etl_*", header: { X-Presto-Routing-Group: etl, X-Team: "a*" }, kind: write }
              group: etl
            - group: adhoc
            """)
        #expect(settings.groups.map(\.name) == ["adhoc", "etl"])
        #expect(settings.groups.map(\.active) == ["one", "b"])
        let pool = settings.groups[0].pools[0]
        #expect(pool.dialect == .presto)
        #expect(pool.starts == .post)
        #expect(pool.takes == [])
        #expect(settings.groups[1].pools[1].takes == [.pinned])
        #expect(pool.uiURL == "http://ui.example.com/presto")
        #expect(pool.pinnedUsers == ["ops", "qa_*"])
        #expect(pool.probe.interval == .seconds(1))
        #expect(pool.probe.timeout == .milliseconds(1500))
        #expect(pool.probe.workers == .off)
        #expect(pool.coordinators.map(\.url.description) == ["http://10.0.0.1:8080", "http://[fe80::1]"])
        #expect(pool.coordinators.map(\.url.host) == ["10.0.0.1", "fe80::1"])
        #expect(pool.coordinators.map(\.url.port) == [8080, 80])
        #expect(
            settings.routing == [
                Selector(
                    group: "etl", user: "etl_*", kind: .write,
                    headers: [
                        SelectorHeader(name: "X-Presto-Routing-Group", pattern: "etl"),
                        SelectorHeader(name: "X-Team", pattern: "a*"),
                    ]),
                Selector(group: "adhoc"),
            ])
    }

    @Test func overridesWinAndTheLastOneMost() throws {
        let settings = try load(
            "listen: {port: 1}\nlog: {level: debug}",
            overrides: [
                "listen.port=2", "listen.port=3", "limits.poll_answer=1s", "listen.external_url=http://a.b:1",
                "groups=[{name: g, pools: [{name: p}]}]", "log.level=",
            ].dropLast())
        #expect(settings.listen.port == 3)
        #expect(settings.log.level == .debug)
        #expect(settings.limits.pollAnswer == .seconds(1))
        #expect(settings.listen.externalURL == ServerURL("http://a.b:1"))
        #expect(settings.groups.map(\.name) == ["g"])
    }

    @Test func overriddenGroupsAreNotHeldAgainstThoseOfTheFile() throws {
        let groups = "[{name: g, pools: [{name: p, coordinators: [{name: c, url: 'http://h'}]}]}]"
        let settings = try load("groups: \(groups)", overrides: ["groups=\(groups)"])
        #expect(settings.groups.count == 1)
        do {
            _ = try load(
                "groups: \(groups)", overrides: ["groups=[{name: g, pools: [{name: p, coordinators: [{name: c}]}]}]"])
            Issue.record("taken")
        } catch let error as SettingsProblems {
            #expect(error.problems.map(\.message) == ["`url` is missing"])
        }
    }

    @Test func referencesAreReplaced() throws {
        let folder = try Folder()
        try folder.write("9999\n", to: "port")
        let path = try folder.write(
            """
            listen: { port: "${FILE:port}", address: "${ENV:HOST}" }
            admin: { token_file: "${ENV:DIR}/${ENV:NAME}.token" }
            """, to: "penstock.yaml")
        let environment = ["HOST": "localhost", "DIR": "/run", "NAME": "${ENV:DIR}"]
        let settings = try SettingsFile(path: path, environment: environment).load()
        #expect(settings.listen.port == 9999)
        #expect(settings.listen.address == "localhost")
        #expect(settings.admin.tokenFile == "/run/${ENV:DIR}.token")
    }

    @Test func everyLoadReadsTheFileAnew() throws {
        let folder = try Folder()
        let path = try folder.write("listen: {port: 1}", to: "penstock.yaml")
        let file = SettingsFile(path: path, environment: [:])
        #expect(try file.load().listen.port == 1)
        try folder.write("listen: {port: 2}", to: "penstock.yaml")
        #expect(try file.load().listen.port == 2)
    }

    /// A configuration that is mounted into a container is a link.
    @Test func linksAreFollowed() throws {
        let folder = try Folder()
        try folder.write("listen: {port: 7}", to: "real.yaml")
        let link = "\(folder.path)/link.yaml"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real.yaml")
        #expect(try SettingsFile(path: link, environment: [:]).load().listen.port == 7)
    }

    @Test func anyTextIsTakenOrRefusedNeverTrapped() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        let words =
            Settings.keys.flatMap { $0.name.split(separator: ".").map(String.init) }
            + PoolSettings.keys.map(\.name)
            + ["groups", "pools", "coordinators", "routing", "when", "name", "url", "group", "active", "header"]
        let values = [
            "1", "-1", "99999999999999999999", "1s", "99999999999d", "1GiB", "9999999999TiB", "~", "[]", "{}", "[a]",
            "{a: b}", "[[a]]", "{a: {b: c}}", "''", "\"\\0\"", "http://h", "http://[::1]:0", "http://[", "é", "true",
            "0.5", "nan", "${ENV:A}", "${", "*", "50%", "10 m",
        ]
        for _ in 0..<3000 {
            var text = ""
            var depth = 0
            for _ in 0..<Int.random(in: 1..<12, using: &random) {
                let indent = String(repeating: " ", count: 2 * depth)
                let dash = Int.random(in: 0..<4, using: &random) == 0 ? "- " : ""
                let word = words.randomElement(using: &random) ?? ""
                if Bool.random(using: &random) {
                    text += "\(indent)\(dash)\(word): \(values.randomElement(using: &random) ?? "")\n"
                } else {
                    text += "\(indent)\(dash)\(word):\n"
                    depth += 1
                }
                depth = max(0, depth - Int.random(in: 0...1, using: &random))
            }
            var reader = SettingsReader(references: References(folder: ".", environment: [:]))
            do {
                if let root = try Document(Array(text.utf8)).root { reader.read(root, from: "f") }
            } catch {
                continue
            }
            reader.checkWhole()
            for problem in reader.problems {
                #expect(!problem.message.isEmpty && !problem.suggestion.isEmpty, "seed \(seed): \(text)")
            }
        }
    }
}

/// A seeded source of random numbers.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
