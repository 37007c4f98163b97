extension Duration {
    /// Reads `250ms`, `30s`, `15m`, `2h` or `30d`; nil for anything else.
    public init?(text: String) {
        guard let duration = SettingsUnits.duration(text) else { return nil }
        self = duration
    }

    /// Whole milliseconds; what is beyond them is cut.
    public var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
