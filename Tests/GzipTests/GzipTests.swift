import Gzip
import Testing

@Suite("Gzip")
struct GzipTests {
    @Test(arguments: [0, 1, 1000, 65_536, 300_000])
    func givesBackWhatWasPacked(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
        #expect(try decompress(compress(bytes), maximum: count) == bytes)
    }

    @Test func unpacksWhatAnotherProgramPacked() throws {
        // `printf penstock | gzip -n`
        let packed: [UInt8] = [
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x2b, 0x48, 0xcd, 0x2b, 0x2e, 0xc9, 0x4f, 0xce,
            0x06, 0x00,
        ]
        let trailer = [UInt8]([0xec, 0xe2, 0x16, 0xaf, 0x08, 0x00, 0x00, 0x00])
        #expect(try decompress(packed + trailer, maximum: 100) == Array("penstock".utf8))
    }

    @Test func refusesABomb() {
        let packed = compress([UInt8](repeating: 0, count: 10_000_000))
        #expect(packed.count < 20_000)
        #expect(throws: GzipError.tooLarge(maximum: 1_000_000)) { try decompress(packed, maximum: 1_000_000) }
    }

    @Test func tellsCutFromMalformed() throws {
        let packed = compress(Array("some text, some text, some text".utf8))
        for length in 1..<packed.count {
            #expect(throws: GzipError.cut) { try decompress(Array(packed[..<length]), maximum: 1000) }
        }
        #expect(throws: GzipError.cut) { try decompress([], maximum: 1000) }
        var damaged = packed
        damaged[packed.count - 6] ^= 1
        #expect(throws: GzipError.malformed) { try decompress(damaged, maximum: 1000) }
        #expect(throws: GzipError.malformed) { try decompress(Array("plain".utf8), maximum: 1000) }
        #expect(throws: GzipError.malformed) { try decompress(packed + [0], maximum: 1000) }
    }
}
