import Model
import Wire

/// Answers that the front gives by itself.
extension Front {
    /// What JDBC reads its server's version from; a coordinator's own shape (protocol.md 5).
    var infoBody: [UInt8] {
        let table = relay.snapshot.table
        let group = table.groups.first
        let version =
            table.coordinators.first {
                $0.group == group?.name && $0.pool == group?.active && $0.version != nil && !$0.isRetired
            }?.version ?? "0"
        var body = Array("{\"nodeVersion\":{\"version\":".utf8)
        appendJSONString(version, to: &body)
        body.append(
            contentsOf: ("},\"environment\":\"penstock\",\"coordinator\":true,\"starting\":false,\"uptime\":\""
                + uptime + "\"}").utf8)
        return body
    }

    /// The shape of an engine's node status, with what a gateway can say.
    var statusBody: [UInt8] {
        var body = Array("{\"nodeId\":\"penstock\",".utf8)
        body.append(contentsOf: infoBody.dropFirst())
        return body
    }

    private var uptime: String {
        let seconds = Double(relay.now - relay.hub.startedAt.load(ordering: .relaxed)) / 1000
        let hundredths = Int(seconds * 100)
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)s"
    }

    /// Answers JSON to GET and HEAD.
    func answerOwn(_ head: borrowing RequestHead, _ body: [UInt8], status: Int = 200) {
        guard head.method == .get || head.method == .head else { return answer(405, allow: "GET, HEAD") }
        relay.counters.others += 1
        putHead(status, "application/json", body.count)
        if head.method == .get { relay.out.put(body) }
        send()
    }

    /// Answers a line of text.
    func answerText(_ status: Int, _ text: String) {
        putHead(status, "text/plain; charset=utf-8", text.utf8.count)
        if method != .head { relay.out.put(text: text) }
        send()
    }

    /// What a coordinator says of what it does not know.
    func answerNotFound() { answerText(404, "Query not found\n") }

    /// Answers without a body.
    func answer(_ status: Int, allow: StaticString?) {
        let out = relay.out
        out.clear()
        putStatusLine(status)
        if let allow {
            out.put("Allow: ")
            out.put(allow)
            out.put("\r\n")
        }
        if closesAfterAnswer { out.put("Connection: close\r\n") }
        out.put(status == 204 ? "\r\n" : "Content-Length: 0\r\n\r\n")
        send()
    }

    func redirect(_ location: String) {
        let out = relay.out
        out.clear()
        putStatusLine(302)
        out.put("Location: ")
        out.put(text: location)
        out.put("\r\n")
        if closesAfterAnswer { out.put("Connection: close\r\n") }
        out.put("Content-Length: 0\r\n\r\n")
        send()
    }

    private func putStatusLine(_ status: Int) {
        let out = relay.out
        out.put("HTTP/1.1 ")
        out.put(decimal: status)
        out.put(" ")
        out.put(reasonPhrase(status))
        out.put("\r\n")
    }

    private func putHead(_ status: Int, _ type: StaticString, _ length: Int) {
        let out = relay.out
        out.clear()
        putStatusLine(status)
        out.put("Content-Type: ")
        out.put(type)
        out.put("\r\n")
        if closesAfterAnswer { out.put("Connection: close\r\n") }
        out.put("Content-Length: ")
        out.put(decimal: length)
        out.put("\r\n\r\n")
    }

    private func send() {
        relay.out.withBytes { write($0) }
        exchangeEnded()
    }
}
