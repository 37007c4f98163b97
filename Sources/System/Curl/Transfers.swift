import CCurl

/// The transfers in flight: libcurl's multi interface, on the loop's thread and nowhere else.
@safe final class Transfers {
    /// curl_global_init is not to run twice at once: the first use does it.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let inbox: Inbox
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UInt64: Transfer] = [:]

    init(_ inbox: Inbox, maximumConnections: Int) {
        guard Transfers.isReady, let multi = unsafe curl_multi_init() else {
            // The probes and the commands stand on it: there is nothing to go on with.
            preconditionFailure("libcurl starts unless no memory is left")
        }
        self.inbox = inbox
        unsafe self.multi = unsafe multi
        unsafe shim_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, maximumConnections)
        unsafe inbox.open(multi)
    }

    deinit {
        unsafe curl_multi_cleanup(multi)
    }

    /// Runs until the loop is told to stop.
    func run() {
        while obey(inbox.take()) {
            var running: Int32 = 0
            unsafe curl_multi_perform(multi, &running)
            finishTransfers()
            // Woken by sockets, by libcurl's own deadlines and by the inbox.
            unsafe curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for case .start(_, _, let continuation) in inbox.close() {
            continuation.resume(returning: .failure(.cancelled))
        }
        for number in Array(transfers.keys) { end(number, .failure(.cancelled)) }
    }

    /// False when a stop was among the commands.
    private func obey(_ commands: [Command]) -> Bool {
        for (index, command) in commands.enumerated() {
            switch command {
            case .start(let request, let ticket, let continuation):
                start(request, ticket, continuation)
            case .cancel(let number):
                end(number, .failure(.cancelled))
            case .stop:
                for case .start(_, _, let continuation) in commands[index...] {
                    continuation.resume(returning: .failure(.cancelled))
                }
                return false
            }
        }
        return true
    }

    private func start(
        _ request: Request, _ ticket: Ticket, _ continuation: CheckedContinuation<Result<Response, CurlError>, Never>
    ) {
        if ticket.isCancelled.load(ordering: .sequentiallyConsistent) {
            continuation.resume(returning: .failure(.cancelled))
            return
        }
        do {
            let transfer = try Transfer(request, ticket.number, continuation)
            unsafe curl_multi_add_handle(multi, transfer.easy)
            transfers[ticket.number] = transfer
        } catch {
            continuation.resume(returning: .failure(error))
        }
    }

    private func finishTransfers() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            let number = unsafe Transfer.number(of: message.pointee.easy_handle)
            let code = unsafe message.pointee.data.result
            guard let transfer = transfers[number] else { continue }
            end(number, transfer.result(code))
        }
    }

    private func end(_ number: UInt64, _ result: Result<Response, CurlError>) {
        guard let transfer = transfers.removeValue(forKey: number) else { return }
        unsafe curl_multi_remove_handle(multi, transfer.easy)
        transfer.continuation.resume(returning: result)
    }
}
