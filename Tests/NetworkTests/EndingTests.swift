import Network
import Testing

/// The endings as the peer sees them.
@Suite(.timeLimit(.minutes(1)))
struct EndingTests {
    /// What a client saw that sent `request` bytes to a server that answered the first of them and then ended.
    private struct Sight: Equatable, Sendable {
        var received: Int
        var sawEnd: Bool
        var reason: CloseReason
    }

    /// The server pauses after its first bytes, so that the rest of the request lies unread when it ends.
    private func sight(
        request: Int, answer: Int, end: @escaping @Sendable (Network.Stream) -> Void
    ) async throws -> Sight {
        try await onLoop(answering: Sight.self, bufferBytes: 4_096) { bench, done in
            let address = try bench.serve { server in
                server.collects = false
                server.whenReceived = { server, _ in
                    guard let stream = server.stream, stream.isOpen else { return }
                    stream.pauseReading()
                    let part = [UInt8](repeating: 97, count: answer)
                    stream.write(part.span)
                    end(stream)
                }
            }
            bench.dial(address) { client in
                client.collects = false
                client.whenConnected = { client in
                    let part = [UInt8](repeating: 98, count: request)
                    client.stream?.write(part.span)
                }
                client.whenEnded = { $0.stream?.close() }
                client.whenClosed = { client, reason in
                    done(Sight(received: client.receivedBytes, sawEnd: client.events.contains(.ended), reason: reason))
                }
            }
        }
    }

    /// The answer is larger than the kernel's buffers, and part of the request is never read.
    @Test func finishDeliversTheWholeAnswerThoughTheRequestLiesUnread() async throws {
        let seen = try await sight(request: 60_000, answer: 12 << 20) { $0.finish() }
        #expect(seen == Sight(received: 12 << 20, sawEnd: true, reason: .local))
    }

    @Test func abortShowsAsAReset() async throws {
        let seen = try await sight(request: 100, answer: 1_000) { $0.abort() }
        #expect(seen.reason == .reset)
        #expect(!seen.sawEnd)
    }

    @Test func cutShowsAsAnEndThoughTheRequestLiesUnread() async throws {
        let seen = try await sight(request: 60_000, answer: 1_000) { $0.cut() }
        #expect(seen == Sight(received: 1_000, sawEnd: true, reason: .local))
    }

    @Test func closeWithBytesUnreadShowsAsAReset() async throws {
        let seen = try await sight(request: 60_000, answer: 0) { $0.close() }
        #expect(seen.reason == .reset)
    }

    @Test func abortAfterThisSidesEndIsAPlainClose() async throws {
        let seen = try await sight(request: 100, answer: 1_000) { stream in
            stream.shutdownWrite()
            stream.abort()
        }
        #expect(seen == Sight(received: 1_000, sawEnd: true, reason: .local))
    }

    @Test func finishDoesNotWaitForeverForAPeerThatStays() async throws {
        let (reason, isOpen) = try await onLoop(answering: (CloseReason, Bool).self) { bench, done in
            var stays: Probe?
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in
                    server.write("bye")
                    server.stream?.finish()
                }
                server.whenClosed = { _, reason in done((reason, stays?.stream?.isOpen ?? false)) }
            }
            stays = bench.dial(address) { client in client.whenConnected = { $0.write("hello") } }
        }
        #expect(reason == .local)
        #expect(isOpen)
    }

    @Test func finishDropsAPeerThatGoesOnSending() async throws {
        let (text, reason) = try await onLoop(answering: (String, CloseReason).self) { bench, done in
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in
                    server.write("enough")
                    server.stream?.finish()
                }
            }
            bench.dial(address) { client in
                let part = [UInt8](repeating: 99, count: 65_536)
                client.whenConnected = { client in
                    bench.loop.repeatEvery(milliseconds: 1) { client.stream?.write(part.span) }
                }
                client.whenClosed = { client, reason in done((client.text, reason)) }
            }
        }
        #expect(text == "enough")
        #expect(reason == .reset)
    }

    @Test func closedIsToldOnceWhateverIsCalledAfterwards() async throws {
        let events = try await onLoop(answering: [Probe.Event].self) { bench, done in
            let address = try bench.serve { _ in }
            bench.dial(address) { client in
                client.whenConnected = { client in
                    client.stream?.close()
                    client.stream?.finish()
                    client.stream?.abort()
                    client.stream?.cut()
                    client.write("nobody")
                    client.stream?.resumeReading()
                    client.stream?.shutdownWrite()
                }
                client.whenClosed = { client, _ in
                    client.stream?.abort()
                    client.write("nobody")
                    var ticks = 0
                    bench.loop.repeatEvery(milliseconds: 1) {
                        ticks += 1
                        if ticks == 5 { done(client.events) }
                    }
                }
            }
        }
        #expect(events == [.connected, .closed])
    }
}
