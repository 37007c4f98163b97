import FoundationEssentials
import Model
import Testing

@testable import SettingsFiles

/// What a settings file is refused for, and where.
@Suite struct ProblemTests {
    private func problems(
        _ text: String, overrides: [String] = [], environment: [String: String] = [:]
    ) throws -> [SettingsProblem] {
        do {
            _ = try load(text, overrides: overrides, environment: environment)
            return []
        } catch let error as SettingsProblems {
            return error.problems
        }
    }

    /// One problem of a text: its line, its path, a part of its message, a part of its suggestion.
    struct Expected: Sendable, CustomTestStringConvertible {
        var text: String
        var line: Int
        var path: String
        var message: String
        var suggestion: String

        init(_ text: String, _ line: Int, _ path: String, _ message: String, _ suggestion: String) {
            self.text = text
            self.line = line
            self.path = path
            self.message = message
            self.suggestion = suggestion
        }

        var testDescription: String { "\(path): \(message)" }
    }

    static let pool = "groups:\n- name: g\n  pools:\n  - name: p\n"

    @Test(arguments: [
        // Unknown keys, the nearest known name.
        Expected("listen:\n  prot: 1\n", 2, "listen.prot", "no such key", "`port`"),
        Expected("lisen: {}\n", 1, "lisen", "no such key", "`listen`"),
        Expected("poll_answer: 1s\n", 1, "poll_answer", "no such key", "`limits.poll_answer`"),
        Expected("limits: {zzzzzzzzzzzz: 1}\n", 1, "limits.zzzzzzzzzzzz", "no such key", "known here: wait_for"),
        Expected("retries: {budget: {windw: 1s}}\n", 1, "retries.budget.windw", "no such key", "`window`"),
        Expected("group: []\n", 1, "group", "no such key", "`groups`"),
        Expected(pool + "    dialekt: trino\n", 5, "groups[g].pools[p].dialekt", "no such key", "`dialect`"),
        Expected(pool + "    coordinator: []\n", 5, "groups[g].pools[p].coordinator", "no such key", "`coordinators`"),
        Expected(
            pool + "    probe: {path: /, foo: 1}\n", 5, "groups[g].pools[p].probe.foo", "no such key", "known here"),
        // Wrong types.
        Expected("listen: 8080\n", 1, "listen", "`8080` stands where keys", "address"),
        Expected("listen:\n  port: [1]\n", 2, "listen.port", "the list is not a port", "8080"),
        Expected("listen:\n  port: eighty\n", 2, "listen.port", "`eighty` is not a port", "8080"),
        Expected("listen:\n  port:\n", 2, "listen.port", "`null` is not a port", "8080"),
        Expected("listen: {loops: many}\n", 1, "listen.loops", "nor `auto`", "`1`"),
        Expected("groups: blue\n", 1, "groups", "a list is expected", "`- `"),
        Expected("groups: [blue]\n", 1, "groups[0]", "keys with values", "name"),
        Expected(pool + "    pinned_users: ops\n", 5, "groups[g].pools[p].pinned_users", "not a list", "`[a, b]`"),
        Expected(
            pool + "    pinned_users: [{a: b}]\n", 5, "groups[g].pools[p].pinned_users", "has an entry", "`etl_*`"),
        Expected("- a\n", 1, "", "keys with values", "listen"),
        // Unreachable values.
        Expected("listen: {port: 65536}\n", 1, "listen.port", "is not a port", "8080"),
        Expected("listen: {port: -1}\n", 1, "listen.port", "is not a port", "8080"),
        Expected("listen: {address: 'a b'}\n", 1, "listen.address", "is not an IP address", "127.0.0.1"),
        Expected(
            "listen: {external_url: sql.example.com}\n", 1, "listen.external_url", "URL", "`http://sql.example.com`"),
        Expected("listen: {external_url: 'https://a/b'}\n", 1, "listen.external_url", "without path", "http://"),
        Expected("listen: {port: 9000}\nadmin: {port: 9000}\n", 1, "listen.port", "both listeners", "of their own"),
        Expected(pool + "    ui_url: ui\n", 5, "groups[g].pools[p].ui_url", "is not an http", "https://"),
        Expected(
            pool + "    coordinators:\n    - {name: a, url: 'ftp://h'}\n", 6,
            "groups[g].pools[p].coordinators[a].url", "is not a URL", "http://"),
        Expected(
            pool + "    coordinators:\n    - name: a\n", 6, "groups[g].pools[p].coordinators[a]", "`url` is missing",
            "`url`"),
        Expected(
            pool + "    coordinators:\n    - url: 'http://h'\n", 6, "groups[g].pools[p].coordinators[0]",
            "`name` is missing", "`name`"),
        Expected(
            pool + "    dialect: trinno\n", 5, "groups[g].pools[p].dialect", "none of `trino`, `presto`", "`trino`"),
        Expected("log: {level: verbose}\n", 1, "log.level", "none of `debug`, `info`", "one of these"),
        Expected("log: {level: warn}\n", 1, "log.level", "none of", "`warning`"),
        Expected(pool + "- name: g\n  pools: [{name: p}]\n", 5, "groups[g]", "(line 2)", "another name"),
        Expected(pool + "  - name: p\n", 5, "groups[g].pools[p]", "(line 4)", "another name"),
        Expected(pool + "  active: q\n", 5, "groups[g].active", "no pool `q`", "did you mean `p`"),
        Expected("groups: []\n", 1, "groups", "no group", "at least one"),
        Expected("groups:\n- name: g\n", 2, "groups[g]", "no pool", "`pools`"),
        Expected("groups:\n- {name: a b, pools: [{name: p}]}\n", 2, "groups[a b].name", "is not a name", "blue-1"),
        Expected("routing:\n- when: {user: a}\n  group: etl\n", 3, "routing[0].group", "no group `etl`", "default"),
        Expected("routing:\n- when: {user: a}\n", 2, "routing[0]", "`group` is missing", "`group`"),
        Expected("routing:\n- group: defualt\n", 2, "routing[0].group", "no group", "`default`"),
        Expected("routing:\n- {group: default, when: {kind: insert}}\n", 2, "routing[0].when.kind", "`read`", "write"),
        Expected("routing:\n- {group: default, when: {header: x}}\n", 2, "routing[0].when.header", "headers", "etl"),
        // Durations and sizes.
        Expected("limits: {poll_answer: 10}\n", 1, "limits.poll_answer", "not a duration", "`10s`"),
        Expected("limits: {poll_answer: 10 sec}\n", 1, "limits.poll_answer", "not a duration", "`10s`"),
        Expected("limits: {poll_answer: 1ms}\n", 1, "limits.poll_answer", "from 100ms to 10m", "`100ms`"),
        Expected("limits: {poll_answer: 1d}\n", 1, "limits.poll_answer", "from 100ms to 10m", "`10m`"),
        Expected("limits: {poll_answer: -1s}\n", 1, "limits.poll_answer", "not a duration", "30s"),
        Expected("limits: {poll_answer: 99999999999999999d}\n", 1, "limits.poll_answer", "not a duration", "30s"),
        Expected("limits: {head_size: 1MB}\n", 1, "limits.head_size", "not a size", "`1MiB`"),
        Expected("limits: {head_size: 1}\n", 1, "limits.head_size", "from 4KiB to 16MiB", "`4KiB`"),
        Expected("limits: {head_size: -5}\n", 1, "limits.head_size", "not a size", "1MiB"),
        Expected("limits: {client_connections: 0}\n", 1, "limits.client_connections", "whole number from 1", "`1`"),
        // YAML.
        Expected("listen: {port: 1}\nlisten: {port: 2}\n", 2, "", "a second time, first in line 1", "keep one"),
        Expected("listen:\n  port: 1\n port: 2\n", 3, "", "", "indentation"),
        Expected("--- {}\n--- {}\n", 2, "", "a second document", "column"),
        // References.
        Expected("admin: {token_file: '${ENV:NONE}'}\n", 1, "admin.token_file", "no variable `NONE`", "set it"),
        Expected("admin: {token_file: '${FILE:none}'}\n", 1, "admin.token_file", "does not exist", "name a file"),
        Expected("admin: {token_file: '${FILE:.}'}\n", 1, "admin.token_file", "not a regular file", "name a file"),
        Expected("admin: {token_file: '${HOME}'}\n", 1, "admin.token_file", "neither a variable", "`${ENV:NAME}`"),
        Expected("admin: {token_file: '${ENV:X'}\n", 1, "admin.token_file", "not closed", "`${ENV:NAME}`"),
    ])
    func isReportedWithItsLineAndAnAdvice(expected: Expected) throws {
        let problems = try problems(expected.text)
        #expect(problems.count == 1)
        let problem = try #require(problems.first)
        #expect(problem.file.hasSuffix("/penstock.yaml"))
        #expect(problem.line == expected.line)
        #expect(problem.path == expected.path)
        #expect(problem.message.contains(expected.message), "\(problem.message)")
        #expect(problem.suggestion.contains(expected.suggestion), "\(problem.suggestion)")
    }

    /// Keys of what does not exist yet take their default and nothing else.
    @Test(arguments: [
        ("listen: {trusted_proxies: []}", "listen: {trusted_proxies: [10.0.0.0/8]}", "listen.trusted_proxies"),
        ("state: {store: sqlite}", "state: {store: 'postgresql://u@h/d'}", "state.store"),
        ("replicas: {advertise: null}", "replicas: {advertise: 'http://h:1'}", "replicas.advertise"),
        ("replicas: {lease: 5000ms}", "replicas: {lease: 6s}", "replicas.lease"),
        (pool + "    forwarded: none", pool + "    forwarded: all", "groups[g].pools[p].forwarded"),
        (pool + "    credentials: null", pool + "    credentials: {user: u}", "groups[g].pools[p].credentials"),
        (
            pool + "    coordinators: [{name: c, url: 'http://h'}]",
            pool + "    coordinators: [{name: c, url: 'https://h'}]", "groups[g].pools[p].coordinators[c].url"
        ),
    ])
    func whatComesLaterTakesOnlyItsDefault(taken: String, refused: String, path: String) throws {
        #expect(try problems(taken) == [])
        let problem = try #require(try problems(refused).first)
        #expect(problem.path == path)
        #expect(problem.message.contains("comes later"))
    }

    @Test func everythingIsReportedAtOnce() throws {
        let text = """
            listen:
              port: high
              prot: 1
            limits:
              poll_answer: 10
            groups:
            - name: default
              active: red
              pools:
              - name: blue
                dialect: hive
                coordinators:
                - {name: one, url: nowhere}
                - {name: one, url: "http://h:1"}
              - name: green
                coordinators:
                - {name: one, url: "https://h:1"}
            - name: etl
            routing:
            - group: elt
            """
        let problems = try problems(text, overrides: ["log.level=loud", "nothing", "a..b=1", "listen.port=["])
        #expect(problems.map(\.line) == [2, 3, 5, 8, 11, 13, 14, 17, 17, 18, 20, nil, nil, nil, nil])
        #expect(problems.allSatisfy { !$0.suggestion.isEmpty && !$0.message.isEmpty })
        #expect(problems[11].file == "--set log.level=loud")
    }

    @Test func anUnreadableFileIsOneProblemAndOverridesAreReadAllTheSame() throws {
        do throws(SettingsProblems) {
            _ = try SettingsFile(path: "/nonexistent/x.yaml", overrides: ["a=1"], environment: [:]).load()
            Issue.record("taken")
        } catch {
            #expect(error.problems.map(\.file) == ["/nonexistent/x.yaml", "--set a=1"])
            #expect(error.problems[0].message == "the file does not exist")
        }
        for path in ["/dev/zero", "/tmp"] {
            #expect(throws: SettingsProblems.self) { try SettingsFile(path: path, environment: [:]).load() }
        }
        #expect(throws: SettingsProblems.self) { try load(String(repeating: "#", count: (1 << 20) + 1)) }
    }

    @Test func endlessProblemsAreCut() throws {
        let keys = (0..<5000).map { "k\($0): 1\n" }.joined()
        let problems = try problems(keys)
        #expect(problems.count == SettingsReader.maximumProblems + 1)
        #expect(problems.last?.message == "there are more problems than these")
    }

    /// What a reference brings in may be a secret.
    @Test func messagesShowReferencesNotWhatTheyStandFor() throws {
        let text = "listen: {port: '${ENV:SECRET}', external_url: '${ENV:SECRET}', loops: '${ENV:NUMBER}'}"
        let problems = try problems(text, environment: ["SECRET": "hunter2", "NUMBER": "4711"])
        #expect(problems.map(\.path) == ["listen.port", "listen.external_url", "listen.loops"])
        #expect(problems.allSatisfy { $0.message.contains("${ENV:") })
        #expect(!render(problems).contains("hunter2") && !render(problems).contains("4711"))
    }

    @Test func theTextShowsPlaceMatterAndAdvice() throws {
        let problem = SettingsProblem(
            file: "p.yaml", line: 3, path: "listen.prot", message: "there is no such key",
            suggestion: "did you mean `port`?")
        #expect(
            render([problem]) == """
                p.yaml:3: listen.prot: there is no such key
                    did you mean `port`?
                1 problem

                """)
    }
}
