import FoundationEssentials
import Model

/// A body as JSON, its members in the order of their names.
func encoded(_ body: some Encodable) throws(AdminProblem) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return Array(try encoder.encode(body))
    } catch {
        // Only a number that JSON lacks cannot be written.
        throw AdminProblem(
            status: 500, title: "Internal Server Error", detail: "The answer cannot be written as JSON: \(error)")
    }
}

/// Reads a body that a client sent. An empty one counts as an object without members; what is wrong is said by name.
func decoded<Request: RequestBody>(_ type: Request.Type, from body: [UInt8]) throws(AdminProblem) -> Request {
    let data = Data(body.isEmpty ? Array("{}".utf8) : body)
    let decoder = JSONDecoder()
    var isJSON = false
    do {
        for name in try decoder.decode([String: AnyMember].self, from: data).keys.sorted()
        where !Request.members.contains(name) {
            throw unknown("member", name, among: Request.members)
        }
        isJSON = true
        return try decoder.decode(Request.self, from: data)
    } catch let problem as AdminProblem {
        throw problem
    } catch let error as DecodingError {
        throw .malformed(sentence(error, isJSON: isJSON))
    } catch {
        throw .malformed("The body cannot be read: \(error).")
    }
}

/// A name that is not among those that are known.
func unknown(_ kind: String, _ name: String, among known: [String]) -> AdminProblem {
    let advice: String
    if let nearest = nearestName(to: name, among: known) {
        advice = "Did you mean '\(nearest)'?"
    } else {
        advice = known.isEmpty ? "There is none." : "There are: \(known.joined(separator: ", "))."
    }
    return .malformed("There is no \(kind) '\(name)' here. \(advice)")
}

extension Route.Call {
    /// A route that takes no body takes an empty one or an empty object.
    func refuseBody() throws(AdminProblem) {
        guard !body.isEmpty else { return }
        _ = try decoded(Nothing.self, from: body)
    }
}

/// The body of a route that takes none.
private struct Nothing: RequestBody {
    static var members: [String] { [] }
}

/// Any JSON value; only that it is there matters.
private struct AnyMember: Decodable {
    init(from decoder: any Decoder) {}
}

/// What is wrong with a body, for whoever wrote it.
private func sentence(_ error: DecodingError, isJSON: Bool) -> String {
    switch error {
    case .keyNotFound(let key, _):
        return "'\(key.stringValue)' is missing."
    case .typeMismatch(let type, let context):
        let place = place(context)
        return place.isEmpty ? "The body must be a JSON object." : "'\(place)' must be \(word(type))."
    case .valueNotFound(let type, let context):
        return "'\(place(context))' is null; it must be \(word(type))."
    case .dataCorrupted(let context):
        let place = place(context)
        guard place.isEmpty else { return "'\(place)': \(context.debugDescription)" }
        // The decoder has the same words for a number that its member cannot hold and for what is no JSON at all.
        return isJSON ? "A number is negative, too large or no whole number." : "The body is not JSON."
    @unknown default:
        return "The body cannot be read: \(error)."
    }
}

private func place(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
}

private func word(_ type: any Any.Type) -> String {
    if type == Bool.self { return "true or false" }
    if type == String.self { return "a string" }
    return type is any FixedWidthInteger.Type ? "a whole number" : "another type"
}
