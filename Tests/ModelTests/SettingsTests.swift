import Engine
import Testing

@testable import Model

@Suite struct SettingsTests {
    /// The table of keys is what everything else goes by, so nothing that a settings value holds may be missing in it.
    @Test func everyPropertyHasItsKey() {
        let keys = Set(Settings.keys.map(\.name)).subtracting(["policy"]).union(["policy.file", "policy.rules"])
        #expect(properties(of: Settings()) == keys.union(["groups", "routing"]))
        #expect(properties(of: GroupSettings.blank) == Set(GroupSettings.keys.map(\.name) + ["pools"]))
        let pool = Set(PoolSettings.keys.map(\.name)).subtracting(["credentials"]).union(["coordinators"])
        #expect(properties(of: PoolSettings.blank) == pool)
        #expect(properties(of: CoordinatorSettings.blank) == ["name", "url"])
        #expect(Selector.keys.count == Mirror(reflecting: Selector.blank).children.count)
    }

    @Test func everyDefaultIsTakenByItsOwnKey() throws {
        for key in Settings.keys {
            var settings = Settings()
            try key.set(key.value(in: settings), in: &settings)
            #expect(settings == Settings(), "\(key.name)")
        }
        for key in PoolSettings.keys where key.name != "name" {
            var pool = PoolSettings.blank
            try key.set(key.value(in: pool), in: &pool)
            #expect(pool == PoolSettings.blank, "\(key.name)")
        }
    }

    @Test(arguments: [
        ("http://10.0.0.1:8080", true), ("http://[::1]:8080", true), ("http://localhost:8080", false),
        ("http://10.0.0.256", false), ("http://10.0.1", false), ("http://a.b.c.d", false),
    ])
    func knowsAddressesThatNeedNoResolving(url: String, isLiteral: Bool) throws {
        #expect(try #require(ServerURL(url)).isLiteral == isLiteral)
    }

    @Test func changesNameTheKeysWithOldAndNewValues() throws {
        let old = Settings()
        var new = old
        new.listen.port = 9090
        new.limits.pollAnswer = .milliseconds(1500)
        new.limits.heads = 1 << 20
        new.listen.externalURL = ServerURL("https://h")
        new.groups[0].active = "green"
        new.groups[0].pools[0].coordinators = [
            CoordinatorSettings(name: "b1", url: try #require(ServerURL("http://h:1")))
        ]
        new.routing = [Selector(group: "default", user: "a*")]
        let changes = Settings.changes(from: old, to: new)
        #expect(
            changes.prefix(4) == [
                SettingsChange(path: "listen.port", from: "8080", to: "9090"),
                SettingsChange(path: "listen.external_url", from: "null", to: "https://h"),
                SettingsChange(path: "limits.poll_answer", from: "10s", to: "1500ms"),
                SettingsChange(path: "limits.heads", from: "64MiB", to: "1MiB"),
            ])
        #expect(changes.contains(SettingsChange(path: "groups[default].active", from: "blue", to: "green")))
        let coordinator = "groups[default].pools[blue].coordinators[b1].url"
        #expect(changes.contains(SettingsChange(path: coordinator, from: nil, to: "http://h:1")))
        #expect(changes.contains(SettingsChange(path: "routing[0].when.user", from: nil, to: "a*")))
        #expect(changes.filter(\.needsRestart).map(\.path) == ["listen.port", "listen.external_url"])
        let back = Settings.changes(from: new, to: old)
        #expect(back.contains(SettingsChange(path: coordinator, from: "http://h:1", to: nil)))
        #expect(Settings.changes(from: new, to: new) == [])
    }

    @Test func theOrderOfGroupsIsAChange() {
        var old = Settings()
        old.groups.append(GroupSettings(name: "etl", active: "p", pools: [PoolSettings(name: "p")]))
        var new = old
        new.groups.swapAt(0, 1)
        #expect(
            Settings.changes(from: old, to: new)
                == [SettingsChange(path: "groups", from: "[default, etl]", to: "[etl, default]")])
    }

    @Test func rulesThatChangeAreNamed() {
        var first = Rule(id: "A", failureClass: .unavailable, action: .other)
        first.step = .submit
        first.occurrences = [.event(.cut), .status(503), .anyStatus]
        first.names = ["ONE", "TWO"]
        first.notType = .userError
        first.retries = .unbounded
        first.wait = .retryAfterElseShort
        let second = Rule(id: "B", failureClass: .user, action: .none)
        var old = Settings()
        old.policy.rules = Policy([first, second])
        var new = old
        first.names = ["ONE"]
        new.policy.rules = Policy([first, second])
        let before = "{ step: submit, event: [cut], status: [503, other], names: [ONE, TWO], not_type: USER_ERROR, "
        let after = before.replacing(", TWO", with: "")
        let verdict = "class: unavailable, action: other, retries: unbounded, wait: \"RA, else S\" }"
        #expect(
            Settings.changes(from: old, to: new) == [
                SettingsChange(path: "policy[A]", from: before + verdict, to: after + verdict)
            ])
        new = old
        new.policy.rules = Policy([second])
        #expect(
            Settings.changes(from: old, to: new) == [
                SettingsChange(path: "policy.rules", from: "[A, B]", to: "[B]"),
                SettingsChange(path: "policy[A]", from: before + verdict, to: nil),
            ])
        #expect(second.text == "{ class: user, action: none }")
    }

    @Test func theStateDirectoryFollowsItsSurroundings() {
        var state = StateSettings()
        #expect(state.resolvedDirectory(environment: ["HOME": "/home/a"]) == "/home/a/.local/state/penstock")
        let systemd = ["HOME": "/home/a", "STATE_DIRECTORY": "/var/lib/penstock:/var/lib/other"]
        #expect(state.resolvedDirectory(environment: systemd) == "/var/lib/penstock")
        #expect(state.resolvedDirectory(environment: [:]) == "/var/lib/penstock")
        state.directory = "/srv/state"
        #expect(state.resolvedDirectory(environment: systemd) == "/srv/state")
        state.directory = "~/state"
        #expect(state.resolvedDirectory(environment: systemd) == "/home/a/state")
    }

    @Test(arguments: [
        ("http://h", "http", "h", 80, "h"), ("HTTPS://h.example.com/", "https", "h.example.com", 443, "h.example.com"),
        ("http://10.0.0.1:8080", "http", "10.0.0.1", 8080, "10.0.0.1:8080"),
        ("http://[::1]:9", "http", "::1", 9, "[::1]:9"), ("http://[::1]", "http", "::1", 80, "[::1]"),
        ("http://a_b-c:65535", "http", "a_b-c", 65535, "a_b-c:65535"),
    ])
    func urlsOfServersAreTakenApart(text: String, scheme: String, host: String, port: Int, authority: String) throws {
        let url = try #require(ServerURL(text))
        #expect(url.scheme.rawValue == scheme)
        #expect(url.host == host)
        #expect(Int(url.port) == port)
        #expect(url.authority == authority)
        #expect(url.description == "\(scheme)://\(authority)")
    }

    @Test(arguments: [
        "", "h", "h:80", "//h", "ftp://h", "http://", "http:///", "http://h/p", "http://h?q", "http://h#f",
        "http://u@h",
        "http://h:", "http://h:0", "http://h:65536", "http://h:-1", "http://h:+1", "http://h: 1", "http://h h",
        "http://[::1", "http://[h]", "http://[]", "http://::1", "http://-h", "http://.h", "http://é", "http://h\r\n",
    ])
    func whatIsNoURLOfAServerIsRefused(text: String) {
        #expect(ServerURL(text) == nil)
    }

    @Test(arguments: [
        ("0s", 0), ("250ms", 250), ("30s", 30_000), ("15m", 900_000), ("2h", 7_200_000), ("30d", 2_592_000_000),
    ])
    func durationsAreReadAndWritten(text: String, milliseconds: Int) {
        #expect(SettingsUnits.duration(text) == .milliseconds(milliseconds))
        #expect(SettingsUnits.text(.milliseconds(milliseconds)) == text)
    }

    @Test(arguments: ["", "s", "10", "1.5s", "-1s", "+1s", " 1s", "1 s", "1S", "1min", "1sm", "9223372036854775807d"])
    func otherDurationsAreRefused(text: String) {
        #expect(SettingsUnits.duration(text) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("1000", 1000), ("64KiB", 65536), ("1MiB", 1 << 20), ("3GiB", 3 << 30), ("1TiB", 1 << 40),
    ])
    func sizesAreReadAndWritten(text: String, bytes: Int) {
        #expect(SettingsUnits.size(text) == bytes)
        #expect(SettingsUnits.text(size: bytes) == text)
    }

    @Test(arguments: ["", "KiB", "1KB", "1kib", "-1", "1.5MiB", "1 MiB", "9223372036854775807KiB"])
    func otherSizesAreRefused(text: String) {
        #expect(SettingsUnits.size(text) == nil)
    }

    @Test func theNearestNameIsFoundIfItIsNear() {
        let names = ["port", "address", "external_url", "loops"]
        #expect(nearestName(to: "prot", among: names) == "port")
        #expect(nearestName(to: "adress", among: names) == "address")
        #expect(nearestName(to: "externalUrl", among: names) == "external_url")
        #expect(nearestName(to: "Port", among: names) == "port")
        #expect(nearestName(to: "metrics", among: names) == nil)
        #expect(nearestName(to: "", among: names) == nil)
        #expect(nearestName(to: "x", among: []) == nil)
    }

    /// The names of what a value holds, as keys have them; what has a key of its own is not opened.
    private func properties(of value: Any, below prefix: String = "") -> Set<String> {
        var names: Set<String> = []
        for child in Mirror(reflecting: value).children {
            let name = prefix + keyName(child.label ?? "")
            let inner =
                "\(type(of: child.value))".hasSuffix("Settings") ? properties(of: child.value, below: name + ".") : []
            names.formUnion(inner.isEmpty ? [name] : inner)
        }
        return names
    }

    private func keyName(_ property: String) -> String {
        var name = ""
        var previous: Character = "_"
        for character in property {
            if character.isUppercase, !previous.isUppercase { name += "_" }
            name += character.lowercased()
            previous = character
        }
        return name
    }
}
