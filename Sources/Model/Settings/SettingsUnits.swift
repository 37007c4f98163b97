/// Durations and sizes as the settings write them: one whole number with one unit.
enum SettingsUnits {
    /// Milliseconds of each unit of time, the largest first.
    private static let times: [(unit: String, milliseconds: Int)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    /// Bytes of each unit of size, the largest first.
    private static let sizes: [(unit: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]

    /// Reads `250ms`, `30s`, `15m`, `2h` or `30d`; nil for anything else and for what does not fit.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text), let time = times.first(where: { $0.unit == unit }) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: time.milliseconds)
        return overflow ? nil : .milliseconds(product)
    }

    /// Reads `64KiB`, `1MiB`, `1GiB`, `1TiB` or a plain number of bytes; nil for anything else and for what does not
    /// fit.
    static func size(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        if unit.isEmpty { return number }
        guard let size = sizes.first(where: { $0.unit == unit }) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: size.bytes)
        return overflow ? nil : product
    }

    /// The shortest text for whole milliseconds.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        guard milliseconds != 0 else { return "0s" }
        let time = times.first { milliseconds % $0.milliseconds == 0 }
        return "\(milliseconds / (time?.milliseconds ?? 1))\(time?.unit ?? "ms")"
    }

    /// The shortest text for a number of bytes.
    static func text(size: Int) -> String {
        guard size != 0, let unit = sizes.first(where: { size % $0.bytes == 0 }) else { return "\(size)" }
        return "\(size / unit.bytes)\(unit.unit)"
    }

    /// What was probably meant by a duration that is none: `10`, `10 s`, `10sec`, `1.5m`; nil where nothing is near.
    static func nearestDuration(_ text: String) -> String? {
        guard let (number, unit) = split(text.filter { $0 != " " }.lowercased()) else { return nil }
        if unit.isEmpty { return "\(number)s" }
        let words = ["ms": "ms", "s": "s", "m": "m", "h": "h", "d": "d"]
        let long = ["millis": "ms", "sec": "s", "min": "m", "hour": "h", "hr": "h", "day": "d"]
        if let short = words[unit] ?? long.first(where: { unit.hasPrefix($0.key) })?.value {
            return "\(number)\(short)"
        }
        return nil
    }

    /// What was probably meant by a size that is none: `64MB`, `64 mib`, `64k`; nil where nothing is near.
    static func nearestSize(_ text: String) -> String? {
        guard let (number, unit) = split(text.filter { $0 != " " }.lowercased()) else { return nil }
        if unit == "b" || unit == "bytes" { return "\(number)" }
        guard let size = sizes.first(where: { unit.first == $0.unit.lowercased().first }) else { return nil }
        return "\(number)\(size.unit)"
    }

    /// Takes `<digits><letters>` apart.
    private static func split(_ text: String) -> (number: Int, unit: String)? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard let number = Int(Substring(digits)) else { return nil }
        return (number, String(text[digits.endIndex...]))
    }
}
