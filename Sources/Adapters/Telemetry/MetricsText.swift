/// Prometheus' text format, version 0.0.4, built one metric after the other.
struct MetricsText {
    /// What has been written.
    private(set) var text = ""

    /// What a metric does.
    enum Kind: String {
        /// Only ever rises.
        case counter
        /// Goes up and down.
        case gauge
    }

    /// A value under its labels.
    struct Sample {
        let labels: [(name: String, value: String)]
        let value: String

        init(_ value: some BinaryInteger, _ labels: (name: String, value: String)...) {
            self.value = String(value)
            self.labels = labels
        }

        init(_ isTrue: Bool, _ labels: (name: String, value: String)...) {
            value = isTrue ? "1" : "0"
            self.labels = labels
        }

        init(seconds milliseconds: Int64, _ labels: (name: String, value: String)...) {
            value = "\(Double(milliseconds) / 1000)"
            self.labels = labels
        }

        /// Whether it stands before another, by the values of the labels.
        static func isBefore(_ left: Sample, _ right: Sample) -> Bool {
            left.labels.lazy.map(\.value).lexicographicallyPrecedes(right.labels.lazy.map(\.value))
        }
    }

    /// Appends a metric with its samples; one without samples is left out.
    ///
    /// - Parameters:
    ///   - name: without the prefix `penstock_`, which all metrics have.
    ///   - help: one line.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP penstock_\(name) \(help)\n# TYPE penstock_\(name) \(kind.rawValue)\n"
        for sample in samples {
            text += "penstock_\(name)"
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            if !labels.isEmpty { text += "{" + labels.joined(separator: ",") + "}" }
            text += " \(sample.value)\n"
        }
    }

    /// Appends a metric that has one sample without labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        add(name, kind, help, [Sample(value)])
    }

    /// A label's value as the format wants it.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
