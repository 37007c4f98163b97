import Engine
import Patterns
import Testing
import Wire

/// How rules are matched, on policies of two or three rules.
@Suite struct PolicyTests {
    private func rule(
        _ id: String, names: [String] = [], match: String? = nil, when: Rule.Matching = .nameAndText,
        action: RetryAction = .other
    ) throws -> Rule {
        var rule = Rule(id: id, failureClass: .internal, action: action)
        rule.names = names
        rule.match = try match.map { try Pattern($0) }
        rule.when = when
        rule.retries = .limited(2)
        rule.wait = .medium
        return rule
    }

    @Test func theFirstThatIsMetJudges() throws {
        let policy = Policy([
            try rule("A", names: ["ONE"]), try rule("B", names: ["ONE", "TWO"]), try rule("C", match: "x"),
        ])
        #expect(policy.judge(Failure(step: .poll, errorName: "ONE", message: "x")).rule == "A")
        #expect(policy.judge(Failure(step: .poll, errorName: "TWO", message: "x")).rule == "B")
        #expect(policy.judge(Failure(step: .poll, message: "x")).rule == "C")
        #expect(policy.judge(Failure(step: .poll, errorName: "one")).rule == nil)
    }

    @Test func theVerdictIsTheRules() throws {
        var judge = try rule("A", names: ["ONE"], action: .bigger)
        judge.failureClass = .resource
        judge.optIn = true
        judge.alert = true
        judge.retries = .unbounded
        judge.wait = .now
        let judgement = Policy([judge]).judge(Failure(step: .poll, errorName: "ONE"))
        #expect(judgement.rule == "A")
        #expect(judgement.failureClass == .resource)
        #expect(judgement.action == .bigger)
        #expect(judgement.retries == .unbounded)
        #expect(judgement.wait == .now)
        #expect(judgement.optIn && judgement.alert && judgement.gaveUp.isEmpty)
    }

    @Test func withNameOrTextTheTextServesOnlyWithoutAName() throws {
        let policy = Policy([try rule("A", names: ["ONE"], match: "full", when: .nameOrText)])
        #expect(policy.judge(Failure(step: .poll, errorName: "ONE", message: "-")).rule == "A")
        #expect(policy.judge(Failure(step: .poll, errorName: "TWO", message: "full")).rule == nil)
        #expect(policy.judge(Failure(step: .poll, errorName: "", message: "it is FULL")).rule == "A")
        #expect(policy.judge(Failure(step: .poll, message: "-")).rule == nil)
    }

    @Test func withNameAndTextBothMustHold() throws {
        let policy = Policy([try rule("A", names: ["ONE"], match: "full")])
        #expect(policy.judge(Failure(step: .poll, errorName: "ONE", message: "full")).rule == "A")
        #expect(policy.judge(Failure(step: .poll, errorName: "ONE", message: "-")).rule == nil)
        #expect(policy.judge(Failure(step: .poll, message: "full")).rule == nil)
    }

    @Test func typesHoldBackOrLetThrough() throws {
        var only = try rule("A", match: "x")
        only.type = .external
        var but = try rule("B", match: "x")
        but.notType = .internalError
        let policy = Policy([only, but])
        #expect(policy.judge(Failure(step: .poll, errorType: "EXTERNAL", message: "x")).rule == "A")
        #expect(policy.judge(Failure(step: .poll, errorType: "INTERNAL_ERROR", message: "x")).rule == nil)
        #expect(policy.judge(Failure(step: .poll, errorType: "", message: "x")).rule == "B")
    }

    @Test func aTextNeverEarnsAUserErrorARetry() throws {
        let failure = Failure(step: .poll, errorName: "GENERIC_USER_ERROR", errorType: "USER_ERROR", message: "full")
        let retry = try rule("A", match: "full")
        #expect(Policy([retry]).judge(failure).rule == nil)
        #expect(Policy([retry]).explain(failure).skipped.map(\.miss) == [.unnamedUserError])
        #expect(Policy([try rule("B", match: "full", action: .none)]).judge(failure).rule == "B")
        #expect(Policy([try rule("C", names: ["GENERIC_USER_ERROR"])]).judge(failure).rule == "C")
    }

    @Test func anEventSaysMoreThanItsStatus() throws {
        var status = Rule(id: "A", failureClass: .user, action: .none)
        status.occurrences = [.status(404), .anyStatus]
        var event = Rule(id: "B", failureClass: .unavailable, action: .other)
        event.occurrences = [.event(.forgotten)]
        event.step = .poll
        let policy = Policy([status, event])
        #expect(policy.judge(Failure(step: .poll, status: 404)).rule == "A")
        #expect(policy.judge(Failure(step: .poll, event: .forgotten, status: 404)).rule == "B")
        #expect(policy.judge(Failure(step: .cancel, event: .forgotten, status: 404)).rule == nil)
        #expect(policy.judge(Failure(step: .poll, status: 599)).rule == "A")
        #expect(policy.judge(Failure(step: .poll, status: 200)).rule == nil)
        #expect(policy.judge(Failure(step: .poll)).rule == nil)
    }

    @Test func theTextIsMessageAndCausesCut() throws {
        let failure = Failure(step: .poll, message: "a", causes: ["b", "", "c"])
        #expect(failure.text == Array("a\nb\n\nc".utf8))
        let long = String(repeating: "x", count: Failure.maximumText - 5)
        let policy = Policy([try rule("A", match: "full")])
        #expect(Failure(step: .poll, message: long + "fullfull").text.count == Failure.maximumText)
        #expect(Failure(step: .poll, message: long + long).text.count == Failure.maximumText)
        #expect(policy.judge(Failure(step: .poll, message: long, causes: ["full"])).rule == "A")
        #expect(policy.judge(Failure(step: .poll, message: long + "y", causes: ["full"])).rule == nil)
    }

    @Test func aPatternThatGivesUpIsNoMatchAndSaysSo() throws {
        let policy = Policy([try rule("A", match: "(a+)+$"), try rule("B", match: "aaa")])
        let failure = Failure(step: .poll, message: String(repeating: "a", count: 60) + "!")
        #expect(policy.judge(failure).rule == "B")
        #expect(policy.judge(failure).gaveUp == ["A"])
        #expect(policy.explain(failure).skipped.map(\.miss) == [.gaveUp])
    }

    @Test func anExplanationNamesEachEarlierRuleAndWhyNot() throws {
        var submit = try rule("A", match: "x")
        submit.step = .submit
        var external = try rule("B", match: "x")
        external.type = .external
        let policy = Policy([
            submit, external, try rule("C", names: ["ONE"]), try rule("D", match: "zz"), try rule("E", match: "x"),
            try rule("F", match: "x"),
        ])
        let explanation = policy.explain(
            Failure(step: .poll, errorName: "TWO", errorType: "INTERNAL_ERROR", message: "x"))
        #expect(explanation.judgement.rule == "E")
        #expect(explanation.skipped.map(\.rule) == ["A", "B", "C", "D"])
        #expect(explanation.skipped.map(\.miss) == [.step(.submit), .type(.external), .name("TWO"), .text])
        #expect(
            explanation.skipped.map(\.miss.description) == [
                "holds at step submit only", "is about errorType EXTERNAL only", "does not name TWO",
                "its pattern is not in the message and its causes",
            ])
        let none = policy.explain(Failure(step: .poll))
        #expect(none.judgement.rule == nil)
        #expect(none.skipped.count == 6)
    }

    @Test func aPagesErrorIsAFailure() {
        let error = QueryError(name: "N", type: "EXTERNAL", code: 7, message: "m", causes: ["c"])
        #expect(
            Failure(step: .poll, error: error)
                == Failure(
                    step: .poll, errorName: "N", errorType: "EXTERNAL", errorCode: 7, message: "m", causes: ["c"]))
    }

    /// Random policies on random failures: the first rule whose conditions, written down again in another way, hold.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func agreesWithTheConditionsWrittenAnotherWay(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let rules = try (0..<Int.random(in: 0...6, using: &random)).map { try Self.rule($0, &random) }
            let failure = Self.failure(&random)
            let policy = Policy(rules)
            let expected = rules.first { Self.holds($0, for: failure) }?.id
            let explanation = policy.explain(failure)
            #expect(policy.judge(failure).rule == expected, "seed \(seed): \(rules) \(failure)")
            #expect(explanation.judgement == policy.judge(failure), "seed \(seed): \(rules) \(failure)")
            #expect(explanation.skipped.count == rules.firstIndex { $0.id == expected } ?? rules.count)
        }
    }

    private static let names = ["ONE", "TWO", "THREE"]
    private static let words = ["alpha", "beta", "gamma"]

    private static func rule(_ number: Int, _ random: inout SeededGenerator) throws -> Rule {
        let action = RetryAction.allCases.randomElement(using: &random) ?? .none
        var rule = Rule(id: "\(number)", failureClass: .internal, action: action)
        if Bool.random(using: &random) { rule.step = FailureStep.allCases.randomElement(using: &random) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            rule.occurrences =
                [[.event(.cut), .status(503)], [.anyStatus], [.status(404)]].randomElement(using: &random) ?? []
        }
        rule.names = names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        if Bool.random(using: &random) { rule.match = try words.randomElement(using: &random).map { try Pattern($0) } }
        if !rule.names.isEmpty, rule.match != nil, Bool.random(using: &random) { rule.when = .nameOrText }
        if Int.random(in: 0..<4, using: &random) == 0 { rule.type = ErrorType.allCases.randomElement(using: &random) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            rule.notType = ErrorType.allCases.randomElement(using: &random)
        }
        return rule
    }

    private static func failure(_ random: inout SeededGenerator) -> Failure {
        Failure(
            step: FailureStep.allCases.randomElement(using: &random) ?? .poll,
            event: Int.random(in: 0..<4, using: &random) == 0 ? .cut : nil,
            status: [nil, 200, 404, 503].randomElement(using: &random) ?? nil,
            errorName: (names + ["", "FOUR"]).randomElement(using: &random),
            errorType: (ErrorType.allCases.map(\.rawValue) + [""]).randomElement(using: &random),
            errorCode: Int.random(in: 0...9, using: &random),
            message: words.randomElement(using: &random)?.uppercased() ?? "",
            causes: words.filter { _ in Bool.random(using: &random) })
    }

    private static func holds(_ rule: Rule, for failure: Failure) -> Bool {
        let text = ([failure.message] + failure.causes).joined(separator: "\n").lowercased()
        let hasText = rule.match.map { text.split(separator: "\n").contains(Substring($0.source)) } ?? true
        let hasName = rule.names.contains(failure.errorName ?? "")
        let named: Bool
        if rule.when == .nameOrText {
            named = hasName || failure.errorName == nil && hasText
        } else {
            named = (rule.names.isEmpty || hasName) && hasText
        }
        let way = rule.occurrences.map { occurrence in
            switch occurrence {
            case .event(let event): event == failure.event
            case .status(let status): failure.event == nil && status == failure.status
            case .anyStatus: failure.event == nil && ![nil, 200].contains(failure.status)
            }
        }
        let mayRetry = failure.errorType != "USER_ERROR" || rule.action == .none || hasName
        return named && mayRetry && (way.isEmpty || way.contains(true))
            && (rule.step == nil || rule.step == failure.step)
            && (rule.type == nil || rule.type?.rawValue == failure.errorType)
            && (rule.notType == nil || rule.notType?.rawValue != failure.errorType)
    }
}
