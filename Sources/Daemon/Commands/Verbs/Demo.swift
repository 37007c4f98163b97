extension Verb {
    /// A gateway, embedded coordinators and a story.
    static let demo = Verb(
        name: "demo", section: .run,
        summary: "Play a short story: a gateway, coordinators, flips and failures under load",
        details: "Everything runs in this process, on free ports and in a temporary state directory. At the end\n"
            + "tables tell what happened and what was retried; the exit code is 1 if a statement failed, or if a\n"
            + "row was lost or written twice.",
        options: [Option(name: "--keep", value: nil, help: "Stay up after the story, until Ctrl-C")]
    ) { (arguments, surroundings) throws(Failure) in
        guard try await DemoStory(surroundings).play(keep: arguments.has("--keep")) else {
            throw Failure(code: .refused, message: "not all went well in the demo")
        }
        return .done
    }
}
