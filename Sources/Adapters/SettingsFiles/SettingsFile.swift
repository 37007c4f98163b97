import Model
import YAML

/// A source of settings: a YAML file (or none), then overrides from the command line, over the defaults.
///
/// The file may be partial. `${ENV:NAME}` and `${FILE:path}` in its values are replaced by what they name, a relative
/// path counts from the file's folder. Every load reads everything anew, the failure policy's file too.
public struct SettingsFile: SettingsSource {
    private let path: String?
    private let overrides: [String]
    private let environment: [String: String]

    /// Bytes of a settings file that are read; beyond it the file is refused.
    static let maximumBytes = 1 << 20

    /// A source.
    /// - Parameters:
    ///   - path: the file; nil: only the defaults and the overrides.
    ///   - overrides: texts like `listen.port=9090`, later ones win; the value is YAML.
    ///   - environment: the process's environment.
    public init(path: String?, overrides: [String] = [], environment: [String: String]) {
        self.path = path
        self.overrides = overrides
        self.environment = environment
    }

    /// The settings, all of them valid.
    /// - Throws: every problem of the file, of the overrides and of the policy's file at once.
    public func load() throws(SettingsProblems) -> Settings {
        let folder = path.map(folder(of:)) ?? "."
        var reader = SettingsReader(references: References(folder: folder, environment: environment))
        if let path { read(path, with: &reader) }
        for override in overrides { read(override: override, with: &reader) }
        reader.checkWhole()
        let ofPolicy = reader.readPolicy(folder: folder)
        guard reader.problems.isEmpty, ofPolicy.isEmpty else {
            throw SettingsProblems(inOrder(reader.problems) + ofPolicy)
        }
        return reader.settings
    }

    /// What concerns the whole is found last, but read where it stands.
    private func inOrder(_ problems: [SettingsProblem]) -> [SettingsProblem] {
        var sorted = problems.filter { $0.file == path }.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        sorted += problems.filter { $0.file != path }
        if let last = sorted.last, sorted.count == SettingsReader.maximumProblems {
            sorted.append(
                SettingsProblem(
                    file: last.file, line: nil, path: "", message: "there are more problems than these",
                    suggestion: "mend these first"))
        }
        return sorted
    }

    private func read(_ path: String, with reader: inout SettingsReader) {
        let bytes: [UInt8]
        do throws(UnreadableFile) {
            bytes = try readFile(path, maximumBytes: Self.maximumBytes)
        } catch {
            reader.report(
                Place(file: path, line: nil), "", "the file \(error.reason)",
                suggestion: "name a file that exists and may be read; without `--config` the defaults hold")
            return
        }
        do throws(YAMLProblem) {
            let document = try Document(bytes)
            for problem in document.repeatedKeys {
                reader.report(
                    Place(file: path, line: problem.mark.line), "", problem.message, suggestion: "keep one of the two")
            }
            if let root = document.root { reader.read(root, from: path) }
        } catch {
            reader.report(
                Place(file: path, line: error.mark.line), "", error.message,
                suggestion: "look at indentation, quotes and brackets around column \(error.mark.column)")
        }
    }

    /// Reads `a.b.c=value` as the file `a: {b: {c: value}}` would be read.
    private func read(override: String, with reader: inout SettingsReader) {
        let origin = "--set \(override)"
        let place = Place(file: origin, line: nil)
        let example = "write like `--set listen.port=9090`"
        guard let equals = override.firstIndex(of: "=") else {
            return reader.report(place, "", "there is no `=` in it", suggestion: example)
        }
        let path = override[..<equals]
        let names = path.split(separator: ".", omittingEmptySubsequences: false)
        guard !names.contains(""), names.count <= 8 else {
            return reader.report(place, "", "`\(path)` is not the way to a key", suggestion: example)
        }
        let start = Mark(line: 1, column: 1)
        do throws(YAMLProblem) {
            let document = try Document(Array(override[equals...].dropFirst().utf8))
            for problem in document.repeatedKeys {
                reader.report(place, String(path), problem.message, suggestion: "keep one of the two")
            }
            var node = document.root ?? Node(mark: start, kind: .scalar("", isQuoted: false))
            for name in names.reversed() {
                node = Node(mark: start, kind: .mapping([.init(key: String(name), mark: start, value: node)]))
            }
            reader.read(node, from: origin, hasLines: false)
        } catch {
            reader.report(place, String(path), error.message, suggestion: "put the value in quotes, `'...'`")
        }
    }
}
