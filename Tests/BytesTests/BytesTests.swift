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

    /// Every place of the byte in ranges of every length, with the same byte right before and right behind the range.
    @Test func findsAByteAtEveryPlace() {
        for length in 0...100 {
            for start in [0, 1, 7] {
                for behind in [0, 1, 20] {
                    var bytes = [UInt8](repeating: 0x61, count: start + length + behind)
                    if start > 0 { bytes[start - 1] = 0x2C }
                    if behind > 0 { bytes[start + length] = 0x2C }
                    #expect(firstIndex(of: 0x2C, in: bytes.span, from: start, to: start + length) == -1)
                    for place in start..<start + length {
                        var changed = bytes
                        changed[place] = 0x2C
                        #expect(firstIndex(of: 0x2C, in: changed.span, from: start, to: start + length) == place)
                        for later in place..<min(place + 3, start + length) { changed[later] = 0x2C }
                        #expect(firstIndex(of: 0x2C, in: changed.span, from: start, to: start + length) == place)
                    }
                }
            }
        }
    }

    @Test func everyByteIsFoundAmongItsNeighbours() {
        for byte in UInt8.min...UInt8.max {
            for length in [1, 8, 15, 16, 17, 40] {
                var bytes = [UInt8](repeating: byte ^ 1, count: length)
                #expect(firstIndex(of: byte, in: bytes.span, from: 0, to: length) == -1)
                bytes[length - 1] = byte
                #expect(firstIndex(of: byte, in: bytes.span, from: 0, to: length) == length - 1)
                bytes[length / 2] = byte
                #expect(firstIndex(of: byte, in: bytes.span, from: 0, to: length) == length / 2)
            }
        }
    }

    /// All bytes in order, wherever they end and the walk begins, with 0 behind them.
    @Test func goesThroughBytesSixteenAtATime() {
        for size in 0...50 {
            let bytes = (0..<size).map { UInt8(1 + $0) }
            for start in 0...size {
                for wanted in 1...5 {
                    var seen: [Int8] = []
                    var rounds = 0
                    let end = forEachSixteen(bytes.span, from: start) { sixteen, index in
                        #expect(index == start + 16 * rounds)
                        rounds += 1
                        for place in 0..<16 { seen.append(sixteen[place]) }
                        return rounds == wanted ? index + 3 : -1
                    }
                    let needed = (size - start + 15) / 16
                    #expect(rounds == min(wanted, needed))
                    #expect(end == (wanted <= needed ? start + 16 * (wanted - 1) + 3 : size))
                    let rest = bytes[start...].map { Int8($0) } + [Int8](repeating: 0, count: 15)
                    #expect(seen == Array(rest.prefix(16 * rounds)))
                }
            }
        }
    }

    @Test func marksAreTheHighestBits() {
        for place in 0..<16 {
            var marks = Sixteen(repeating: 0x7F)
            #expect(!hasMark(marks))
            marks[place] = -1
            #expect(hasMark(marks))
            let bit = UInt64(0x80) << UInt64(8 * (place % 8))
            #expect(markWords(marks) == (place < 8 ? bit : 0, place < 8 ? 0 : bit))
        }
    }

    @Test func anArrayBecomesACopyOfAnySpan() {
        let bytes = (0..<40).map { UInt8($0) }
        for before in 0...20 {
            for count in 0...20 {
                var array = [UInt8](repeating: 9, count: before)
                let kept = array
                array.replace(with: bytes.span.extracting(5..<5 + count))
                #expect(array == Array(bytes[5..<5 + count]))
                #expect(kept == [UInt8](repeating: 9, count: before))
            }
        }
    }

    @Test func marksTellASCIIApart() {
        for byte in UInt8.min...UInt8.max {
            let bytes = Sixteen(repeating: Int8(bitPattern: byte))
            #expect((bytes.marks(of: 0x3A)[3] < 0) == (byte == 0x3A))
            for bound: UInt8 in [1, 0x20, 0x21, 0x7F] {
                #expect((bytes.marks(below: bound)[9] < 0) == (byte < bound))
                if byte < 0x80 { #expect((bytes.marks(from: bound)[15] < 0) == (byte >= bound)) }
            }
        }
    }

    @Test func loadsShortWords() {
        for size in 0...20 {
            let bytes = (0..<size).map { UInt8(0x81 + $0) }
            for start in 0...size {
                for count in 0...min(8, size - start) {
                    var expected: UInt64 = 0
                    for offset in 0..<count { expected |= UInt64(bytes[start + offset]) << UInt64(8 * offset) }
                    #expect(loadWord(bytes.span, at: start, count: count) == expected)
                }
            }
        }
    }

    @Test func aShortWordBeyondTheEndTraps() async {
        await #expect(processExitsWith: .failure) {
            let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
            _ = loadWord(bytes.span, at: 8, count: 3)
        }
    }

    @Test func aSearchBeyondTheEndTraps() async {
        await #expect(processExitsWith: .failure) {
            let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
            _ = firstIndex(of: 0xFF, in: bytes.span, from: 0, to: 11)
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

    @Test func everyLengthIsComparedToItsLastByte() {
        let texts: [StaticString] = [
            "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghij",
            "abcdefghijklmno", "abcdefghijklmnop", "abcdefghijklmnopq", "abcdefghijklmnopqrstuvwxyz",
        ]
        for text in texts {
            let count = text.utf8CodeUnitCount
            let wanted = Array("abcdefghijklmnopqrstuvwxyz".utf8.prefix(count))
            #expect(isSame(wanted, 0..<count, as: text))
            #expect(isSame([0] + wanted + [0], 1..<count + 1, as: text))
            #expect(isSame(wanted.map { $0 - 32 }, 0..<count, ignoringCase: text))
            #expect(!isSame([0] + wanted, 0..<count, as: text))
            for place in 0..<count {
                var bytes = wanted
                bytes[place] ^= 0x20
                #expect(!isSame(bytes, 0..<count, as: text))
                #expect(isSame(bytes, 0..<count, ignoringCase: text))
                bytes[place] ^= 0x81
                #expect(!isSame(bytes, 0..<count, ignoringCase: text))
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
