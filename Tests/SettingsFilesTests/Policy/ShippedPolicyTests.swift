import Engine
import FoundationEssentials
import Testing

@testable import SettingsFiles

/// `Config/failure-policy.yaml` against the facts about its rules, and its verdicts against a second reader of these.
@Suite struct ShippedPolicyTests {
    private let policy: Policy
    private let facts: [Fact]
    private let samples: [Sample]

    init() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        policy = try PolicyFile.shipped()
        facts = try table(here.appending(path: "Facts/rules.tsv"), columns: 11).map(Fact.init)
        samples = try table(here.appending(path: "Facts/samples.tsv"), columns: 4).map(Sample.init)
    }

    @Test func holdsTheRulesAsTheyWereFound() throws {
        #expect(policy.rules.map(\.id) == facts.map(\.id))
        for (rule, fact) in zip(policy.rules, facts) {
            #expect(rule.names == fact.names, "\(fact.id)")
            #expect(rule.match?.source ?? "" == fact.regex, "\(fact.id)")
            #expect(rule.failureClass.rawValue == fact.failureClass, "\(fact.id)")
            #expect((rule.when == .nameOrText) == fact.isNameOrText, "\(fact.id)")
            #expect(rule.step?.rawValue ?? "any" == (fact.step.isEmpty ? "any" : fact.step), "\(fact.id)")
            #expect(rule.type?.rawValue ?? "" == fact.type, "\(fact.id)")
            #expect(rule.notType?.rawValue ?? "" == fact.notType, "\(fact.id)")
            #expect(rule.action == fact.action, "\(fact.id)")
            #expect(rule.optIn == fact.verdict.hasPrefix("opt-in "), "\(fact.id)")
            #expect(rule.alert == fact.verdict.hasSuffix(" + alert"), "\(fact.id)")
            #expect(rule.wait?.rawValue ?? "-" == fact.wait, "\(fact.id)")
            let count: RetryCount = fact.count == 0 && fact.action != .none ? .unbounded : .limited(fact.count)
            #expect(rule.retries == count, "\(fact.id)")
        }
    }

    @Test func eachSampleMeetsItsRule() {
        #expect(samples.count == 85)
        for sample in samples {
            #expect(policy.judge(sample.failure).rule == sample.rule, "\(sample.failure)")
        }
    }

    @Test func eachRuleButThoseOfTheWayHasASample() {
        let sampled = Set(samples.compactMap(\.rule))
        #expect(policy.rules.map(\.id).filter { !sampled.contains($0) && !$0.hasPrefix("H") } == [])
    }

    /// The causes count like the message.
    @Test func aCauseIsEnough() {
        let failure = Failure(
            step: .poll, errorName: "ICEBERG_CANNOT_OPEN_SPLIT", errorType: "EXTERNAL",
            message: "Error opening Iceberg split s3://bucket/key (offset=4, length=9)",
            causes: ["Failed to open S3 file", "Unable to execute HTTP request: Read timed out"])
        #expect(policy.judge(failure).rule == "X04")
    }

    @Test(
        arguments: [
            (FailureStep.submit, FailureEvent.refused, "H01"),
            (.submit, .reset, "H02"), (.submit, .cut, "H02"), (.submit, .noAnswer, "H02"), (.submit, .empty, "H02"),
            (.submit, .notProtocol, "H04"),
            (.poll, .refused, "H06"), (.poll, .reset, "H06"), (.poll, .cut, "H06"), (.poll, .noAnswer, "H06"),
            (.poll, .empty, "H06"),
            (.poll, .forgotten, "H07"), (.poll, .gone, "H08"), (.poll, .notProtocol, "H12"),
            (.submit, .gone, nil), (.cancel, .refused, nil),
        ] as [(FailureStep, FailureEvent, String?)])
    func eventsMeetTheirRule(step: FailureStep, event: FailureEvent, rule: String?) {
        let status = event == .forgotten ? 404 : event == .empty || event == .notProtocol ? 200 : nil
        let text = event == .forgotten ? "Query not found" : ""
        #expect(policy.judge(Failure(step: step, event: event, status: status, message: text)).rule == rule)
    }

    @Test(arguments: [
        (FailureStep.submit, [429, 502, 503, 504], "H03"), (.poll, [429], "H05"), (.poll, [502, 503, 504], "H06"),
        (.submit, [401, 403], "H09"), (.submit, [400, 404, 405, 410, 413, 414, 431], "H10"),
        (.poll, [400, 404, 410], "H10"), (.cancel, [404], "H10"), (.submit, [500, 302, 204, 505], "H11"),
        (.poll, [500, 301], "H11"), (.cancel, [500], "H11"),
    ])
    func statusesMeetTheirRule(step: FailureStep, statuses: [Int], rule: String) {
        for status in statuses { #expect(policy.judge(Failure(step: step, status: status)).rule == rule, "\(status)") }
    }

    @Test func whatIsNotKnownMeetsNoRule() {
        for failure in [
            Failure(step: .poll), Failure(step: .submit, status: 200), Failure(step: .poll, errorCode: 131_076),
            Failure(step: .poll, status: 200, errorName: "NEVER_SEEN", errorCode: 1, message: "Division by zero"),
        ] {
            let judgement = policy.judge(failure)
            #expect(judgement.rule == nil)
            #expect(judgement.failureClass == .internal)
            #expect(judgement.action == .none)
        }
    }

    /// The engines number their errors differently; only the name counts.
    @Test(arguments: [
        ("EXCEEDED_SCAN_RAW_BYTES_READ_LIMIT", 131_081, "INSUFFICIENT_RESOURCES", "R08"),
        ("EXCEEDED_SCAN_LIMIT", 131_081, "INSUFFICIENT_RESOURCES", "R08"),
        ("SERIALIZATION_ERROR", 65_562, "INTERNAL_ERROR", "I20"),
        ("GENERIC_RECOVERY_ERROR", 65_562, "INTERNAL_ERROR", "I22"),
        ("INVALID_ARGUMENTS", 45, "USER_ERROR", "U03"), ("SCHEMA_NOT_FOUND", 45, "USER_ERROR", "U02"),
        ("REMOTE_HOST_GONE", 1, "INTERNAL_ERROR", "I04"),
    ])
    func numbersDecideNothing(name: String, code: Int, type: String, rule: String) {
        let failure = Failure(step: .poll, errorName: name, errorType: type, errorCode: code)
        #expect(policy.judge(failure).rule == rule)
    }

    @Test func noTextBuysAUserErrorARetry() {
        for sample in samples {
            for name in ["GENERIC_USER_ERROR", nil] {
                var failure = sample.failure
                failure.errorName = name
                failure.errorType = "USER_ERROR"
                #expect(policy.judge(failure).action == .none, "\(failure)")
            }
        }
    }

    /// Names, types and texts of all rules thrown together: the rule that the second reader picks.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func crossingsMeetTheRuleThatASecondReaderPicks(seed: UInt64) throws {
        var random = Dice(state: seed)
        let reader = try SecondReader(facts)
        let names: [String?] = facts.flatMap(\.names) + samples.map(\.failure.errorName) + [nil, "NEVER_SEEN"]
        let types: [String?] = ErrorType.allCases.map(\.rawValue) + [nil, "NEVER_SEEN"]
        for _ in 0..<400 {
            let sample = try #require(samples.randomElement(using: &random)).failure
            var failure = sample
            if Bool.random(using: &random) { failure.errorName = names.randomElement(using: &random) ?? nil }
            if Bool.random(using: &random) { failure.errorType = types.randomElement(using: &random) ?? nil }
            if Bool.random(using: &random) {
                failure.causes = [samples.randomElement(using: &random)?.failure.message ?? ""]
            }
            failure.errorCode = Int.random(in: 0...140_000, using: &random)
            #expect(policy.judge(failure).rule == reader.rule(for: failure), "seed \(seed): \(failure)")
            #expect(policy.explain(failure).judgement == policy.judge(failure), "seed \(seed): \(failure)")
        }
    }

    /// The longest text that is looked at, made of what the rules wait for, in one line.
    @Test func aTextMadeToBeSlowIsJudgedInBoundedWork() {
        for piece in [
            "Encountered too many errors talking to a worker node ", "Query text length ", "cannot exceed ", "'a",
        ] {
            let text = String(repeating: piece, count: 80_000 / piece.utf8.count)
            let judgement = policy.judge(Failure(step: .poll, message: text))
            #expect(judgement.rule == (piece.hasPrefix("Encountered") ? "I98" : nil))
        }
    }
}

/// A line of rules.tsv.
private struct Fact {
    let id: String
    let isNameOrText: Bool
    let failureClass: String
    let verdict: String
    let count: Int
    let wait: String
    let step: String
    let type: String
    let notType: String
    let names: [String]
    let regex: String

    init(_ fields: [String]) throws {
        id = fields[0]
        isNameOrText = fields[1] == "or"
        failureClass = fields[2]
        verdict = fields[3]
        count = try #require(Int(fields[4]))
        wait = fields[5]
        step = fields[6]
        type = fields[7]
        notType = fields[8]
        names = fields[9].split(separator: " ").map(String.init)
        regex = fields[10]
    }

    var action: RetryAction {
        if verdict == "same URI" { return .repeat }
        return RetryAction.allCases.first { verdict.split(separator: " ").contains(Substring($0.rawValue)) } ?? .none
    }
}

/// A line of samples.tsv.
private struct Sample {
    let rule: String?
    let failure: Failure

    init(_ fields: [String]) {
        rule = fields[0] == "-" ? nil : fields[0]
        failure = Failure(
            step: .poll, errorName: fields[1], errorType: fields[2],
            message: fields[3].replacing("\\n", with: "\n"))
    }
}

/// Reads the facts again, in another way: with Swift's own regular expressions, and without the rules of the way.
private struct SecondReader {
    private var rules: [(fact: Fact, regex: Regex<AnyRegexOutput>?)] = []

    init(_ facts: [Fact]) throws {
        for fact in facts where !fact.id.hasPrefix("H") {
            rules.append((fact, fact.regex.isEmpty ? nil : try Regex(fact.regex).ignoresCase()))
        }
    }

    func rule(for failure: Failure) -> String? {
        let text = ([failure.message] + failure.causes).joined(separator: "\n")
        return rules.first { fact, regex in
            if !fact.type.isEmpty, failure.errorType != fact.type { return false }
            if !fact.notType.isEmpty, failure.errorType == fact.notType { return false }
            if let name = failure.errorName, !fact.names.isEmpty, !fact.names.contains(name) { return false }
            if failure.errorName == nil, !fact.names.isEmpty, !fact.isNameOrText { return false }
            if fact.isNameOrText, failure.errorName != nil { return true }
            guard let regex else { return true }
            return (try? regex.firstMatch(in: text)) != nil
        }?.fact.id
    }
}

/// The lines of a table that are no comments, each with so many fields.
private func table(_ path: URL, columns: Int) throws -> [[String]] {
    let text = String(decoding: try readFile(path.path, maximumBytes: 1 << 20), as: UTF8.self)
    return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
        let fields = line.split(separator: "\t", maxSplits: columns - 1, omittingEmptySubsequences: false)
        try #require(fields.count == columns, "\(line)")
        return fields.map(String.init)
    }
}

/// SplitMix64, so that a seed names a run.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
