import Curl
import Model

/// The port to HTTP off the data path, by libcurl on a thread of its own: no proxy, no redirect, HTTP/1.1.
public final class CurlWeb: Web {
    private let transfers = TransferLoop(name: "web")

    /// Starts the thread, which ends with this value.
    public init() {}

    /// Sends a request and waits for the whole answer. The host keeps its name in the request where an address is given.
    public func perform(_ request: WebRequest) async throws(WebProblem) -> WebResponse {
        let answer: Response
        do throws(CurlError) {
            answer = try await transfers.perform(
                Request(
                    method: request.method, url: request.url, headers: request.headers.map { ($0.name, $0.value) },
                    body: request.body, timeoutMilliseconds: request.timeoutMilliseconds,
                    connectTimeoutMilliseconds: request.timeoutMilliseconds, maximumBodyBytes: request.maximumBody,
                    address: request.address?.ip))
        } catch {
            throw WebProblem(error)
        }
        return WebResponse(
            status: answer.status, headers: answer.headers.map { WebHeader($0.name, $0.value) }, body: answer.body)
    }
}

extension WebProblem {
    fileprivate init(_ error: CurlError) {
        switch error {
        case .refused: self = .refused
        case .timedOut: self = .timedOut
        case .unresolved: self = .unresolved
        case .tooLarge: self = .tooLarge
        case .cancelled: self = .failed("cancelled")
        case .malformed(let text), .cut(let text), .failed(_, let text): self = .failed(text)
        }
    }
}
