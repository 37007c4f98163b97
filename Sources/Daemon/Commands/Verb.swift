/// One verb of the command line: what it is called, what it takes, what it does. Its help is made from the same words.
struct Verb: Sendable {
    /// Where the help lists it.
    enum Section: String, CaseIterable {
        case run = "Run"
        case look = "Look"
        case act = "Act"
        case other = "More"
    }

    let name: String
    /// Other words for it.
    var aliases: [String] = []
    let section: Section
    /// One line for the list of verbs.
    let summary: String
    /// Sentences for the help of this verb alone.
    var details = ""
    var operands: [Operand] = []
    var options: [Option] = []
    /// Whether it speaks to a gateway and so takes the options that say which.
    var isClient = false
    let run: @Sendable (Arguments, Surroundings) async throws(Failure) -> ExitCode

    /// All options, those of every client too.
    var allOptions: [Option] { options + (isClient ? AdminClient.options : []) + [Self.helpOption] }

    /// How it is written.
    var synopsis: String {
        (["penstock", name] + operands.map(\.synopsis) + options.map { "[\($0.synopsis)]" }).joined(separator: " ")
    }

    /// What `penstock help VERB` prints.
    var help: String {
        let width = allOptions.map(\.synopsis.count).max() ?? 0
        let lines = allOptions.map { option in
            "  " + option.synopsis + String(repeating: " ", count: width - option.synopsis.count + 2) + option.help
        }
        return "\(synopsis)\n\n\(summary)\n" + (details.isEmpty ? "" : "\n\(details)\n")
            + "\n\(lines.joined(separator: "\n"))\n"
    }

    private static let helpOption = Option(name: "--help", value: nil, help: "Print this")
}
