import Engine
import FoundationEssentials
import Model
import Synchronization

@testable import Commands

/// One command at a time, with a gateway that answers what it is told and a clock that jumps when somebody sleeps.
final class Session: Web, Clock {
    private struct State {
        var answers: [(path: String, status: Int, body: String)] = []
        var asked: [String] = []
        var requests: [WebRequest] = []
        var output = ""
        var errors = ""
        var time: Int64 = 0
    }

    private let state = Mutex(State())
    private let problem: WebProblem?

    init(problem: WebProblem? = nil) {
        self.problem = problem
    }

    var output: String { state.withLock { $0.output } }
    var errors: String { state.withLock { $0.errors } }
    /// Method and path of each request, with the query.
    var asked: [String] { state.withLock { $0.asked } }
    var requests: [WebRequest] { state.withLock { $0.requests } }

    /// The next request for that path gets this answer; the last answer of a path stays.
    func answer(_ path: String, _ status: Int = 200, text: String) {
        state.withLock { $0.answers.append((path, status, text)) }
    }

    /// The next request for that path gets this body.
    func answer(_ path: String, _ body: some Encodable) throws {
        answer(path, text: String(decoding: try JSONEncoder().encode(body), as: UTF8.self))
    }

    /// Runs a command and answers its exit code.
    func run(_ words: String..., environment: [String: String] = ["PENSTOCK_TOKEN": "t"], columns: Int? = nil)
        async -> ExitCode
    {
        await Commands.run(
            words,
            in: Surroundings(
                environment: environment, output: { text in self.state.withLock { $0.output += text } },
                errors: { text in self.state.withLock { $0.errors += text } }, columns: columns, isColoured: false,
                web: { self }, clock: self))
    }

    func perform(_ request: WebRequest) async throws(WebProblem) -> WebResponse {
        if let problem { throw problem }
        return state.withLock { state in
            let target = request.url.replacing("http://127.0.0.1:8081", with: "")
            let path = target.prefix { $0 != "?" }
            state.asked.append("\(request.method) \(target)")
            state.requests.append(request)
            guard let index = state.answers.firstIndex(where: { $0.path == path }) else {
                return WebResponse(status: 404)
            }
            let answer = state.answers[index]
            if state.answers.filter({ $0.path == path }).count > 1 { state.answers.remove(at: index) }
            return WebResponse(status: answer.status, body: Array(answer.body.utf8))
        }
    }

    func now() -> Timestamp { Timestamp(milliseconds: 1_767_225_600_000 + monotonic()) }
    func monotonic() -> Int64 { state.withLock { $0.time } }
    func sleep(milliseconds: Int64) async throws { state.withLock { $0.time += milliseconds } }
}
