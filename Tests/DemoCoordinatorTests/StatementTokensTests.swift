import Testing

@testable import DemoCoordinator

@Suite struct StatementTokensTests {
    @Test func queuedTokensAreTheLastOrTheNext() {
        var tokens = StatementTokens()
        let answered = [1, 1, 2, 1, 4, 3].map { tokens.onQueued($0) }
        #expect(answered == [true, true, true, false, false, true])
    }

    @Test func theNewestPageIsReadAgainAndOlderOnesAreGone() {
        var tokens = StatementTokens()
        #expect(tokens.onExecuting(0) == .next)
        #expect(tokens.onExecuting(1) == .broken("Expected token to equal next token"))
        tokens.onServed(0, hasNext: true)
        #expect(tokens.onExecuting(0) == .again)
        #expect(tokens.onExecuting(1) == .next)
        tokens.onServed(1, hasNext: true)
        #expect(tokens.onExecuting(0) == .gone)
        #expect(tokens.onExecuting(1) == .again)
        #expect(tokens.onExecuting(2) == .next)
        #expect(tokens.onExecuting(3) == .unknown)
    }

    @Test func nothingComesAfterTheLastPage() {
        var tokens = StatementTokens()
        tokens.onServed(0, hasNext: true)
        tokens.onServed(1, hasNext: false)
        #expect(tokens.onExecuting(1) == .again)
        #expect(tokens.onExecuting(0) == .gone)
        #expect(tokens.onExecuting(2) == .unknown)
    }

    @Test func aDeleteDropsTheNewestPage() {
        var tokens = StatementTokens()
        tokens.onServed(0, hasNext: true)
        tokens.onDelete()
        #expect(tokens.onExecuting(0) == .broken("Expected token to equal next token"))
        #expect(tokens.onExecuting(1) == .next)
        tokens.onServed(1, hasNext: false)
        #expect(tokens.onExecuting(1) == .again)
        tokens.onDelete()
        #expect(tokens.onExecuting(1) == .broken("Cannot generate next result when next token is not present"))
    }

    @Test func slugsDifferFromTokenToTokenAndFromContextToContext() {
        var generator = SystemRandomNumberGenerator()
        let slugs = Slugs(using: &generator)
        let all = (0..<100).flatMap { [slugs.slug(.queued, $0), slugs.slug(.executing, $0)] }
        #expect(Set(all).count == 200)
        #expect(all.allSatisfy { $0.count == 41 && $0.hasPrefix("y") && $0.dropFirst().allSatisfy(\.isHexDigit) })
        #expect(slugs.slug(.queued, 7) == slugs.slug(.queued, 7))
    }

    @Test func idsCountUpAndBeginAnewEachDay() {
        var generator = SystemRandomNumberGenerator()
        var ids = QueryIDs(using: &generator)
        let evening = CivilTime(milliseconds: 1_795_229_886_000)
        #expect(evening.stamp == "20261121_025806")
        #expect(evening.httpDate == "Sat, 21 Nov 2026 02:58:06 GMT")
        let tomorrow = CivilTime(milliseconds: 1_795_229_886_000 + 86_400_000)
        let made = [evening, evening, tomorrow].map { ids.next(at: $0) }
        #expect(
            made
                == ["20261121_025806_00000_", "20261121_025806_00001_", "20261122_025806_00000_"].map {
                    $0 + ids.incarnation
                })
        #expect(CivilTime(milliseconds: -1).timestamp == "1969-12-31 23:59:59.999")
        #expect(CivilTime(milliseconds: 951_782_400_000).date == "2000-02-29")
    }
}
