import Testing

@testable import Engine

/// How many retries there may be, and when a rule's are stopped.
@Suite struct RetryBudgetTests {
    private let terms = RetryTerms()

    @Test func theFloorIsAllowedHoweverFewTheStatementsAre() {
        var budget = RetryBudget()
        #expect(budget.limit(terms, now: 0) == 10)
        let taken = (0..<12).map { _ in budget.take(terms, now: 1000) }
        #expect(taken == [Bool](repeating: true, count: 10) + [false, false])
        #expect(budget.left(terms, now: 1000) == 0)
    }

    @Test func aShareOfTheWindowsStatementsIsAllowed() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.onStatement(window: terms.budgetWindow, now: 5000) }
        #expect(budget.limit(terms, now: 5000) == 20)
        #expect(budget.limit(terms, now: 64_999) == 20)
        #expect(budget.limit(terms, now: 65_000) == 10)
    }

    @Test func whatWasTakenComesBackAfterTheWindow() {
        var budget = RetryBudget()
        for _ in 0..<10 { _ = budget.take(terms, now: 30_000) }
        #expect(budget.left(terms, now: 89_999) == 0)
        #expect(budget.left(terms, now: 90_000) == 10)
    }

    @Test func whatIsDelayedIsReleasedAtAPace() {
        var budget = RetryBudget()
        for _ in 0..<10 { _ = budget.take(terms, now: 0) }
        let released = [0, 50, 99, 100, 150, 200].map { budget.release(terms, now: $0) }
        #expect(released == [true, false, false, true, false, true])
        // Once there is some budget again, it is taken from there.
        let later = budget.release(terms, now: 60_000)
        #expect(later)
        #expect(budget.left(terms, now: 60_000) == 9)
    }

    @Test func aWindowOfAnyLengthIsCounted() {
        var short = RetryTerms()
        short.budgetWindow = 10
        short.budgetFloor = 1
        var budget = RetryBudget()
        let first = budget.take(short, now: 100)
        let second = budget.take(short, now: 100)
        let later = budget.take(short, now: 200)
        #expect((first, second, later) == (true, false, true))
    }

    // MARK: Breaker

    private func breaker(successes: Int, of count: Int) -> RetryBreaker {
        var breaker = RetryBreaker()
        for index in 0..<count { breaker.onResult("I05", succeeded: index < successes, now: 0) }
        return breaker
    }

    @Test func opensUnderThirtyPercentOfFifty() {
        #expect(!breaker(successes: 0, of: 49).isOpen("I05", now: 0))
        #expect(breaker(successes: 14, of: 50).isOpen("I05", now: 0))
        #expect(!breaker(successes: 15, of: 50).isOpen("I05", now: 0))
        #expect(!breaker(successes: 0, of: 50).isOpen("I04", now: 0))
        #expect(breaker(successes: 0, of: 50).open(now: 0) == ["I05"])
    }

    @Test func onlyTheNewestCount() {
        var breaker = breaker(successes: 50, of: 50)
        for _ in 0..<35 { breaker.onResult("I05", succeeded: false, now: 0) }
        #expect(!breaker.isOpen("I05", now: 0))
        breaker.onResult("I05", succeeded: false, now: 0)
        #expect(breaker.isOpen("I05", now: 0))
    }

    @Test func oneRetryPassesFromTimeToTimeAndMayCloseIt() {
        var breaker = breaker(successes: 14, of: 50)
        let passed = [0, 1, 9_999, 10_000, 10_001].map { breaker.allows("I05", now: $0) }
        #expect(passed == [true, false, false, true, false])
        for _ in 0..<40 { breaker.onResult("I05", succeeded: true, now: 20_000) }
        let isAllowed = breaker.allows("I05", now: 20_000)
        #expect(isAllowed)
    }

    @Test func itForgetsWhatIsLongAgo() {
        var breaker = breaker(successes: 0, of: 50)
        #expect(breaker.isOpen("I05", now: 599_999))
        #expect(!breaker.isOpen("I05", now: 600_000))
        breaker.onResult("I05", succeeded: false, now: 600_000)
        #expect(!breaker.isOpen("I05", now: 600_000))
    }
}
