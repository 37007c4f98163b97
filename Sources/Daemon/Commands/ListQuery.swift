import Engine
import Model

/// The options of lists as the API has them.
enum ListQuery {
    typealias Query = [(name: String, value: String)]

    /// What the help says of TIME.
    static let timeHelp = "TIME is RFC 3339 (2026-01-31T08:30:00Z) or a duration before now (15m)."

    /// The words of a kind, for the help.
    static func list<Word: CaseIterable & RawRepresentable<String>>(_ type: Word.Type) -> String {
        Word.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// `--limit` and `--cursor`.
    static func query(_ arguments: Arguments) throws(Failure) -> Query {
        var query: Query = []
        if let limit = try arguments.number("--limit", in: 1...1000) { query.append(("limit", String(limit))) }
        if let cursor = arguments.value("--cursor") { query.append(("cursor", cursor)) }
        return query
    }

    /// Options whose values the gateway takes as they are.
    static func add(_ names: [String], _ arguments: Arguments, to query: inout Query) {
        for name in names { query += arguments.all("--\(name)").map { (name, $0) } }
    }

    /// An option that takes some words only, several of them, or with commas.
    static func add<Word: CaseIterable & RawRepresentable<String>>(
        words name: String, as type: Word.Type, _ arguments: Arguments, to query: inout Query
    ) throws(Failure) {
        for word in arguments.all("--\(name)").flatMap({ $0.split(separator: ",").map(String.init) }) {
            guard Word(rawValue: word) != nil else {
                let known = Word.allCases.map(\.rawValue)
                let nearest = nearestName(to: word, among: known) ?? known.joined(separator: ", ")
                throw .usage("there is no \(name) '\(word)'; did you mean \(nearest)?")
            }
            query.append((name, word))
        }
    }

    /// Options that take a moment, or how long ago it was.
    static func add(
        moments names: [String], _ arguments: Arguments, now: Timestamp, to query: inout Query
    ) throws(Failure) {
        for name in names {
            guard let value = arguments.value("--\(name)") else { continue }
            if let ago = Duration(text: value) {
                query.append((name, now.adding(milliseconds: -ago.wholeMilliseconds).text))
            } else if let moment = Timestamp(text: value) {
                query.append((name, moment.text))
            } else {
                throw .usage("'--\(name)' wants a time such as 2026-01-31T08:30:00Z, or a duration such as 15m")
            }
        }
    }
}
