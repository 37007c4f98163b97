import SQLite

extension QueryFailure {
    /// What SQLite says, in Trino's words. `text` is the client's statement, to find the place in it.
    init(_ error: SQLiteError, in text: String?) {
        let message = error.message
        if error.isInterrupted {
            self = .canceled
        } else if message.hasPrefix(Functions.divisionByZero) {
            self = .divisionByZero
        } else if let detail = message.rest(after: Functions.invalidCast + ": ") {
            self = .user("INVALID_CAST_ARGUMENT", 9, detail)
        } else if let detail = message.rest(after: Functions.failed + ": ") {
            self = .user("GENERIC_USER_ERROR", 0, detail)
        } else if let column = message.rest(after: "no such column: ") {
            self = .user(
                "COLUMN_NOT_FOUND", 47, "Column '\(column.lowercased())' cannot be resolved",
                at: place(of: column, in: text))
        } else if let function = message.rest(after: "no such function: ") {
            self = .user(
                "FUNCTION_NOT_FOUND", 6, "Function '\(function)' not registered", at: place(of: function, in: text))
        } else if let column = message.rest(after: "ambiguous column name: ") {
            self = .user("AMBIGUOUS_NAME", 62, "Column '\(column)' is ambiguous", at: place(of: column, in: text))
        } else if message.hasSuffix("syntax error"), message.hasPrefix("near \"") {
            let word = String(message.dropFirst(6).prefix { $0 != "\"" })
            self = .syntax("mismatched input '\(word)'. Expecting: <expression>", at: place(of: word, in: text))
        } else if message == "incomplete input" {
            self = .syntax("mismatched input '<EOF>'. Expecting: <expression>", at: place(of: "", in: text))
        } else if error.isConstraint {
            self = .user("CONSTRAINT_VIOLATION", 16, "NULL value not allowed for NOT NULL column: \(message)")
        } else if message.contains("values for") || message.contains("values were supplied") {
            self = .user("TYPE_MISMATCH", 58, "Insert query has mismatched column types: \(message)")
        } else if error.isBusy {
            self = .user("TRANSACTION_CONFLICT", 17, "Another transaction holds the table")
        } else if error.code == 1 {
            self = .user("GENERIC_USER_ERROR", 0, message)
        } else {
            self.init("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", 65_536, message)
        }
    }
}

/// Where a name or word stands in the client's text; its end if it is empty, its beginning if it is not found.
private func place(of name: String, in text: String?) -> QueryFailure.Location {
    let beginning = QueryFailure.Location(line: 1, column: 1)
    guard let text, let cut = try? StatementText(text) else { return beginning }
    if name.isEmpty { return cut.location(cut.tokens.count) }
    let last = name.split(separator: ".").last.map { $0.lowercased() } ?? name
    let index = cut.tokens.firstIndex { $0.name == last || $0.text == name }
    return index.map(cut.location) ?? beginning
}

extension String {
    fileprivate func rest(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
