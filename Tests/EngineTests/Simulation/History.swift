@testable import Engine

/// A scenario and what happens in it. The same history always ends alike.
struct History: Equatable {
    var scenario: Scenario
    var steps: [Step]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        scenario = Scenario(using: &random)
        let theme = Step.Theme.allCases.randomElement(using: &random) ?? .anything
        steps = (0..<Int.random(in: 2...40, using: &random)).map { _ in Step(theme, using: &random) }
    }

    /// Runs it; the referee tells what went wrong.
    func run() -> Referee {
        let world = World(scenario)
        world.run(steps)
        return world.referee
    }

    /// The same in fewer steps and of a plainer scenario, as far as the same thing still goes wrong (delta debugging).
    func shrunk(to wrong: String) -> History {
        var best = self
        func fails(_ history: History) -> Bool { history.run().wrongs.contains(wrong) }
        var isShorter = true
        while isShorter {
            isShorter = false
            var size = max(1, best.steps.count / 2)
            while size >= 1 {
                var start = 0
                while start < best.steps.count {
                    var candidate = best
                    candidate.steps.removeSubrange(start..<min(start + size, candidate.steps.count))
                    if fails(candidate) {
                        best = candidate
                        isShorter = true
                    } else {
                        start += size
                    }
                }
                size /= 2
            }
            for simplify in Scenario.simplifications {
                var candidate = best
                simplify(&candidate.scenario)
                if candidate != best, fails(candidate) {
                    best = candidate
                    isShorter = true
                }
            }
        }
        return best
    }

    /// What happens, step by step.
    var story: String {
        let world = World(scenario, isTraced: true)
        world.run(steps)
        let lines = ["\(scenario.words):"] + (world.trace ?? []) + world.referee.wrongs.map { "WRONG: \($0)" }
        return Self.folded(lines).joined(separator: "\n")
    }

    /// The lines without what only repeats the lines before it.
    private static func folded(_ lines: [String]) -> [String] {
        var told: [String] = []
        var repeats = 0
        for line in lines {
            told.append(line)
            for length in 1...4
            where told.count >= 2 * length && told.suffix(length) == told.suffix(2 * length).prefix(length) {
                told.removeLast(length)
                repeats += 1
                break
            }
        }
        return repeats > 0 ? told + ["(what only repeated itself is told once)"] : told
    }
}
