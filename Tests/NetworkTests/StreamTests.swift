import Network
import Testing

/// A connection in its ordinary life.
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func bytesArriveInOrderInBothDirections(ip: String) async throws {
        let (request, answer) = try await onLoop(answering: (String, String).self) { bench, done in
            var request = ""
            let address = try bench.serve(ip: ip) { server in
                server.whenReceived = { server, _ in
                    guard server.text.hasSuffix("?") else { return }
                    request = server.text
                    let (head, rest) = (Array("an".utf8), Array("swer".utf8))
                    server.stream?.write(head.span, rest.span)
                    server.stream?.finish()
                }
            }
            bench.dial(address) { client in
                client.whenConnected = { client in
                    client.write("question")
                    client.write("?")
                }
                client.whenEnded = { client in
                    let answer = client.text
                    client.stream?.close()
                    done((request, answer))
                }
            }
        }
        #expect(request == "question?")
        #expect(answer == "answer")
    }

    @Test func whatIsWrittenBeforeTheConnectionStandsFollowsIt() async throws {
        let (text, events) = try await onLoop(answering: (String, [Probe.Event]).self) { bench, done in
            var client: Probe?
            let address = try bench.serve { server in
                server.whenEnded = { server in
                    server.stream?.close()
                    done((server.text, client?.events ?? []))
                }
            }
            let early = bench.dial(address) { _ in }
            client = early
            early.write("one ")
            early.write("two ")
            early.write("three")
            early.stream?.shutdownWrite()
            early.write(" dropped")
        }
        #expect(text == "one two three")
        #expect(events == [.connected, .drained])
    }

    @Test func afterTheEndOfOneDirectionTheOtherGoesOn() async throws {
        let (text, events) = try await onLoop(answering: (String, [Probe.Event]).self) { bench, done in
            let address = try bench.serve { server in
                server.whenEnded = { server in
                    server.write("the answer to ")
                    server.write(server.text)
                    server.stream?.finish()
                }
            }
            bench.dial(address) { client in
                client.whenConnected = { client in
                    client.write("a half-closed request")
                    client.stream?.shutdownWrite()
                }
                client.whenEnded = { $0.stream?.finish() }
                client.whenClosed = { client, _ in done((client.text, client.events)) }
            }
        }
        #expect(text == "the answer to a half-closed request")
        #expect(events == [.connected, .received, .ended, .closed])
    }

    @Test func aRefusedConnectionSaysThatNothingWasWritten() async throws {
        let (reason, written, events) = try await onLoop(answering: (CloseReason, Int, [Probe.Event]).self) {
            bench, done in
            let address = try bench.serve { _ in }
            bench.listener?.close()
            let client = bench.dial(address) { client in
                client.whenClosed = { client, reason in
                    done((reason, client.stream?.bytesWritten ?? -1, client.events))
                }
            }
            client.write("a request that nobody reads")
        }
        #expect(reason == .refused)
        #expect(written == 0)
        #expect(events == [.closed])
    }

    @Test func anOwnerIsLetGoOnceItsStreamIsClosed() async throws {
        let (alive, streamAlive) = try await onLoop(answering: (Bool, Bool).self) { bench, done in
            let address = try bench.serve { server in server.whenEnded = { $0.stream?.close() } }
            weak var owner: Probe?
            weak var stream: Network.Stream?
            func dial() {
                let probe = Probe()
                owner = probe
                probe.stream = bench.loop.connect(address, owner: probe)
                stream = probe.stream
                probe.whenConnected = { $0.stream?.finish() }
                probe.whenClosed = { probe, _ in probe.stream = nil }
            }
            dial()
            bench.loop.repeatEvery(milliseconds: 1) {
                guard owner == nil, stream == nil else { return }
                done((owner != nil, stream != nil))
            }
        }
        #expect(!alive)
        #expect(!streamAlive)
    }

    /// An answer that comes before the request has left (413, say), followed by a reset.
    @Test func anEarlyAnswerIsReadThoughWritingBroke() async throws {
        let (text, reason) = try await onLoop(answering: (String, CloseReason).self) { bench, done in
            let address = try bench.serve { server in
                server.collects = false
                server.whenReceived = { server, _ in
                    guard server.events.count == 1, server.receivedBytes < 100_000 else { return }
                    server.stream?.pauseReading()
                    server.write("too large")
                    server.stream?.shutdownWrite()
                    server.stream?.close()
                }
            }
            bench.dial(address) { client in
                let part = [UInt8](repeating: 120, count: 65_536)
                client.whenConnected = { $0.stream?.write(part.span) }
                client.whenDrained = { $0.stream?.write(part.span) }
                client.whenReceived = { client, _ in client.stream?.write(part.span) }
                client.whenEnded = { client in for _ in 0..<64 { client.stream?.write(part.span) } }
                client.whenClosed = { client, reason in done((client.text, reason)) }
            }
        }
        #expect(text == "too large")
        #expect(reason == .reset)
    }

    @Test func aResetIsHeardWhileNothingIsAsked() async throws {
        let reason = try await onLoop(answering: CloseReason.self) { bench, done in
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in server.stream?.abort() }
            }
            bench.dial(address) { client in
                client.whenConnected = { $0.write("go") }
                client.whenClosed = { _, reason in done(reason) }
            }
        }
        #expect(reason == .reset)
    }

    @Test func whatCameWhileAStreamRestedIsReadAfterwards() async throws {
        let (text, events) = try await onLoop(answering: (String, [Probe.Event]).self, bufferBytes: 16) { bench, done in
            var client: Probe?
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in
                    guard server.text == "one" else { return }
                    server.stream?.pauseReading()
                    client?.write(" two, three, four, five, six, seven, eight")
                    client?.stream?.shutdownWrite()
                    var ticks = 0
                    var ticker: Ticker?
                    ticker = bench.loop.repeatEvery(milliseconds: 1) {
                        ticks += 1
                        guard ticks == 5 else { return }
                        ticker?.stop()
                        ticker = nil
                        server.stream?.resumeReading()
                    }
                }
                server.whenEnded = { server in
                    server.stream?.close()
                    done((server.text, server.events))
                }
            }
            client = bench.dial(address) { client in client.whenConnected = { $0.write("one") } }
        }
        #expect(text == "one two, three, four, five, six, seven, eight")
        #expect(events == [.received, .ended])
    }

    @Test func manyConnectionsAtOnceEachGetTheirOwnAnswer() async throws {
        let wrong = try await onLoop(answering: [String].self) { bench, done in
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in server.write(server.text) }
                server.whenEnded = { $0.stream?.finish() }
            }
            var open = 300
            var wrong: [String] = []
            for number in 0..<300 {
                bench.dial(address) { client in
                    let text = "client \(number)"
                    client.whenConnected = { $0.write(text) }
                    client.whenReceived = { client, _ in if client.text == text { client.stream?.finish() } }
                    client.whenClosed = { client, reason in
                        if client.text != text || reason != .local { wrong.append("\(number): \(reason)") }
                        open -= 1
                        if open == 0 { done(wrong) }
                    }
                }
            }
        }
        #expect(wrong.isEmpty)
    }
}
