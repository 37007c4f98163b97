import Testing

@testable import Wire

/// Every byte at every place of texts up to three words long, which are read sixteen bytes at a time.
@Suite struct OctetsTests {
    private static let token = Array(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

    private func forEveryByte(_ filler: UInt8, _ body: (_ bytes: [UInt8], _ range: Range<Int>, _ place: Int) -> Void) {
        for length in 1...35 {
            for start in [0, 3] {
                for place in [0, length / 2, length - 1] {
                    for byte in UInt8.min...UInt8.max {
                        // What stands around the range must not count.
                        var bytes = [UInt8](repeating: 0, count: start) + [UInt8](repeating: filler, count: length)
                        bytes[start + place] = byte
                        bytes.append(0)
                        body(bytes, start..<start + length, start + place)
                    }
                }
            }
        }
    }

    @Test func tokensAreThoseOfTheStandard() {
        forEveryByte(0x61) { bytes, range, place in
            #expect(isToken(bytes.span, range) == Self.token.contains(bytes[place]))
        }
    }

    @Test func targetsEndBeforeWhatTheyMayNotHold() {
        forEveryByte(0x2F) { bytes, range, place in
            let isAllowed = (0x21...0x7E).contains(bytes[place]) && bytes[place] != 0x23
            let end = endOfTarget(bytes.span, from: range.lowerBound, to: range.upperBound)
            #expect(end == (isAllowed ? range.upperBound : place))
        }
    }

    @Test func hostsEndBeforeWhatTheyMayNotHold() {
        let allowed = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%-.:[]_~".utf8)
        forEveryByte(0x2E) { bytes, range, place in
            let end = endOfHost(bytes.span, from: range.lowerBound, to: range.upperBound)
            #expect(end == (allowed.contains(bytes[place]) ? range.upperBound : place))
        }
    }

    @Test func linesAreRefusedForTheirControlsOnly() {
        forEveryByte(0x61) { bytes, range, place in
            var head = HeadLines()
            let line = Array("A: ".utf8) + bytes[range] + Array("\r\nB".utf8)
            guard case .line(let found, let colon, let holdsControl) = head.next(line.span, maximum: 1000) else {
                #expect(bytes[place] == 0x0A)
                return
            }
            #expect(found == 0..<line.count - 3)
            #expect(colon == 1)
            #expect(holdsControl == ((bytes[place] < 0x20 && bytes[place] != 0x09) || bytes[place] == 0x7F))
        }
    }

    @Test func aReusedListHoldsOnlyWhatWasAdded() {
        var slots = Slots<Int>()
        for number in 0..<5 { slots.append(number) }
        slots.removeAll(keeping: 10)
        #expect(slots.isEmpty)
        slots.append(7)
        #expect(Array(slots) == [7])
        var other = Slots<Int>()
        other.append(7)
        #expect(slots == other)
    }
}
