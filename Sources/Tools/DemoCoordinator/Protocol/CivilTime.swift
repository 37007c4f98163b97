/// A moment in UTC, in the parts that the protocol writes.
struct CivilTime: Equatable {
    let year, month, day, hour, minute, second, millisecond: Int
    /// 0 is Sunday.
    let weekday: Int

    /// The moment so many milliseconds after the beginning of 1970. Days are counted from March on, in eras of 400
    /// years, so that the leap day is the last of its year (the well-known `civil_from_days`).
    init(milliseconds: Int64) {
        let seconds = Int(milliseconds.floorDivided(by: 1000))
        millisecond = Int(milliseconds - Int64(seconds) * 1000)
        let days = Int(Int64(seconds).floorDivided(by: 86_400))
        let rest = seconds - days * 86_400
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = Int((Int64(days) + 4).floorModulo(7))
        let shifted = days + 719_468
        let era = Int(Int64(shifted).floorDivided(by: 146_097))
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `20261121_025806`, as query ids begin.
    var stamp: String {
        padded(year, 4) + padded(month, 2) + padded(day, 2) + "_" + padded(hour, 2) + padded(minute, 2)
            + padded(second, 2)
    }

    /// `Sat, 21 Nov 2026 02:58:06 GMT`, as HTTP's Date.
    var httpDate: String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(days[weekday]), \(padded(day, 2)) \(months[month - 1]) \(padded(year, 4)) "
            + "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2)) GMT"
    }

    /// `2026-11-21T02:58:06.123Z`.
    var rfc3339: String { date + "T" + time + "Z" }

    /// `2026-11-21 02:58:06.123`, as SQL's timestamps are written.
    var timestamp: String { date + " " + time }

    /// `2026-11-21`.
    var date: String { padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) }

    private var time: String {
        padded(hour, 2) + ":" + padded(minute, 2) + ":" + padded(second, 2) + "." + padded(millisecond, 3)
    }
}

/// A number with zeros before it.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    fileprivate func floorModulo(_ divisor: Int64) -> Int64 { self - floorDivided(by: divisor) * divisor }
}
