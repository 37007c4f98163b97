import Network
import Testing

/// What happens when a peer reads more slowly than the other side writes.
@Suite(.timeLimit(.minutes(1)))
struct BackpressureTests {
    /// Bytes of a period that no buffer's size is a multiple of, so that a lost, doubled or swapped piece shows.
    private static let pattern = (0..<251 * 512).map { UInt8($0 % 251) }

    /// The bytes that belong at a place; at most 100 KiB of them.
    fileprivate static func piece(from start: Int, count: Int) -> ArraySlice<UInt8> {
        pattern[start % 251..<start % 251 + count]
    }

    /// Writes `total` bytes as long as less than `highWater` wait, and notes the most that ever waited.
    private final class Source {
        let total: Int
        let highWater = 512 * 1024
        var written = 0
        var mostPending = 0

        init(total: Int) { self.total = total }

        func go(_ probe: Probe) {
            guard let stream = probe.stream else { return }
            while written < total, stream.pendingBytes <= highWater {
                let (first, second) = (min(30_011, total - written), min(70_001, max(0, total - written - 30_011)))
                let bytes = (
                    BackpressureTests.piece(from: written, count: first),
                    BackpressureTests.piece(from: written + first, count: second)
                )
                stream.write(bytes.0.span, bytes.1.span)
                written += first + second
                mostPending = max(mostPending, stream.pendingBytes)
            }
            if written == total { stream.shutdownWrite() }
        }
    }

    /// Checks each byte, and rests after each 64 KiB until the loop's clock lets it go on.
    private final class Sink {
        var count = 0
        var firstWrong: Int?
        var rests = 0
        private var untilRest = 65_536

        func take(_ probe: Probe, _ loop: Loop) {
            let expected = BackpressureTests.piece(from: count, count: probe.collected.count)
            if firstWrong == nil, expected != probe.collected[...] { firstWrong = count }
            count += probe.collected.count
            untilRest -= probe.collected.count
            probe.collected.removeAll(keepingCapacity: true)
            guard untilRest <= 0 else { return }
            untilRest = 65_536
            rests += 1
            probe.stream?.pauseReading()
            var ticker: Ticker?
            ticker = loop.repeatEvery(milliseconds: 1) {
                ticker?.stop()
                ticker = nil
                probe.stream?.resumeReading()
            }
        }
    }

    private struct Report: Sendable {
        var counts: [Int] = []
        var firstWrong: [Int?] = []
        var mostPending: [Int] = []
        var rests: [Int] = []
    }

    @Test func nothingIsLostInEitherDirectionAndLittleWaits() async throws {
        let total = 8 << 20
        let report = try await onLoop(answering: Report.self, bufferBytes: 32_768) { bench, done in
            let sources = (Source(total: total), Source(total: total))
            let sinks = (Sink(), Sink())
            var open = 2
            func play(_ probe: Probe, _ source: Source, _ sink: Sink) {
                probe.whenDrained = { source.go($0) }
                probe.whenReceived = { probe, _ in sink.take(probe, bench.loop) }
                probe.whenEnded = { probe in if source.written == total { probe.stream?.finish() } }
                probe.whenClosed = { probe, _ in
                    open -= 1
                    guard open == 0 else { return }
                    done(
                        Report(
                            counts: [sinks.0.count, sinks.1.count],
                            firstWrong: [sinks.0.firstWrong, sinks.1.firstWrong],
                            mostPending: [sources.0.mostPending, sources.1.mostPending],
                            rests: [sinks.0.rests, sinks.1.rests]))
                }
            }
            let address = try bench.serve { server in
                play(server, sources.0, sinks.0)
                var ticker: Ticker?
                ticker = bench.loop.repeatEvery(milliseconds: 1) {
                    ticker?.stop()
                    ticker = nil
                    sources.0.go(server)
                }
            }
            bench.dial(address) { client in
                play(client, sources.1, sinks.1)
                client.whenConnected = { sources.1.go($0) }
            }
        }
        #expect(report.counts == [total, total])
        #expect(report.firstWrong == [nil, nil])
        #expect(report.mostPending.allSatisfy { $0 <= 512 * 1024 + 100_012 })
        #expect(report.rests.allSatisfy { $0 > 20 })
    }

    /// Many small writes to a peer that does not read: all are kept, all arrive.
    @Test func smallWritesToAStalledPeerAreGathered() async throws {
        let (written, read, firstWrong) = try await onLoop(answering: (Int, Int, Int?).self, bufferBytes: 65_536) {
            bench, done in
            var client: Probe?
            var written = 0
            let sink = Sink()
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in
                    // The first byte tells that the connection stands; from now on nothing is read for a while.
                    server.stream?.pauseReading()
                    guard let stream = client?.stream else { return }
                    while stream.pendingBytes < 2 << 20 {
                        stream.write(BackpressureTests.piece(from: written, count: 7).span)
                        written += 7
                    }
                    stream.shutdownWrite()
                    server.whenReceived = { server, _ in sink.take(server, bench.loop) }
                    server.whenEnded = { server in
                        server.stream?.close()
                        done((written, sink.count, sink.firstWrong))
                    }
                    sink.take(server, bench.loop)
                    server.stream?.resumeReading()
                }
            }
            client = bench.dial(address) { client in
                client.whenConnected = { client in
                    client.stream?.write(BackpressureTests.piece(from: 0, count: 1).span)
                    written = 1
                }
            }
        }
        #expect(written > 2 << 20)
        #expect(read == written)
        #expect(firstWrong == nil)
    }

    @Test func pendingAndWrittenBytesAddUp() async throws {
        let sums = try await onLoop(answering: [[Int]].self) { bench, done in
            let address = try bench.serve { server in
                server.whenReceived = { server, _ in server.stream?.pauseReading() }
            }
            bench.dial(address) { client in
                client.whenConnected = { client in
                    guard let stream = client.stream else { return }
                    let part = [UInt8](repeating: 1, count: 1 << 20)
                    var sums: [[Int]] = []
                    for round in 1...16 {
                        stream.write(part.span)
                        sums.append([round << 20, stream.pendingBytes + stream.bytesWritten])
                    }
                    sums.append([1, stream.pendingBytes > 0 ? 1 : 0])
                    let written = stream.bytesWritten
                    stream.cut()
                    sums.append([written, stream.bytesWritten])
                    sums.append([0, stream.pendingBytes])
                    done(sums)
                }
            }
        }
        for pair in sums { #expect(pair[0] == pair[1]) }
    }

    /// A paused reader's peer fills the kernel's buffers and then waits: its bytes do not gather in this process.
    @Test func aPausedStreamReceivesNothing() async throws {
        let (before, after) = try await onLoop(answering: (Int, Int).self) { bench, done in
            var server: Probe?
            let address = try bench.serve { probe in
                server = probe
                probe.collects = false
                probe.whenReceived = { probe, _ in probe.stream?.pauseReading() }
            }
            bench.dial(address) { client in
                client.whenConnected = { client in
                    let part = [UInt8](repeating: 1, count: 8 << 20)
                    client.stream?.write(part.span)
                }
                client.whenClosed = { _, _ in }
            }
            var rounds = 0
            var before = -1
            bench.loop.repeatEvery(milliseconds: 1) {
                guard let server, server.receivedBytes > 0 else { return }
                rounds += 1
                if rounds == 1 { before = server.receivedBytes }
                if rounds == 20 { done((before, server.receivedBytes)) }
            }
        }
        #expect(before > 0)
        #expect(after == before)
    }
}
