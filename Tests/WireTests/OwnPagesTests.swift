import Testing

@testable import Wire

@Suite struct OwnPagesTests {
    private let info = "http://gateway:8080/ui/query.html?00042_dce2xtpp"
    private let next = "http://gateway:8080/v1/statement/queued/00042_dce2xtpp/x/1?via=abc"

    @Test func aWaitingPageIsWhatEveryClientTakes() throws {
        let page = OwnPages.waitingPage(
            id: "00042_dce2xtpp", infoURI: info, nextURI: next, queuedMillis: 12, elapsedMillis: 34)
        let decoded = try Decoded.decode(page)
        #expect(decoded["id"]?.text == "00042_dce2xtpp")
        #expect(decoded["infoUri"]?.text == info)
        #expect(decoded["nextUri"]?.text == next)
        #expect(decoded["warnings"] == .array([]))
        #expect(decoded["stats"]?["state"]?.text == "QUEUED")
        #expect(decoded["stats"]?["queued"] == .truth(true))
        #expect(decoded["stats"]?["queuedTimeMillis"] == .number(12))
        #expect(decoded["stats"]?["elapsedTimeMillis"] == .number(34))
        let scan = SplicedPage(page, cuts: [])
        #expect(scan.uris == decoded.pageURIs)
        #expect(!scan.scanner.hasRows && !scan.scanner.hasColumns && !scan.scanner.hasError)
        #expect(!String(decoding: page, as: UTF8.self).contains("null"))
    }

    @Test func anErrorPageHasAllThatClientsIndex() throws {
        let message = "No coordinator \"blue\" is ready.\n\u{E9}\u{1}\\"
        let error = QueryError(
            name: "PENSTOCK_NO_COORDINATOR", type: "INSUFFICIENT_RESOURCES", code: 0x5000_0000, message: message,
            causes: ["refused", "reset"])
        let page = OwnPages.errorPage(id: "a_1", infoURI: info, error: error)
        let decoded = try Decoded.decode(page)
        #expect(decoded["nextUri"] == nil)
        #expect(decoded["stats"]?["state"]?.text == "FAILED")
        let written = decoded["error"]
        #expect(written?["message"]?.text == message)
        #expect(written?["errorCode"] == .number(1_342_177_280))
        #expect(written?["errorName"]?.text == "PENSTOCK_NO_COORDINATOR")
        #expect(written?["errorType"]?.text == "INSUFFICIENT_RESOURCES")
        for link in [written?["failureInfo"], written?["failureInfo"]?["cause"]?["cause"]] {
            #expect(link?["type"]?.text == "PENSTOCK_NO_COORDINATOR")
            #expect(link?["suppressed"] == .array([]))
            #expect(link?["stack"] == .array([]))
        }
        #expect(readError(SplicedPage(page, cuts: []).scanner.errorJSON) == error)
        #expect(!String(decoding: page, as: UTF8.self).contains("null"))
    }

    @Test func anErrorWithoutNameTypeAndCodeGetsAnEngines() throws {
        let error = QueryError(name: nil, type: nil, code: nil, message: "")
        let written = try Decoded.decode(OwnPages.errorPage(id: "a", infoURI: info, error: error))["error"]
        #expect(written?["errorName"]?.text == "GENERIC_INTERNAL_ERROR")
        #expect(written?["errorType"]?.text == "INTERNAL_ERROR")
        #expect(written?["errorCode"] == .number(65536))
    }
}

@Suite struct QueryErrorTests {
    private func read(_ text: String) -> QueryError? {
        readError(Array(text.utf8))
    }

    private let full =
        #"{"message":"m \u003C","errorCode":65558,"errorName":"REMOTE_HOST_GONE","errorType":"INTERNAL_ERROR","retriable":true,"errorLocation":{"lineNumber":1},"failureInfo":{"type":"t","message":"m","cause":{"type":"t","message":"c1","cause":{"message":"c2","suppressed":[{"message":"no"}]},"stack":["a"]},"suppressed":[],"stack":["b"]}}"#

    @Test func readsEveryPart() {
        #expect(
            read(full)
                == QueryError(
                    name: "REMOTE_HOST_GONE", type: "INTERNAL_ERROR", code: 65558, message: "m <",
                    causes: ["c1", "c2"],
                    retriable: true))
    }

    @Test func readsWhatACutLeaves() {
        for count in 0..<full.utf8.count {
            let error = readError(Array(full.utf8.prefix(count)))
            if count >= 21 { #expect(error?.message == "m <") }
            if count >= 75 { #expect(error?.name == "REMOTE_HOST_GONE") }
        }
    }

    @Test func nullsAndOddTypesAreAbsent() {
        #expect(
            read(#"{"message":"m","errorCode":-1,"errorName":null,"errorType":{"a":[1]},"failureInfo":null}"#)
                == QueryError(name: nil, type: nil, code: -1, message: "m"))
        #expect(read("{}") == nil)
        #expect(read("[]") == nil)
        #expect(read("") == nil)
        #expect(read(#"{"failureInfo":"x","message":"m"}"#)?.message == "m")
    }

    @Test func aDeepChainEnds() {
        let deep = String(repeating: #"{"message":"m","cause":"#, count: 5000)
        #expect(read(#"{"message":"m","failureInfo":"# + deep)?.causes.count ?? 99 <= 32)
    }
}
