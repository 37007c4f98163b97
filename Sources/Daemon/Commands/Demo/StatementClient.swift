import FoundationEssentials
import Model

/// A plain client of the statement protocol, as the demo's load: it submits, polls until no nextUri comes, counts rows.
struct StatementClient: Sendable {
    let front: String
    let web: any Web

    /// What became of a statement.
    struct Outcome: Equatable, Sendable {
        var pool = ""
        var rows = 0
        /// The error's name, or what kept the statement from ending; nil if it finished.
        var error: String?
        var milliseconds: Int64 = 0
    }

    private struct Page: Decodable {
        struct Problem: Decodable {
            var errorName: String?
        }
        struct Ignored: Decodable {
            init(from decoder: any Decoder) throws {}
        }
        var nextUri: String?
        var data: [Ignored]?
        var error: Problem?
    }

    /// Runs a statement to its end.
    func run(_ sql: String, user: String, clock: any Clock) async -> Outcome {
        let began = clock.monotonic()
        var outcome = Outcome()
        var request = WebRequest(
            method: "POST", url: "http://\(front)/v1/statement",
            headers: [
                WebHeader("X-Trino-User", user), WebHeader("X-Trino-Source", "penstock-demo"),
                WebHeader("X-Trino-Catalog", "tpch"), WebHeader("X-Trino-Schema", "tiny"),
            ],
            body: Array(sql.utf8), timeoutMilliseconds: 60_000, maximumBody: 64 << 20)
        while true {
            let answer: WebResponse
            do throws(WebProblem) {
                answer = try await web.perform(request)
            } catch {
                outcome.error = "\(error)"
                break
            }
            if let pool = answer.headers.first(where: { $0.name.lowercased() == "x-penstock-pool" }) {
                outcome.pool = pool.value
            }
            guard answer.status == 200, let page = try? JSONDecoder().decode(Page.self, from: Data(answer.body)) else {
                outcome.error = "status \(answer.status)"
                break
            }
            outcome.rows += page.data?.count ?? 0
            if let problem = page.error { outcome.error = problem.errorName ?? "error" }
            guard let next = page.nextUri else { break }
            request = WebRequest(url: next, timeoutMilliseconds: 60_000, maximumBody: 64 << 20)
        }
        outcome.milliseconds = clock.monotonic() - began
        return outcome
    }
}
