import Engine
import Files
import Model
import Synchronization

/// The log: lines that are grave enough go to one descriptor, in the order in which they were written.
///
/// Whoever writes a line waits until it is handed over, but not for a reader that has stopped: after 100 ms in which
/// nothing was taken, lines are dropped until the reader goes on, and then one line says how many.
public final class LogWriter: Log {
    private struct State {
        var level: LogLevel
        var format: LineFormat
        var isStuck = false
        /// What is left of a line of which the reader took only a part.
        var rest: [UInt8] = []
        var dropped = 0
    }

    private let put: @Sendable (_ bytes: [UInt8], _ waitingMilliseconds: Int32) -> Int
    private let now: @Sendable () -> Timestamp
    /// Whether and in colour a person reads it.
    private let terminal: (isOne: Bool, isColoured: Bool)
    private let state: Mutex<State>

    /// A log as the settings want it.
    ///
    /// - Parameters:
    ///   - settings: level and format; `auto` is text on a terminal and JSON otherwise.
    ///   - output: where it goes, as a rule standard error.
    ///   - environment: NO_COLOR in it forbids colour.
    ///   - now: the wall clock.
    public convenience init(
        _ settings: LogSettings, output: OutputDescriptor, environment: [String: String],
        now: @escaping @Sendable () -> Timestamp
    ) {
        let noColour = environment["NO_COLOR"] ?? ""
        self.init(settings, isTerminal: output.isTerminal, isColoured: noColour.isEmpty, now: now) {
            output.put($0, waitingMilliseconds: $1)
        }
    }

    init(
        _ settings: LogSettings, isTerminal: Bool, isColoured: Bool, now: @escaping @Sendable () -> Timestamp,
        put: @escaping @Sendable (_ bytes: [UInt8], _ waitingMilliseconds: Int32) -> Int
    ) {
        terminal = (isTerminal, isTerminal && isColoured)
        self.now = now
        self.put = put
        state = Mutex(State(level: settings.level, format: Self.format(settings.format, terminal)))
    }

    /// From now on lines are as these settings want them.
    public func apply(_ settings: LogSettings) {
        state.withLock { state in
            state.level = settings.level
            state.format = Self.format(settings.format, terminal)
        }
    }

    /// Writes one line, if its level is asked for.
    public func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField]) {
        put(level, lines: 1) { format, at in
            format.bytes(of: LogLine(at: at, level: level, message: "\(message)", fields: fields), time: at.text)
        }
    }

    /// Writes the one line of each of these finished statements, if that level is asked for.
    public func write(finished drafts: [RecordDraft]) {
        guard !drafts.isEmpty else { return }
        put(.info, lines: drafts.count) { format, at in
            var lines = FinishedLines(format, at: at)
            lines.put(drafts)
            return lines.bytes
        }
    }

    /// Hands so many lines of one moment over.
    private func put(_ level: LogLevel, lines: Int, _ spell: (LineFormat, Timestamp) -> [UInt8]) {
        state.withLock { state in
            guard level.rawValue >= state.level.rawValue else { return }
            guard flush(&state) else {
                state.dropped += lines
                return
            }
            let at = now()
            if state.dropped > 0 {
                let loss = LogLine(
                    at: at, level: .warning, message: "log lines dropped",
                    fields: [LogField("lines", String(state.dropped))])
                state.dropped = 0
                state.rest = state.format.bytes(of: loss, time: at.text)
            }
            state.rest += spell(state.format, at)
            _ = flush(&state)
        }
    }

    /// Whether lines of this level are asked for.
    public func writes(_ level: LogLevel) -> Bool { state.withLock { level.rawValue >= $0.level.rawValue } }

    /// Hands over what is left; false if something stays. A line is never cut: its rest goes before any other line.
    private func flush(_ state: inout State) -> Bool {
        guard !state.rest.isEmpty else { return true }
        let taken = put(state.rest, state.isStuck ? 0 : 100)
        state.rest.removeFirst(taken)
        state.isStuck = !state.rest.isEmpty
        return !state.isStuck
    }

    private static func format(_ format: LogFormat, _ terminal: (isOne: Bool, isColoured: Bool)) -> LineFormat {
        switch format {
        case .text: .text(isColoured: terminal.isColoured)
        case .json: .json
        case .auto: terminal.isOne ? .text(isColoured: terminal.isColoured) : .json
        }
    }
}
