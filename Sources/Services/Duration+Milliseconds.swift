extension Duration {
    /// The duration in whole milliseconds, as clocks and machines count; what is shorter than one counts as none.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
