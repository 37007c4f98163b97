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
}
