extension Verb {
    /// A gateway, two coordinators and a story.
    static let demo = Verb(
        name: "demo", section: .run, summary: "Play a short story: a gateway, two coordinators, a flip under load",
        details: "Everything runs in this process, on free ports and in a temporary state directory. At the end a\n"
            + "table tells what happened; the exit code is 1 if a statement failed.",
        options: [Option(name: "--keep", value: nil, help: "Stay up after the story, until Ctrl-C")]
    ) { (arguments, surroundings) throws(Failure) in
        guard try await DemoStory(surroundings).play(keep: arguments.has("--keep")) else {
            throw Failure(code: .refused, message: "statements failed in the demo")
        }
        return .done
    }
}
