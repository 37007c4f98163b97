import Engine
import Files
import FoundationEssentials
import Model

/// The admin API as a command sees it: one gateway, one token, bodies in and out, every failure with its exit code.
struct AdminClient {
    static let defaultURL = "http://127.0.0.1:8081"

    /// What every verb takes that speaks to a gateway.
    static let options = [
        Option(name: "--url", value: "URL", help: "The gateway's admin address (PENSTOCK_URL; \(defaultURL))"),
        Option(name: "--token-file", value: "FILE", help: "The file of its token (or the token in PENSTOCK_TOKEN)"),
        Option(name: "--json", value: nil, help: "Print what the gateway answers"),
    ]

    /// An answer, and the bytes that it was read from.
    struct Answer<Body> {
        let body: Body
        let bytes: [UInt8]
    }

    private let url: String
    private let token: AdminToken
    private let web: any Web

    /// A client as options and environment say.
    init(_ arguments: Arguments, _ surroundings: Surroundings) throws(Failure) {
        let given = surroundings.environment["PENSTOCK_URL"].flatMap { $0.isEmpty ? nil : $0 }
        var url = arguments.value("--url") ?? given ?? Self.defaultURL
        while url.hasSuffix("/") { url.removeLast() }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw .usage("'\(url)' is no URL such as \(Self.defaultURL)")
        }
        self.url = url
        token = try AdminToken(arguments, surroundings.environment)
        web = surroundings.web()
    }

    /// Asks for something.
    func get<Body: Decodable>(
        _ path: [String], query: [(name: String, value: String)] = [], as type: Body.Type
    ) async throws(Failure) -> Answer<Body> {
        let query = query.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
        return try await perform("GET", path, query: query, body: nil)
    }

    /// Asks for something to be done.
    func post<Body: Decodable>(
        _ path: [String], _ request: (any RequestBody)? = nil, as type: Body.Type
    ) async throws(Failure) -> Answer<Body> {
        var body: [UInt8] = []
        if let request {
            guard let data = try? JSONEncoder().encode(request) else {
                // Our own plain values; only a number that JSON lacks could fail, and there is none.
                throw Failure(code: .refused, message: "the request cannot be written as JSON")
            }
            body = Array(data)
        }
        return try await perform("POST", path, query: "", body: body)
    }

    /// Asks for something to be removed.
    func delete<Body: Decodable>(_ path: [String], as type: Body.Type) async throws(Failure) -> Answer<Body> {
        try await perform("DELETE", path, query: "", body: nil)
    }

    private func perform<Body: Decodable>(
        _ method: String, _ path: [String], query: String, body: [UInt8]?
    ) async throws(Failure) -> Answer<Body> {
        var target = url + path.map { "/" + percentEncoded($0) }.joined()
        if !query.isEmpty { target += "?" + query }
        var headers = [WebHeader("Accept", "application/json")]
        if let text = token.text { headers.append(WebHeader("Authorization", "Bearer \(text)")) }
        if body != nil { headers.append(WebHeader("Content-Type", "application/json")) }
        let answer: WebResponse
        do throws(WebProblem) {
            answer = try await web.perform(
                WebRequest(
                    method: method, url: target, headers: headers, body: body, timeoutMilliseconds: 60_000,
                    maximumBody: 64 << 20))
        } catch {
            throw Failure(code: .unreachable, message: "no gateway at \(url): \(error.sentence)")
        }
        guard (200..<300).contains(answer.status) else { throw failure(answer) }
        guard let decoded = try? JSONDecoder().decode(Body.self, from: Data(answer.body)) else {
            throw Failure(
                code: .refused,
                message: "\(url) answers, but not as the admin API of a gateway does; is it its front door?")
        }
        return Answer(body: decoded, bytes: answer.body)
    }

    /// What a status of 300 and more means.
    private func failure(_ answer: WebResponse) -> Failure {
        if answer.status == 401 {
            return Failure(code: .refused, message: "the gateway at \(url) wants its token; \(token.origin)")
        }
        guard let problem = try? JSONDecoder().decode(AdminProblem.self, from: Data(answer.body)) else {
            return Failure(code: .refused, message: "\(url) answers with status \(answer.status)")
        }
        var message = problem.guard.map { "\($0.rawValue): " } ?? ""
        message += problem.detail.isEmpty ? problem.title : problem.detail
        for line in problem.problems {
            let place = line.file.map { file in file + (line.line.map { ":\($0)" } ?? "") }
            message += "\n  " + ((place ?? line.line.map { "line \($0)" }).map { "\($0): " } ?? "")
            message += (line.path.isEmpty ? "" : "\(line.path): ") + line.message
            if let suggestion = line.suggestion { message += "\n      \(suggestion)" }
        }
        return Failure(code: .refused, message: message, body: answer.body)
    }
}

extension WebProblem {
    /// Why there is no answer, in words.
    fileprivate var sentence: String {
        switch self {
        case .refused: "nobody listens there"
        case .timedOut: "it did not answer in time"
        case .unresolved: "the name does not resolve"
        case .tooLarge: "its answer is too large"
        case .failed(let text): text
        }
    }
}

/// The token that a command shows, and where it was looked for.
struct AdminToken {
    /// The token; nil where none was found, which an open gateway need not mind.
    let text: String?
    /// What to say when the gateway does not accept it.
    let origin: String

    /// `--token-file`, else PENSTOCK_TOKEN, else the file in the default state directory.
    init(_ arguments: Arguments, _ environment: [String: String]) throws(Failure) {
        if let path = arguments.value("--token-file") {
            guard let text = Self.read(path) else {
                throw Failure(code: .refused, message: "no token can be read from \(path)")
            }
            self.text = text
            origin = "the one in \(path) is another"
        } else if let given = environment["PENSTOCK_TOKEN"], !given.isEmpty {
            text = given
            origin = "the one in PENSTOCK_TOKEN is another"
        } else {
            let directory = StateSettings().resolvedDirectory(environment: environment)
            let path = AdminSettings().tokenPath(in: directory)
            text = Self.read(path)
            origin =
                text == nil
                ? "give its file by --token-file, or the token itself in PENSTOCK_TOKEN (there is none in \(path))"
                : "the one in \(path) is another; give --token-file or PENSTOCK_TOKEN"
        }
    }

    private static func read(_ path: String) -> String? {
        // Whatever keeps it from being read, it is not there for this user.
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= 4096 else { return nil }
        let text = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return text.count == 1 ? String(text[0]) : nil
    }
}

/// The text as it stands in a path or query: everything but letters, digits and `-._~` escaped.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            encoded += "%" + String(digits[Int(byte >> 4)]) + String(digits[Int(byte & 15)])
        }
    }
    return encoded
}
