import Network
import Testing

/// Addresses as values.
struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:8080"), ("0.0.0.0", "0.0.0.0:8080"), ("255.254.253.252", "255.254.253.252:8080"),
        ("::1", "[::1]:8080"), ("::", "[::]:8080"), ("2001:db8:0:0:0:0:0:1", "[2001:db8::1]:8080"),
        ("::ffff:10.1.2.3", "10.1.2.3:8080"),
    ])
    func addressesInNumbersAreWrittenInTheirShortForm(ip: String, text: String) throws {
        let address = try #require(SocketAddress(ip: ip, port: 8080))
        #expect(address.description == text)
        #expect(address.port == 8080)
        #expect(SocketAddress(ip: address.ip, port: 8080) == address)
        #expect(address.with(port: 1) != address)
        #expect(address.with(port: 1).ip == address.ip)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "::g", "[::1]", "127.0.0.1:80", " 127.0.0.1"])
    func everythingElseIsNoAddress(ip: String) {
        #expect(SocketAddress(ip: ip, port: 80) == nil)
    }

    @Test func namesAndNumbersAreResolved() throws {
        let loopback = try #require(SocketAddress(ip: "127.0.0.1", port: 443))
        #expect(resolve(host: "127.0.0.1", port: 443) == [loopback])
        #expect(resolve(host: "localhost", port: 443).contains(loopback))
        #expect(resolve(host: "not a name", port: 443).isEmpty)
    }
}
