import Engine
import Model

/// Where the loops put their events and requests, and services take them from. It decides nothing, so that a loop only
/// hands over.
public final class Intake: TrafficSink {
    /// Events that may lie here; beyond it the newest are dropped and counted. The writer takes them every 100 ms.
    static let maximumEvents = 200_000

    private struct State {
        var events = EventBatch()
        var requests: [TrafficRequest] = []
        /// By registration: a coordinator that fails everything must not fill the requests.
        var failures: [UInt32: FailureCount] = [:]
        var dropped: UInt64 = 0
    }
    private let state = Guarded(State())
    private let bell: AsyncStream<Void>.Continuation
    /// Rings when a request lies here; several rings may be one.
    let rings: AsyncStream<Void>

    /// An empty one.
    public init() {
        (rings, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes what a loop tells; what finds no room is counted.
    public func accept(_ batch: EventBatch) {
        state.withLock { $0.dropped += UInt64($0.events.add(batch, limit: Self.maximumEvents)) }
    }

    /// Takes a request and rings.
    public func accept(_ request: TrafficRequest) {
        state.withLock { state in
            if case .failed(let registration, let failureClass) = request {
                state.failures[registration, default: FailureCount()].add(failureClass)
            } else {
                state.requests.append(request)
            }
        }
        bell.yield()
    }

    /// Rings without a request, so that whoever listens looks again.
    func ring() { bell.yield() }

    /// All events, in the order they came.
    func takeEvents() -> EventBatch {
        state.withLock { state in
            defer { state.events = EventBatch() }
            return state.events
        }
    }

    /// The failures that were reported, by registration.
    func takeFailures() -> [UInt32: FailureCount] {
        state.withLock { state in
            defer { state.failures = [:] }
            return state.failures
        }
    }

    /// All requests but failures, in the order they came.
    func takeRequests() -> [TrafficRequest] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    /// Events that found no room, since the start.
    var droppedEvents: UInt64 { state.withLock { $0.dropped } }
}
