import Model

/// Every verb, in the order of the help. A new verb is a file in Verbs and a word here.
enum VerbTable {
    static let verbs: [Verb] = [
        .serve, .demo, .check, .coordinator,
        .status, .groups, .pools, .coordinators, .flips, .statements, .statement, .retries, .rules,
        .explain,
        .flip, .rollback, .drain, .undrain, .add, .remove, .reload,
        .help,
    ]

    /// The verb of that name or alias.
    static func verb(_ word: String) throws(Failure) -> Verb {
        if let verb = verbs.first(where: { $0.name == word || $0.aliases.contains(word) }) { return verb }
        let nearest = nearestName(to: word, among: verbs.flatMap { [$0.name] + $0.aliases })
        throw .usage(
            "there is no verb '\(word)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
                + "\n'penstock help' lists them all")
    }

    /// What `penstock help` prints.
    static var help: String {
        var text = "Penstock, a gateway for Trino and Presto clusters.\n"
        let width = verbs.map { $0.listed.count }.max() ?? 0
        for section in Verb.Section.allCases {
            text += "\n\(section.rawValue)\n"
            for verb in verbs where verb.section == section {
                text += "  " + verb.listed + String(repeating: " ", count: width - verb.listed.count + 2)
                text += verb.summary + "\n"
            }
        }
        return text + """

            'penstock help VERB' tells all about one. Verbs that speak to a gateway take --url (or PENSTOCK_URL; default
            \(AdminClient.defaultURL)), --token-file (or the token in PENSTOCK_TOKEN), and --json for machines.
            Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no gateway there, 4 --wait ran out of time.

            """
    }
}

extension Verb {
    /// How the list of verbs shows it.
    fileprivate var listed: String { ([name] + operands.map(\.synopsis)).joined(separator: " ") }

    /// Prints the help of all verbs or of one.
    static let help = Verb(
        name: "help", section: .other, summary: "Print the verbs, or all about one",
        operands: [Operand(name: "VERB", isOptional: true)]
    ) { (arguments, surroundings) throws(Failure) in
        guard let word = arguments.operand(0) else {
            surroundings.output(VerbTable.help)
            return .done
        }
        surroundings.output(try VerbTable.verb(word).help)
        return .done
    }
}
