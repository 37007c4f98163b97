import Testing

import Bytes

private func isSame(_ bytes: [UInt8], _ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
    equalsIgnoringCase(bytes.span, range, text)
}

private func isSame(_ bytes: [UInt8], _ range: Range<Int>, as text: StaticString) -> Bool {
    equals(bytes.span, range, text)
}

@Suite struct BytesTests {
    private let text = Array("Content-Length: 12\r\nx".utf8)

    @Test func findsTheFirstByteOfARange() {
        #expect(firstIndex(of: 0x6E, in: text.span, from: 0, to: text.count) == 2)
        #expect(firstIndex(of: 0x6E, in: text.span, from: 3, to: text.count) == 5)
        #expect(firstIndex(of: 0x0A, in: text.span, from: 0, to: text.count - 2) == -1)
        #expect(firstIndex(of: 0x78, in: text.span, from: 5, to: 5) == -1)
    }

    @Test func loadsWordsAtAnyOffsetLowestByteFirst() {
        let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(loadWord(bytes.span, at: 0) == 0x0706_0504_0302_0100)
        #expect(loadWord(bytes.span, at: 1) == 0x0807_0605_0403_0201)
    }

    @Test func aWordBeyondTheEndTraps() async {
        await #expect(processExitsWith: .failure) {
            let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7]
            _ = loadWord(bytes.span, at: 1)
        }
    }

    @Test(arguments: ["content-length", "CONTENT-LENGTH", "Content-Length", "cONTENT-lENGTH"])
    func ignoresTheCaseOfLettersOnly(_ name: String) {
        let bytes = Array(name.utf8)
        #expect(isSame(bytes, 0..<bytes.count, ignoringCase: "content-length"))
        #expect(!isSame(bytes, 0..<bytes.count, ignoringCase: "content-lengtg"))
        #expect(!isSame(bytes, 0..<bytes.count - 1, ignoringCase: "content-length"))
    }

    @Test func noOtherByteMatchesALowercasedText() {
        let wanted = Array("content-length".utf8)
        for position in wanted.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = wanted
                bytes[position] = byte
                let lowered = (0x41...0x5A).contains(byte) ? byte + 32 : byte
                #expect(
                    isSame(bytes, 0..<bytes.count, ignoringCase: "content-length") == (lowered == wanted[position]),
                    "byte \(byte) at \(position)")
            }
        }
    }

    @Test func comparesExactly() {
        #expect(isSame(text, 0..<7, as: "Content"))
        #expect(!isSame(text, 0..<7, as: "content"))
        #expect(!isSame(text, 0..<6, as: "Content"))
        #expect(isSame(text, 3..<3, as: ""))
    }
}
