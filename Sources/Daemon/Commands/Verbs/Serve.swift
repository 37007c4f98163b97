import Gateway

extension Verb {
    /// Runs a gateway.
    static let serve = Verb(
        name: "serve", section: .run, summary: "Run a gateway",
        details: "With neither option it starts on the defaults, knows no coordinator yet, and says how to add one. "
            + "Prints where it listens once it accepts. TERM and INT end it, HUP reads the settings again.",
        options: [
            Option(name: "--config", value: "FILE", help: "A settings file; what it leaves out has its default"),
            Option(
                name: "--set", value: "KEY=VALUE", help: "One setting, over the file's, like listen.port=9090",
                repeats: true),
        ]
    ) { (arguments, surroundings) throws(Failure) in
        for word in arguments.all("--set") where !word.contains("=") {
            throw .usage("'--set \(word)' has no '='; write it like --set listen.port=9090")
        }
        let options = ServeOptions(
            config: arguments.value("--config"), overrides: arguments.all("--set"))
        let code = await Gateway.serve(
            options, environment: surroundings.environment, output: surroundings.output, errors: surroundings.errors)
        return ExitCode(rawValue: code) ?? .refused
    }
}
