import FoundationEssentials
import Model

/// A plain client of the statement protocol, as the demo's load: it submits, polls until no nextUri comes, counts rows.
struct StatementClient: Sendable {
    let front: String
    let web: any Web

    /// What became of a statement, or what is known of it so far.
    struct Outcome: Equatable, Sendable {
        var pool = ""
        var coordinator = ""
        var rows = 0
        /// The executing page that is asked for next, from 0; nil while it is queued.
        var page: Int?
        /// The error's name, or what kept the statement from ending; nil if it finished.
        var error: String?
        var milliseconds: Int64 = 0
    }

    private struct Page<Row: Decodable>: Decodable {
        struct Problem: Decodable {
            var errorName: String?
        }
        var nextUri: String?
        var data: [Row]?
        var error: Problem?
    }

    private struct Ignored: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    /// Runs a statement to its end.
    /// - Parameter onPage: hears after each page but the last what is known so far.
    func run(
        _ sql: String, user: String, clock: any Clock, onPage: (Outcome) -> Void = { _ in }
    ) async -> Outcome {
        let began = clock.monotonic()
        var outcome = await follow(sql, user: user, onPage: onPage) { (_: [Ignored]) in }
        outcome.milliseconds = clock.monotonic() - began
        return outcome
    }

    /// Runs a statement whose rows are one number each.
    func numbers(_ sql: String, user: String) async -> (outcome: Outcome, numbers: [Int64]) {
        var numbers: [Int64] = []
        let outcome = await follow(sql, user: user, onPage: { _ in }) { (rows: [[Int64]]) in
            numbers += rows.joined()
        }
        return (outcome, numbers)
    }

    private func follow<Row: Decodable>(
        _ sql: String, user: String, onPage: (Outcome) -> Void, take: ([Row]) -> Void
    ) async -> Outcome {
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
                return outcome
            }
            for header in answer.headers {
                switch header.name.lowercased() {
                case "x-penstock-pool": outcome.pool = header.value
                case "x-penstock-coordinator": outcome.coordinator = header.value
                default: break
                }
            }
            guard answer.status == 200, let page = try? JSONDecoder().decode(Page<Row>.self, from: Data(answer.body))
            else {
                outcome.error = "status \(answer.status)"
                return outcome
            }
            take(page.data ?? [])
            outcome.rows += page.data?.count ?? 0
            if let problem = page.error { outcome.error = problem.errorName ?? "error" }
            guard let next = page.nextUri else { return outcome }
            outcome.page = Self.executingPage(next)
            onPage(outcome)
            request = WebRequest(url: next, timeoutMilliseconds: 60_000, maximumBody: 64 << 20)
        }
    }

    /// The token of an executing URI: `/v1/statement/executing/ID/SLUG/TOKEN?...`.
    private static func executingPage(_ uri: String) -> Int? {
        let parts = uri.prefix { $0 != "?" }.split(separator: "/")
        return parts.contains("executing") ? parts.last.flatMap { Int($0) } : nil
    }
}
