/// The pages that the gateway makes itself (protocol.md 10.23 and 11.3): every client takes them, and they hold no null.
public enum OwnPages {
    /// A page without rows and with a nextUri: "ask again".
    ///
    /// - Parameters:
    ///   - id: The statement's id, `[_a-z0-9]+`.
    ///   - infoURI: An absolute URI.
    ///   - nextURI: An absolute URI, which the client asks next.
    ///   - queuedMillis: Milliseconds that the statement has waited.
    ///   - elapsedMillis: Milliseconds since it was submitted.
    ///   - state: `QUEUED`, or the state that the engine showed last.
    public static func waitingPage(
        id: String, infoURI: String, nextURI: String, queuedMillis: Int, elapsedMillis: Int, state: String = "QUEUED"
    ) -> [UInt8] {
        var page = Page(id: id, infoURI: infoURI)
        page.member("nextUri", nextURI)
        page.stats(state: state, queuedMillis: queuedMillis, elapsedMillis: elapsedMillis)
        return page.finished()
    }

    /// A last page without rows that says that the statement failed.
    ///
    /// A missing name, type or code is filled as an engine would: clients index them unconditionally.
    public static func errorPage(id: String, infoURI: String, error: QueryError, elapsedMillis: Int = 0) -> [UInt8] {
        var page = Page(id: id, infoURI: infoURI)
        page.stats(state: "FAILED", queuedMillis: 0, elapsedMillis: elapsedMillis)
        let name = error.name ?? "GENERIC_INTERNAL_ERROR"
        page.raw(",\"error\":{\"message\":")
        page.string(error.message)
        page.raw(",\"errorCode\":\(error.code ?? 65536)")
        page.member("errorName", name)
        page.member("errorType", error.type ?? "INTERNAL_ERROR")
        if let retriable = error.retriable { page.raw(",\"retriable\":\(retriable)") }
        page.raw(",\"failureInfo\":")
        page.failureInfo(type: name, messages: [error.message] + error.causes)
        page.raw("}")
        return page.finished()
    }
}

/// A page in the making, in the engines' order of members.
private struct Page {
    private var bytes: [UInt8] = []

    init(id: String, infoURI: String) {
        bytes.reserveCapacity(1024)
        raw("{\"id\":")
        string(id)
        member("infoUri", infoURI)
    }

    mutating func raw(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func string(_ text: String) {
        appendJSONString(text, to: &bytes)
    }

    mutating func member(_ name: String, _ text: String) {
        raw(",\"\(name)\":")
        string(text)
    }

    mutating func stats(state: String, queuedMillis: Int, elapsedMillis: Int) {
        raw(",\"stats\":{\"state\":")
        string(state)
        raw(",\"queued\":\(state == "QUEUED"),\"scheduled\":false,\"nodes\":0,\"totalSplits\":0")
        raw(",\"queuedSplits\":0,\"runningSplits\":0,\"completedSplits\":0,\"cpuTimeMillis\":0,\"wallTimeMillis\":0")
        raw(",\"queuedTimeMillis\":\(queuedMillis),\"elapsedTimeMillis\":\(elapsedMillis)")
        raw(",\"processedRows\":0,\"processedBytes\":0,\"peakMemoryBytes\":0}")
    }

    /// The failure and its causes, each within the one before it.
    mutating func failureInfo(type: String, messages: [String]) {
        for (depth, message) in messages.enumerated() {
            if depth > 0 { raw(",\"cause\":") }
            raw("{\"type\":")
            string(type)
            member("message", message)
        }
        for _ in messages { raw(",\"suppressed\":[],\"stack\":[]}") }
    }

    mutating func finished() -> [UInt8] {
        raw(",\"warnings\":[]}")
        return bytes
    }
}
