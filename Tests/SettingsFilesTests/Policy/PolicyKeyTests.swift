import Engine
import Model
import Testing

@testable import SettingsFiles

/// `policy` and `retries.opt_in`: a failure policy of the operator's own, and what the settings say of its rules.
@Suite struct PolicyKeyTests {
    private let folder: Folder
    private let rules = "- { id: A1, names: A, class: user, action: same, retries: 1, wait: S, opt_in: true }\n"

    init() throws {
        folder = try Folder()
    }

    private func load(_ text: String) throws -> Settings {
        try SettingsFile(path: folder.write(text, to: "penstock.yaml"), environment: ["RULES": "own.yaml"]).load()
    }

    private func problems(_ text: String) throws -> [SettingsProblem] {
        try #require(throws: SettingsProblems.self) { try load(text) }.problems
    }

    @Test(arguments: ["own.yaml", "./own.yaml", "'${ENV:RULES}'", "FOLDER/own.yaml"])
    func aPolicyReplacesTheShippedOne(path: String) throws {
        try folder.write(rules, to: "own.yaml")
        let text = "policy: \(path.replacing("FOLDER", with: folder.path))\nretries: {opt_in: [A1]}"
        let settings = try load(text)
        #expect(settings.policy.rules.rules.map(\.id) == ["A1"])
        #expect(settings.retries.optIn == ["A1"])
    }

    @Test func theShippedRulesHoldWithoutOne() throws {
        #expect(try load("policy: null").policy.rules == PolicyFile.shipped())
        #expect(try load("retries: {opt_in: [U11, X12]}").retries.optIn == ["U11", "X12"])
    }

    @Test func aFileThatCannotBeReadIsAProblemOfItsKey() throws {
        let found = try problems("log: {level: info}\npolicy: own.yaml\n")
        #expect(found.map(\.path) == ["policy"])
        #expect(found.first?.line == 2)
        #expect(found.first?.file.hasSuffix("/penstock.yaml") == true)
        #expect(found.first?.message == "the file `\(folder.path)/own.yaml` does not exist")
    }

    @Test func problemsOfBothFilesComeAtOnce() throws {
        try folder.write("- { id: A1, nams: A, class: user, action: none }\n- { id: A2, names: B }", to: "own.yaml")
        let found = try problems("listen: {prot: 1}\npolicy: own.yaml\nretries: {opt_in: [A7]}")
        #expect(
            found.map { "\($0.line ?? 0) \($0.path)" } == [
                "1 listen.prot", "1 policy[A1].nams", "2 policy[A2]", "2 policy[A2]",
            ])
        #expect(found[1].file == "\(folder.path)/own.yaml")
        #expect(found[1].suggestion == "did you mean `names`?")
    }

    @Test func whoOptsInToNoRuleIsTold() throws {
        let found = try problems("retries:\n  opt_in: [U11, X21, nothing]\n")
        #expect(found.map(\.message) == ["the policy has no rule `X21`", "the policy has no rule `nothing`"])
        #expect(found.map(\.line) == [2, 2])
        #expect(found.first?.suggestion.hasPrefix("did you mean `X") == true)
        #expect(found.last?.suggestion == "name some of: U11, X12, X14, X15")
        try folder.write(rules, to: "own.yaml")
        #expect(
            try problems("policy: own.yaml\nretries: {opt_in: [U11]}").first?.message == "the policy has no rule `U11`")
    }

    /// What was meant by a malformed `policy` is not known, so nothing is said of its rules.
    @Test func aMalformedPathIsOneProblem() throws {
        #expect(try problems("policy: [a]\nretries: {opt_in: [A1]}").map(\.path) == ["policy"])
    }
}
