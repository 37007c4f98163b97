import DemoCoordinator
import FoundationEssentials
import Gateway
import Glibc
import Model
import Network

extension Verb {
    /// One embedded coordinator by itself.
    static let coordinator = Verb(
        name: "coordinator", section: .run, summary: "Run one embedded coordinator by itself",
        details:
            "It speaks the statement protocol as Trino does (or Presto, by its script) and runs SQL through SQLite;\n"
            + "its catalogs are tpch (sample data) and memory (takes writes). Prints 'listening HOST:PORT' once it accepts; port 0 picks a free one.\n"
            + "PUT /-/faults takes another script, GET /-/log tells what came.",
        options: [
            Option(name: "--port", value: "N", help: "The port of 127.0.0.1 that it listens on"),
            Option(name: "--name", value: "NAME", help: "What it calls itself (blue-1)"),
            Option(name: "--faults", value: "FILE", help: "A script, in JSON, of what goes wrong"),
            Option(name: "--data", value: "FILE", help: "Keep the tables in this file, which several may share"),
        ]
    ) { (arguments, surroundings) throws(Failure) in
        guard let text = arguments.value("--port") else { throw .usage("--port is missing") }
        guard let port = UInt16(text), let address = SocketAddress(ip: "127.0.0.1", port: port) else {
            throw .usage("--port wants a number from 0 to 65535, not '\(text)'")
        }
        ignoreBrokenPipes()
        // A script that lets it die means it: as by SIGKILL, without a last word.
        let coordinator = DemoCoordinator(
            name: arguments.value("--name") ?? "blue-1", address: address,
            faults: try faults(arguments.value("--faults")), data: arguments.value("--data"),
            onDeath: { _ = kill(getpid(), SIGKILL) })
        do {
            let signals = try Signals()
            surroundings.output("listening \(try await coordinator.start())\n")
            for await request in signals.requests where request == .stop { break }
            signals.stop()
            await coordinator.stop()
        } catch {
            throw Failure(code: .refused, message: "the coordinator cannot start: \(error)")
        }
        return .done
    }

    private static func faults(_ path: String?) throws(Failure) -> FaultScript {
        guard let path else { return FaultScript() }
        guard let content = FileManager.default.contents(atPath: path) else {
            throw Failure(code: .refused, message: "\(path) cannot be read")
        }
        do {
            return try FaultScript(json: Array(content))
        } catch {
            throw Failure(code: .refused, message: "\(path) is no script of faults: \(error)")
        }
    }
}
