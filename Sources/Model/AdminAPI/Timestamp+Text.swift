import Engine

extension Timestamp: Codable {
    /// Reads RFC 3339 text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let moment = Timestamp(text: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is no RFC 3339 time such as 2026-01-31T08:30:00.000Z")
        }
        self = moment
    }

    /// Writes RFC 3339 text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Timestamp {
    /// The moment as RFC 3339 in UTC with milliseconds: `2026-01-31T08:30:00.000Z`.
    public var text: String {
        let day = milliseconds.flooredQuotient(by: 86_400_000)
        let inDay = milliseconds - day * 86_400_000
        let (year, month, date) = Self.civil(day: day)
        let seconds = inDay / 1000
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(date, 2))T\(digits(seconds / 3600, 2)):"
            + "\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2)).\(digits(inDay % 1000, 3))Z"
    }

    /// Reads RFC 3339: date and time with `Z` or an offset, with or without a fraction (digits after the third do not
    /// count); nil for anything else.
    public init?(text: String) {
        var reader = DigitReader(bytes: Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let date = reader.number(2), reader.take("Tt "), let hour = reader.number(2), reader.take(":"),
            let minute = reader.number(2), reader.take(":"), let second = reader.number(2),
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(date), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var fraction: Int64 = 0
        if reader.take(".") {
            guard let read = reader.fraction() else { return nil }
            fraction = read
        }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        let minutes = (Self.day(year: year, month: month, date: date) * 24 + hour) * 60 + minute - offset
        self.init(milliseconds: (minutes * 60 + second) * 1000 + fraction)
    }

    /// Days since 1970-01-01 in the Gregorian calendar. A year is counted from March, so that the leap day is its last.
    private static func day(year: Int64, month: Int64, date: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.flooredQuotient(by: 400)
        let ofEra = year - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    /// The date of a day since 1970-01-01; undoes `day(year:month:date:)`.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let shifted = day + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let index = (5 * ofYear + 2) / 153
        let month = index < 10 ? index + 3 : index - 9
        return (year + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * index + 2) / 5 + 1)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private func digits(_ value: Int64, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

/// Reads the parts of an RFC 3339 time.
private struct DigitReader {
    let bytes: [UInt8]
    var at = 0

    var isAtEnd: Bool { at == bytes.count }

    /// Exactly so many digits.
    mutating func number(_ count: Int) -> Int64? {
        guard at + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[at..<at + count] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        at += count
        return value
    }

    /// One of these characters.
    mutating func take(_ characters: String) -> Bool {
        guard at < bytes.count, characters.utf8.contains(bytes[at]) else { return false }
        at += 1
        return true
    }

    /// The digits after a decimal point, as milliseconds.
    mutating func fraction() -> Int64? {
        let start = at
        var milliseconds: Int64 = 0
        var weight: Int64 = 100
        while let digit = number(1) {
            milliseconds += digit * weight
            weight /= 10
        }
        return at > start ? milliseconds : nil
    }

    /// `Z` or `+hh:mm`, in minutes.
    mutating func offset() -> Int64? {
        if take("Zz") { return 0 }
        let sign: Int64 = at < bytes.count && bytes[at] == UInt8(ascii: "-") ? -1 : 1
        guard take("+-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else {
            return nil
        }
        return sign * (hours * 60 + minutes)
    }
}

extension Int64 {
    /// The quotient rounded down, also below zero.
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
