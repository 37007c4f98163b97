import Engine
import FoundationEssentials
import Model
import Patterns
import Testing

@testable import SettingsFiles

/// Policies of operators' own.
@Suite struct PolicyFileTests {
    private func read(_ text: String) throws -> Policy {
        try PolicyFile.read(Array(text.utf8), from: "rules.yaml")
    }

    private func problems(_ text: String) throws -> [SettingsProblem] {
        try #require(throws: SettingsProblems.self) { try read(text) }.problems
    }

    @Test func everyKeyIsTaken() throws {
        let policy = try read(
            """
            - id: one
              step: poll
              event: [cut, no-answer]
              status: [503, other]
              names: [SOME_ERROR, OTHER_ERROR]
              type: EXTERNAL
              not_type: USER_ERROR
              match: 'it''s (full|\\d+)'
              when: name-or-text
              class: unavailable
              action: other
              retries: unbounded
              wait: "RA, else S"
              opt_in: true
              alert: true
            - { id: two, names: ONE, class: user, action: none, step: null }
            """)
        var one = Rule(id: "one", failureClass: .unavailable, action: .other)
        one.step = .poll
        one.occurrences = [.event(.cut), .event(.noAnswer), .status(503), .anyStatus]
        one.names = ["SOME_ERROR", "OTHER_ERROR"]
        one.type = .external
        one.notType = .userError
        one.match = try Pattern(#"it's (full|\d+)"#)
        one.when = .nameOrText
        one.retries = .unbounded
        one.wait = .retryAfterElseShort
        one.optIn = true
        one.alert = true
        var two = Rule(id: "two", failureClass: .user, action: .none)
        two.names = ["ONE"]
        #expect(policy == Policy([one, two]))
    }

    @Test func allProblemsComeAtOnceWithLineAndSuggestion() throws {
        let found = try problems(
            """
            - id: A
              nams: [X]
              match: '(a'
              class: usr
              action: othr
              retries: 2
              wait: M
            - id: A
              names: [x y]
              class: internal
              action: same
              retries: many
              wait: XL
              status: 42
              event: reste
              alert: perhaps
            """)
        let seen = found.map { "\($0.line ?? 0) \($0.path)" }
        #expect(
            seen == [
                "2 [A].nams", "3 [A].match", "4 [A].class", "5 [A].action", "8 [A].id", "9 [A].names", "12 [A].retries",
                "13 [A].wait", "14 [A].status", "15 [A].event", "16 [A].alert",
            ])
        #expect(found.allSatisfy { $0.file == "rules.yaml" && !$0.message.isEmpty && !$0.suggestion.isEmpty })
        #expect(found[0].suggestion == "did you mean `names`?")
        #expect(found[1].message.contains("missing closing parenthesis"))
        #expect(found[2].suggestion == "did you mean `user`?")
        #expect(found[3].suggestion == "did you mean `other`?")
        #expect(found[4].message.contains("first in line 1"))
        #expect(found[9].suggestion == "did you mean `reset`?")
    }

    @Test(arguments: [
        ("- { names: A, class: user, action: none }", "[0]", "`id` is missing"),
        ("- { id: X, names: A, action: none }", "[X]", "`class` is missing"),
        ("- { id: X, names: A, class: user }", "[X]", "`action` is missing"),
        ("- { id: X, step: poll, not_type: EXTERNAL, class: user, action: none }", "[X]", "nothing is known"),
        ("- { id: X, names: A, when: name-or-text, class: user, action: none }", "[X].when", "needs both"),
        ("- { id: X, names: A, class: user, action: same, wait: M }", "[X]", "`retries` is missing"),
        ("- { id: X, names: A, class: user, action: same, retries: 1 }", "[X]", "`wait` is missing"),
        ("- { id: X, names: A, class: user, action: same, retries: 0, wait: M }", "[X].retries", "no retry is left"),
        ("- { id: X, names: A, class: user, action: none, retries: 1 }", "[X].retries", "has no `retries`"),
        ("- { id: X, names: A, class: user, action: same, retries: 101, wait: M }", "[X].retries", "no number"),
        ("- { id: 'a b', names: A, class: user, action: none }", "[a b].id", "is no id"),
        ("- { id: X, names: lower_case, class: user, action: none }", "[X].names", "no name of an error"),
        ("- { id: X, match: [a], class: user, action: none }", "[X].match", "no regex"),
        ("- { id: X, id: Y, names: A, class: user, action: none }", "", "second time"),
        ("- text", "[0]", "where a rule is expected"),
        ("rules: []", "", "a list of rules is expected"),
        ("[]", "", "a list of rules is expected"),
        ("# nothing", "", "a list of rules is expected"),
        ("- { id: X", "", ""),
    ])
    func saysWhatIsWrong(text: String, path: String, message: String) throws {
        let found = try problems(text)
        #expect(found.count == 1)
        #expect(found.first?.path == path)
        #expect(message.isEmpty || found.first?.message.contains(message) == true, "\(found)")
        #expect(found.first?.line == (message.isEmpty ? 2 : 1))
    }

    @Test func aPolicyOfManyProblemsIsCutShort() throws {
        let text = (0..<1_000).map { "- { id: r\($0), names: A, class: user, action: nothing_known }\n" }.joined()
        #expect(try problems(text).count == SettingsReader.maximumProblems)
    }

    /// Whatever stands in a file, it is a policy of valid rules or has problems, and these name what to do.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func aMangledPolicyIsReadOrRefused(seed: UInt64) throws {
        var random = Dice(state: seed)
        let text = Array(try readFile(Self.shipped, maximumBytes: 1 << 20).suffix(6_000))
        let pieces = [
            "\n", "- ", ": ", "'", "{", "}", "[", "]", "&a ", "*a", "id", "null", "\0", "\t", "(", "unbounded",
        ]
        for _ in 0..<150 {
            var mangled = text
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let start = Int.random(in: 0..<mangled.count, using: &random)
                let end = min(mangled.count, start + Int.random(in: 0...12, using: &random))
                mangled.replaceSubrange(start..<end, with: (pieces.randomElement(using: &random) ?? "").utf8)
            }
            do throws(SettingsProblems) {
                let policy = try PolicyFile.read(mangled, from: "rules.yaml")
                #expect(policy.rules.allSatisfy { $0.asksForSomething && !$0.id.isEmpty }, "seed \(seed)")
                #expect(Set(policy.rules.map(\.id)).count == policy.rules.count, "seed \(seed)")
            } catch {
                #expect(!error.problems.isEmpty, "seed \(seed)")
                #expect(error.problems.allSatisfy { !$0.message.isEmpty && !$0.suggestion.isEmpty }, "seed \(seed)")
            }
        }
    }

    private static let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Config/failure-policy.yaml").path
}
