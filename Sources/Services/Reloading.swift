import Engine
import Model

/// Makes the settings that the source has now the ones in force, whole or not at all.
public final class Reloading: Sendable {
    private let source: any SettingsSource
    private let routing: Routing
    private let log: any Log
    private let takers: [@Sendable (Settings) -> Void]
    private let turns = Turns()

    /// A reloader.
    /// - Parameter takers: who else goes by settings that a reload may change; each takes them once they hold.
    public init(
        source: any SettingsSource, routing: Routing, log: any Log, takers: [@Sendable (Settings) -> Void]
    ) {
        self.source = source
        self.routing = routing
        self.log = log
        self.takers = takers
    }

    /// Loads, validates and applies.
    public func reload() async throws(AdminProblem) -> ReloadBody {
        do throws(AdminProblem) {
            let body = try await turns.take { () async throws(AdminProblem) in try await perform() }
            log.info(
                "settings reloaded", LogField("changed", "\(body.changed.count)"),
                LogField("differs", "\(body.differs.count)"))
            return body
        } catch {
            log.error("settings refused", LogField("problem", error.detail))
            for problem in error.problems {
                log.error(
                    "settings problem", LogField("file", problem.file ?? ""),
                    LogField("line", problem.line.map(String.init) ?? ""), LogField("path", problem.path),
                    LogField("problem", problem.message))
            }
            throw error
        }
    }

    private func perform() async throws(AdminProblem) -> ReloadBody {
        let new: Settings
        do throws(SettingsProblems) {
            new = try source.load()
        } catch {
            throw .invalidSettings(error.problems.map(SettingsProblemBody.init))
        }
        let changes = Settings.changes(from: routing.settings, to: new)
        let late = changes.filter(\.needsRestart)
        guard late.isEmpty else { throw .needsRestart(late) }
        let differences: [DifferenceBody]
        do throws(StorageProblem) {
            differences = try await routing.apply(new)
        } catch {
            throw .storeAway(error.text)
        }
        for taker in takers { taker(new) }
        return ReloadBody(
            changed: changes.map { ChangeBody(path: $0.path, from: $0.from, to: $0.to) }, differs: differences)
    }
}

extension SettingsProblemBody {
    fileprivate init(_ problem: SettingsProblem) {
        self.init(
            file: problem.file, path: problem.path, line: problem.line, message: problem.message,
            suggestion: problem.suggestion)
    }
}

extension AdminProblem {
    /// 422: keys that only a start applies.
    fileprivate static func needsRestart(_ changes: [SettingsChange]) -> AdminProblem {
        let problems = changes.map { change in
            SettingsProblemBody(
                path: change.path, line: nil,
                message: "only a start applies it; in force is \(change.from ?? "nothing")",
                suggestion: "restart the gateway, or take the change back")
        }
        let paths = changes.map(\.path).joined(separator: ", ")
        return AdminProblem(
            .needsRestart, detail: "Only a start applies \(paths); nothing was changed.", problems: problems)
    }
}
