import Engine
import Testing

/// How long each profile waits.
@Suite struct WaitProfileTests {
    @Test(arguments: [
        (WaitProfile.now, [250, 250, 250]), (.short, [1_000, 2_000, 4_000]), (.medium, [10_000, 20_000, 40_000]),
        (.long, [30_000, 60_000, 120_000]), (.repoll, [100, 200, 300]), (.retryAfter, [100, 200, 300]),
        (.retryAfterElseShort, [1_000, 2_000, 4_000]),
    ])
    func growsFromRetryToRetry(profile: WaitProfile, most: [Int]) {
        for (index, milliseconds) in most.enumerated() {
            #expect(profile.delay(before: index + 1, jitter: 1) == .milliseconds(milliseconds))
            #expect(profile.delay(before: index + 1, jitter: 0.5) == .milliseconds(milliseconds) / 2)
            #expect(profile.delay(before: index + 1, jitter: 0) == .zero)
        }
    }

    @Test(arguments: [
        (WaitProfile.now, 250), (.short, 30_000), (.medium, 60_000), (.long, 300_000), (.repoll, 5_000),
    ])
    func hasItsEnd(profile: WaitProfile, most: Int) {
        for retry in [60, 1_000, Int.max] {
            #expect(profile.delay(before: retry, jitter: 1) == .milliseconds(most))
        }
        #expect(profile.delay(before: -1, jitter: 7) <= .milliseconds(most))
    }

    @Test func aRetryAfterIsKeptAndBounded() {
        for profile in [WaitProfile.retryAfter, .retryAfterElseShort] {
            #expect(profile.delay(before: 1, retryAfter: .seconds(7), jitter: 0) == .seconds(7))
            #expect(profile.delay(before: 9, retryAfter: .seconds(7), jitter: 1) == .milliseconds(7_250))
            #expect(profile.delay(before: 1, retryAfter: .seconds(86_400), jitter: 0) == WaitProfile.longestRetryAfter)
            #expect(profile.delay(before: 1, retryAfter: .seconds(-1), jitter: 0) == .zero)
        }
        #expect(WaitProfile.medium.delay(before: 1, retryAfter: .seconds(7), jitter: 1) == .seconds(10))
    }
}
