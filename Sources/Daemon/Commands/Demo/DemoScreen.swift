import Model

/// Where the story is told: a line per event, and on a terminal one line below them that is painted anew.
final class DemoScreen: Sendable {
    private let output: @Sendable (String) -> Void
    private let isLive: Bool
    private let columns: Int
    private let clock: any Clock
    private let began: Int64
    private let status = Guarded("")

    init(_ surroundings: Surroundings) {
        output = surroundings.output
        isLive = surroundings.columns != nil
        columns = surroundings.columns ?? 120
        clock = surroundings.clock
        began = clock.monotonic()
    }

    /// Tells an event, with the seconds since the beginning.
    func tell(_ text: String) {
        let tenths = (clock.monotonic() - began) / 100
        let time = "\(tenths / 10).\(tenths % 10)s"
        let padded = String(repeating: " ", count: max(0, 6 - time.count)) + time
        write("\(padded)  \(text)\n")
    }

    /// Adds to what was told last.
    func add(_ text: String) { write(String(repeating: " ", count: 8) + text + "\n") }

    /// Prints lines as they are.
    func print(_ text: String) { write(text + "\n") }

    private func write(_ text: String) {
        guard isLive else { return output(text) }
        let line = status.withLock { $0 }
        output("\r\u{1B}[K" + text + line)
    }

    /// Paints the line of what runs where; nothing when the output is no terminal.
    func paint(_ text: String) {
        guard isLive else { return }
        let line = String(text.prefix(columns - 1))
        status.withLock { $0 = line }
        output("\r\u{1B}[K" + line)
    }

    /// Takes the painted line away.
    func clear() {
        guard isLive else { return }
        status.withLock { $0 = "" }
        output("\r\u{1B}[K")
    }
}
