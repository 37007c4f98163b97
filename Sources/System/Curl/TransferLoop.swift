import CCurl
import Synchronization
import Threads

/// Runs HTTP transfers, any number at a time, on one thread of its own. The thread ends when the loop is released; what
/// runs then fails as cancelled.
///
/// HTTP/1.1 only, no proxy, no redirect followed, no cookie kept, nothing decoded.
public final class TransferLoop: Sendable {
    private let inbox: Inbox
    private let nextTicket = Atomic<UInt64>(1)

    /// Starts the thread.
    /// - Parameters:
    ///   - name: what tools show for the thread.
    ///   - maximumConnections: the most connections open at a time; transfers beyond them wait.
    public init(name: String, maximumConnections: Int = 64) {
        let inbox = Inbox()
        self.inbox = inbox
        startThread(name: name) { Transfers(inbox, maximumConnections: maximumConnections).run() }
    }

    deinit {
        inbox.add(.stop)
    }

    /// Sends a request and gives its answer. Cancelling the task ends the transfer.
    public func perform(_ request: Request) async throws(CurlError) -> Response {
        let ticket = Ticket(number: nextTicket.wrappingAdd(1, ordering: .relaxed).oldValue)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                inbox.add(.start(request, ticket, continuation))
            }
        } onCancel: {
            ticket.isCancelled.store(true, ordering: .sequentiallyConsistent)
            inbox.add(.cancel(ticket.number))
        }
        return try result.get()
    }
}

/// What the loop's thread is asked to do.
enum Command: Sendable {
    case start(Request, Ticket, CheckedContinuation<Result<Response, CurlError>, Never>)
    case cancel(UInt64)
    case stop
}

/// Names a transfer. A cancel may overtake its start, so the start looks at the flag.
final class Ticket: Sendable {
    let number: UInt64
    let isCancelled = Atomic<Bool>(false)

    init(number: UInt64) {
        self.number = number
    }
}

/// The commands that wait, and libcurl's handle that is woken for them.
final class Inbox: Sendable {
    private struct State {
        var commands: [Command] = []
        /// The multi handle's address while the thread runs, else zero: it must not be woken once it is gone.
        var multi: UInt = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    func add(_ command: Command) {
        let isClosed = state.withLock { state in
            if state.isClosed { return true }
            state.commands.append(command)
            // Before it is open, its first look at the inbox comes.
            if let multi = unsafe UnsafeMutableRawPointer(bitPattern: state.multi) { unsafe curl_multi_wakeup(multi) }
            return false
        }
        if isClosed, case .start(_, _, let continuation) = command {
            continuation.resume(returning: .failure(.cancelled))
        }
    }

    func open(_ multi: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: multi)
        state.withLock { $0.multi = address }
    }

    func take() -> [Command] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// From here on nothing is taken and nobody is woken; what still waits is handed out.
    func close() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            state.multi = 0
            defer { state.commands = [] }
            return state.commands
        }
    }
}
