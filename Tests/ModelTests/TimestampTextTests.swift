import Engine
import Model
import Testing

@Suite("Times as text")
struct TimestampTextTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func momentsAreWrittenAndReadBack(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
        #expect(Timestamp(text: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test func everyDayOfFourCenturiesComesBack() {
        for day in stride(from: Int64(-40_000), through: 110_000, by: 1) {
            let moment = Timestamp(milliseconds: day * 86_400_000 + 12_345)
            #expect(Timestamp(text: moment.text) == moment)
        }
    }

    @Test(arguments: [
        ("2026-01-01T02:00:00+02:00", 1_767_225_600_000), ("2025-12-31T23:30:00-00:30", 1_767_225_600_000),
        ("2026-01-01t00:00:00z", 1_767_225_600_000), ("2026-01-01 00:00:00.1234567Z", 1_767_225_600_123),
        ("2026-01-01T00:00:00.5Z", 1_767_225_600_500),
    ])
    func offsetsAndFractionsAreRead(text: String, milliseconds: Int64) {
        #expect(Timestamp(text: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-00-10T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z ",
        "2026-01-01T00:00:00+24:00", "26-01-01T00:00:00Z", "yesterday",
    ])
    func whatIsNoTimeIsNone(text: String) {
        #expect(Timestamp(text: text) == nil)
    }
}
