import Engine
import Wire

extension SettingsCodec {
    /// One of some words.
    static func words(_ words: [(word: String, value: Value)]) -> Self where Value: Equatable {
        let names = words.map(\.word)
        let list = names.map { "`\($0)`" }.joined(separator: ", ")
        return Self(
            parse: { (value) throws(SettingsRefusal) in
                guard case .text(let text) = value else {
                    throw SettingsRefusal("is none of \(list)", suggestion: "write one of these words")
                }
                if let word = words.first(where: { $0.word == text }) { return word.value }
                let near = nearestName(to: text, among: names)
                throw SettingsRefusal(
                    "is none of \(list)",
                    suggestion: near.map { "did you mean `\($0)`?" } ?? "write one of these words")
            },
            print: { value in .text(words.first { $0.value == value }?.word ?? "") })
    }

    /// One of the cases of an enum, by its raw value.
    static func word() -> Self where Value: RawRepresentable & CaseIterable & Equatable, Value.RawValue == String {
        words(Value.allCases.map { ($0.rawValue, $0) })
    }
}

extension SettingsCodec where Value == Dialect {
    static let dialect = words([("trino", .trino), ("presto", .presto)])
}

extension SettingsCodec where Value == LogLevel {
    static let level = words([("debug", .debug), ("info", .info), ("warning", .warning), ("error", .error)])
}

extension SettingsCodec where Value == Set<PoolTakes> {
    /// A list of words; one word may stand without its list, and `nothing` is the empty list.
    static let takes = SettingsCodec<Set<PoolTakes>>(
        parse: { (value) throws(SettingsRefusal) in
            let texts: [String]
            switch value {
            case .list(let list): texts = list
            case .text("nothing"), .null: texts = []
            case .text(let text): texts = [text]
            case .pairs: throw SettingsRefusal("is not a list", suggestion: "write a list, like `[pinned]`")
            }
            var takes: Set<PoolTakes> = []
            for text in texts { takes.insert(try SettingsCodec<PoolTakes>.word().parse(.text(text))) }
            return takes
        },
        print: { takes in .list(PoolTakes.allCases.filter(takes.contains).map(\.rawValue)) })
}

extension SettingsCodec where Value == [SelectorHeader] {
    /// Names of headers with patterns.
    static let headers = Self(
        parse: { (value) throws(SettingsRefusal) in
            guard case .pairs(let pairs) = value else {
                throw SettingsRefusal(
                    "is not a set of headers", suggestion: "write like `{ X-Trino-Routing-Group: etl }`")
            }
            for pair in pairs {
                guard !pair.name.isEmpty,
                    pair.name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
                else {
                    throw SettingsRefusal("has a name that no header has", suggestion: "write the header's name")
                }
                _ = try SettingsCodec<String>.pattern.parse(.text(pair.text))
            }
            return pairs.map { SelectorHeader(name: $0.name, pattern: $0.text) }
        },
        print: { .pairs($0.map { SettingsPair(name: $0.name, text: $0.pattern) }) })
}

/// The name that was probably meant: the one with the fewest letters changed, added, left out or swapped, if these
/// are few for its length, or else the one that the text is the beginning of.
public func nearestName(to text: String, among names: [String]) -> String? {
    let wanted = Array(text.lowercased().prefix(64))
    let near = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased()))) }
        .min { $0.distance < $1.distance }
    if let near, near.distance <= min(near.name.count, wanted.count) / 3 + 1 { return near.name }
    return wanted.count < 3 ? nil : names.first { $0.hasPrefix(String(wanted)) }
}

/// Damerau and Levenshtein's distance, neighbours swapped at most once.
private func distance(_ left: [Character], _ right: [Character]) -> Int {
    var before: [Int] = []
    var previous = Array(0...right.count)
    for (row, character) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var best = min(
                previous[column + 1] + 1, current[column] + 1, previous[column] + (character == other ? 0 : 1))
            if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
                best = min(best, before[column - 1] + 1)
            }
            current.append(best)
        }
        before = previous
        previous = current
    }
    return previous[right.count]
}
