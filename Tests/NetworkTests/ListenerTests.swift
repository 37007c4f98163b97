import Network
import Testing

/// Listening sockets.
@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    @Test func aTakenPortIsSaidSo() async throws {
        let same = try await onLoop(answering: Bool.self) { bench, done in
            let address = try bench.serve { _ in }
            do throws(NetworkError) {
                _ = try bench.loop.listen(address) { _, _ in }
                done(false)
            } catch {
                done(error == .addressInUse(address))
            }
        }
        #expect(same)
    }

    @Test func anAddressOfAnotherMachineIsSaidSo() async throws {
        let foreign = try #require(SocketAddress(ip: "192.0.2.1", port: 0))
        await #expect(throws: NetworkError.addressNotAvailable(foreign)) {
            try await onLoop(answering: Bool.self) { bench, _ in _ = try bench.loop.listen(foreign) { _, _ in } }
        }
    }

    @Test func aRestingListenerLetsConnectionsWait() async throws {
        let (whileResting, text) = try await onLoop(answering: (Int, String).self) { bench, done in
            var accepted = 0
            let address = try bench.serve { server in
                accepted += 1
                server.whenReceived = { server, _ in server.write("welcome") }
            }
            bench.listener?.rest()
            var whileResting = -1
            bench.dial(address) { client in
                client.whenConnected = { client in
                    client.write("hello")
                    var ticks = 0
                    var ticker: Ticker?
                    ticker = bench.loop.repeatEvery(milliseconds: 1) {
                        ticks += 1
                        guard ticks == 20 else { return }
                        ticker?.stop()
                        ticker = nil
                        whileResting = accepted
                        bench.listener?.resume()
                    }
                }
                client.whenReceived = { client, _ in done((whileResting, client.text)) }
            }
        }
        #expect(whileResting == 0)
        #expect(text == "welcome")
    }

    @Test func aDescriptorCanBeOpenedByAnotherLoop() async throws {
        ignoreBrokenPipes()
        let other = try LoopThread(name: "other") { Bench($0) }
        let answer = try await onLoop(answering: String.self) { bench, done in
            let address = try #require(SocketAddress(ip: "127.0.0.1", port: 0))
            let listener = try bench.loop.listen(address) { _, descriptor in
                other.post { bench in
                    let probe = Probe()
                    probe.whenReceived = { probe, _ in
                        probe.write("from the other loop")
                        probe.stream?.finish()
                    }
                    probe.stream = bench.loop.open(descriptor, owner: probe)
                }
            }
            bench.listener = listener
            bench.dial(listener.address) { client in
                client.whenConnected = { $0.write("hello") }
                client.whenEnded = { client in
                    client.stream?.finish()
                    done(client.text)
                }
            }
        }
        other.stop()
        let closedCleanly = await other.join()
        #expect(answer == "from the other loop")
        #expect(closedCleanly)
    }

    @Test func aDescriptorThatNobodyOpensIsClosed() async throws {
        let reason = try await onLoop(answering: CloseReason?.self) { bench, done in
            let address = try #require(SocketAddress(ip: "127.0.0.1", port: 0))
            let listener = try bench.loop.listen(address) { _, _ in }
            bench.listener = listener
            bench.dial(listener.address) { client in
                client.whenEnded = { client in
                    client.stream?.close()
                    done(nil)
                }
                client.whenClosed = { _, reason in done(reason) }
            }
        }
        #expect(reason == nil)
    }
}
