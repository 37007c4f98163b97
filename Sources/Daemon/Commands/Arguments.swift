import Model

/// An option of a verb: what the help prints and the parser knows.
struct Option: Equatable, Sendable {
    /// With its dashes: `--reason`.
    let name: String
    /// What its value is called: `TEXT`; nil for a switch.
    let value: String?
    /// One line for the help.
    let help: String
    /// Whether it may be given several times.
    var repeats = false

    /// What stands in the help: `--reason TEXT`.
    var synopsis: String { value.map { "\(name) \($0)" } ?? name }
}

/// A word of a verb that is not an option.
struct Operand: Equatable, Sendable {
    /// What the help calls it: `GROUP`.
    let name: String
    var isOptional = false

    var synopsis: String { isOptional ? "[\(name)]" : name }
}

/// A verb's words and options, checked against what the verb knows.
struct Arguments: Equatable {
    private(set) var operands: [String] = []
    private var values: [String: [String]] = [:]

    /// Sorts words: `--name value`, `--name=value`, switches, operands; after `--` everything is an operand.
    init(_ words: [String], operands known: [Operand], options: [Option]) throws(Failure) {
        var rest = words[...]
        var onlyOperands = false
        while let word = rest.popFirst() {
            if word == "--", !onlyOperands {
                onlyOperands = true
            } else if onlyOperands || !word.hasPrefix("-") || word == "-" {
                operands.append(word)
            } else {
                try take(word, from: &rest, options)
            }
        }
        let required = known.filter { !$0.isOptional }.count
        if operands.count < required {
            throw .usage("\(known[operands.count].name) is missing")
        }
        if operands.count > known.count {
            throw .usage("there is no place for '\(operands[known.count])'")
        }
    }

    private mutating func take(
        _ word: String, from rest: inout ArraySlice<String>, _ options: [Option]
    ) throws(Failure) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts[0]
        guard let option = options.first(where: { $0.name == name }) else {
            let nearest = nearestName(to: name, among: options.map(\.name))
            throw .usage("there is no option '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        if values[name] != nil, !option.repeats {
            throw .usage("'\(name)' is given twice")
        }
        guard let value = option.value else {
            guard parts.count == 1 else { throw .usage("'\(name)' takes no value") }
            values[name] = []
            return
        }
        if parts.count == 2 {
            values[name, default: []].append(parts[1])
        } else if let next = rest.first, !next.hasPrefix("--") {
            values[name, default: []].append(next)
            rest.removeFirst()
        } else {
            throw .usage("'\(name)' wants \(value)")
        }
    }

    /// The operand at that place, if it was given.
    func operand(_ index: Int) -> String? { index < operands.count ? operands[index] : nil }

    /// Whether the switch is set.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// The option's value.
    func value(_ name: String) -> String? { values[name]?.last }

    /// Each value of an option that repeats.
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The option's value as a whole number within bounds.
    func number<Number: FixedWidthInteger>(
        _ name: String, in bounds: ClosedRange<Number>
    ) throws(Failure) -> Number? {
        guard let text = value(name) else { return nil }
        guard let number = Number(text), bounds.contains(number) else {
            throw .usage("'\(name)' wants a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }

    /// The option's value as a duration.
    func duration(_ name: String) throws(Failure) -> Duration? {
        guard let text = value(name) else { return nil }
        guard let duration = Duration(text: text) else {
            throw .usage("'\(name)' wants a duration such as 30s, 15m or 2h")
        }
        return duration
    }
}
