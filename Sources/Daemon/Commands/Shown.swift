import Engine
import FoundationEssentials
import Model

/// How values look to people.
enum Shown {
    /// A moment in UTC, to the second.
    static func moment(_ moment: Timestamp?) -> String? {
        moment.map { $0.text.prefix { $0 != "." } + "Z" }
    }

    /// A span of time by its two largest units.
    static func span(milliseconds: Int64) -> String {
        let milliseconds = max(0, milliseconds)
        let seconds = milliseconds / 1000
        switch seconds {
        case 0: return "\(milliseconds) ms"
        case ..<60: return "\(seconds).\(milliseconds / 100 % 10) s"
        case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: return "\(seconds / 86_400)d \(seconds / 3600 % 24)h"
        }
    }

    /// A number of bytes, rounded down to whole units.
    static func size(_ bytes: Int) -> String {
        var value = bytes
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 10_240 { return "\(value) \(unit)" }
            value /= 1024
        }
        return "\(value) TiB"
    }

    /// Whether failures are retried, and what is at hand for it.
    static func retries(_ state: RetryStateBody) -> String {
        let breakers = state.openBreakers.isEmpty ? "none" : state.openBreakers.joined(separator: ", ")
        return "\(state.mode.rawValue), budget \(state.budgetLeft) of \(state.budgetLimit) left, open breakers: "
            + breakers
    }

    /// Counts of statements in flight, in words; what is zero is left out.
    static func inFlight(_ counts: InFlightBody) -> String {
        let parts = [
            (counts.waiting, "waiting"), (counts.queued, "queued"), (counts.running, "running"),
            (counts.presumed, "presumed"),
        ]
        let shown = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return shown.isEmpty ? "none" : shown.joined(separator: ", ")
    }
}

extension Table.Cell {
    /// The health of a coordinator.
    init(_ health: CoordinatorHealth) {
        switch health {
        case .ready: self.init(health.rawValue, .good)
        case .unknown, .starting, .shuttingDown: self.init(health.rawValue, .attention)
        case .noWorkers, .down, .ejected: self.init(health.rawValue, .bad)
        }
    }

    /// A drain.
    init(_ drain: DrainState) {
        switch drain {
        case .none: self.init("-")
        case .draining, .unknown: self.init(drain.rawValue, .attention)
        case .done: self.init(drain.rawValue, .good)
        }
    }

    /// How a verdict's statement went on.
    init(_ outcome: RetryOutcome) {
        switch outcome {
        case .waiting, .retried: self.init(outcome.rawValue, .attention)
        case .finished: self.init(outcome.rawValue, .good)
        case .surfaced: self.init(outcome.rawValue)
        case .failed: self.init(outcome.rawValue, .bad)
        }
    }

    /// The state of a statement.
    init(_ state: StatementState) {
        switch state {
        case .waiting: self.init(state.rawValue, .attention)
        case .queued, .running, .canceled, .abandoned: self.init(state.rawValue)
        case .finished: self.init(state.rawValue, .good)
        case .failed, .lost: self.init(state.rawValue, .bad)
        }
    }
}

extension Surroundings {
    /// Prints a table.
    func show(_ table: Table) {
        output(table.text(width: columns, isColoured: isColoured))
    }

    /// Prints a line.
    func show(_ line: String) {
        output(printable(line) + "\n")
    }

    /// Prints what a gateway answered, as it came.
    func show(json bytes: [UInt8]) {
        output(String(decoding: bytes, as: UTF8.self) + "\n")
    }

    /// Prints a body as JSON.
    func show(body: some Encodable) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(body) else {
            // Plain values that came as JSON are written as JSON.
            throw Failure(code: .refused, message: "the answer cannot be written as JSON")
        }
        show(json: Array(data))
    }
}
