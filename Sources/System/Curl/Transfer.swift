import CCurl

/// One transfer: libcurl's easy handle and what has come so far.
@safe final class Transfer {
    let easy: UnsafeMutableRawPointer
    let continuation: CheckedContinuation<Result<Response, CurlError>, Never>
    private let number: UInt64
    private let maximumBodyBytes: Int
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectList: UnsafeMutablePointer<curl_slist>?
    private var headers: [(name: String, value: String)] = []
    private var body: [UInt8] = []
    private var isTooLarge = false

    init(
        _ request: Request, _ number: UInt64, _ continuation: CheckedContinuation<Result<Response, CurlError>, Never>
    ) throws(CurlError) {
        guard let easy = unsafe curl_easy_init() else { throw .failed(code: Int(CURLE_FAILED_INIT.rawValue), "") }
        unsafe self.easy = unsafe easy
        self.continuation = continuation
        self.number = number
        maximumBodyBytes = request.maximumBodyBytes
        try set(request)
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(headerList)
        unsafe curl_slist_free_all(connectList)
    }

    /// The number of the transfer that an easy handle belongs to; zero if it is none of ours.
    static func number(of easy: UnsafeMutableRawPointer?) -> UInt64 {
        guard let easy = unsafe easy else { return 0 }
        return unsafe UInt64(shim_get_private(easy))
    }

    /// The answer, or why there is none.
    func result(_ code: CURLcode) -> Result<Response, CurlError> {
        let text = unsafe String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_OK:
            let status = unsafe shim_get_long(easy, CURLINFO_RESPONSE_CODE)
            return .success(Response(status: status, headers: headers, body: body))
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .failure(.malformed(text))
        case CURLE_COULDNT_RESOLVE_HOST: return .failure(.unresolved(text))
        case CURLE_COULDNT_CONNECT: return .failure(.refused(text))
        case CURLE_OPERATION_TIMEDOUT: return .failure(.timedOut(text))
        case CURLE_WRITE_ERROR where isTooLarge: return .failure(.tooLarge(maximum: maximumBodyBytes))
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR: return .failure(.cut(text))
        default: return .failure(.failed(code: Int(code.rawValue), text))
        }
    }

    private func set(_ request: Request) throws(CurlError) {
        for (name, value) in request.headers where "\(name)\(value)".utf8.contains(where: { $0 == 13 || $0 == 10 }) {
            throw .malformed("a line break in the header \(name.debugDescription)")
        }
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        // An empty text keeps the environment's proxies away.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_TIMEOUT_MS, max(request.timeoutMilliseconds, 1))
        set(CURLOPT_CONNECTTIMEOUT_MS, max(request.connectTimeoutMilliseconds, 1))
        unsafe shim_set_private(easy, Int(number))
        if let address = request.address {
            // Host and port left empty: whatever the URL says goes to this address, on the URL's port.
            let target = address.utf8.contains(UInt8(ascii: ":")) ? "::[\(address)]:" : "::\(address):"
            unsafe connectList = curl_slist_append(nil, target)
            unsafe shim_set_list(easy, CURLOPT_CONNECT_TO, connectList)
        }
        if let body = request.body {
            unsafe shim_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, body.count)
            unsafe shim_copy_body(easy, body)
        }
        if request.method == "HEAD" {
            set(CURLOPT_NOBODY, 1)
        } else {
            set(CURLOPT_CUSTOMREQUEST, request.method)
        }
        setHeaders(request)
        unsafe shim_set_receivers(
            easy,
            { bytes, _, count, context in
                unsafe Transfer.receive(bytes, count, context) { transfer, line in unsafe transfer.takeHeader(line) }
            },
            { bytes, _, count, context in
                unsafe Transfer.receive(bytes, count, context) { transfer, part in unsafe transfer.takeBody(part) }
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func setHeaders(_ request: Request) {
        // libcurl adds these two by itself to a request with a body; a name without a value takes one away.
        let own = ["Expect", "Content-Type"].filter { name in
            !request.headers.contains { $0.name.lowercased() == name.lowercased() }
        }
        let lines =
            own.map { "\($0):" }
            + request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        for line in lines {
            guard let longer = unsafe curl_slist_append(headerList, line) else { return }
            unsafe headerList = longer
        }
        unsafe shim_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }

    private func set(_ option: CURLoption, _ text: String) {
        unsafe shim_set_string(easy, option, text)
    }

    private func set(_ option: CURLoption, _ number: Int) {
        unsafe shim_set_long(easy, option, number)
    }

    /// What libcurl hands over: whatever is not wholly taken ends the transfer.
    private static func receive(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
        _ take: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        let part = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
        return unsafe take(transfer, part) ? count : 0
    }

    private func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        let text = unsafe String(decoding: line, as: UTF8.self)
        // A head begins: what an interim one (100) brought is forgotten.
        if text.hasPrefix("HTTP/") {
            headers = []
            return true
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return true }
        let value = text[text.index(after: colon)...].drop(while: { $0 == " " || $0 == "\t" })
        let end = value.lastIndex { !$0.isWhitespace }.map { value.index(after: $0) } ?? value.startIndex
        headers.append((String(text[..<colon]), String(value[..<end])))
        return true
    }

    private func takeBody(_ part: UnsafeRawBufferPointer) -> Bool {
        isTooLarge = body.count + part.count > maximumBodyBytes
        if !isTooLarge { unsafe body += part }
        return !isTooLarge
    }
}
