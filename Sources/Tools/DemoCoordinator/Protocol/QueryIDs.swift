/// Makes the ids of one incarnation: `yyyyMMdd_HHmmss_NNNNN_ccccc`. The suffix is drawn at each start, the number
/// begins at 0 and once more at midnight.
struct QueryIDs {
    /// The suffix that all ids of this incarnation share; `coordinatorId` in /v1/info.
    let incarnation: String
    private var number = 0
    private var day = ""

    /// 32 characters that are not mistaken for one another.
    private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")

    init(using generator: inout some RandomNumberGenerator) {
        incarnation = String((0..<5).map { _ in Self.alphabet[Int.random(in: 0..<32, using: &generator)] })
    }

    /// The next id.
    mutating func next(at time: CivilTime) -> String {
        if time.date != day {
            day = time.date
            number = 0
        }
        defer { number += 1 }
        return "\(time.stamp)_\(padded(number, 5))_\(incarnation)"
    }
}
