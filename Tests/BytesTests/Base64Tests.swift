import Testing

import Bytes

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Eight bytes as a word, the first lowest.
private func word(_ bytes: [UInt8]) -> UInt64 {
    loadWord(bytes.span, at: 0)
}

@Suite struct Base64Tests {
    @Test func everyValueHasItsCharacterAtEveryPlace() {
        for (value, character) in alphabet.enumerated() {
            for place in 0..<8 {
                var characters = [UInt8](repeating: UInt8(ascii: "A"), count: 8)
                characters[place] = character
                let bits = UInt64(value) << UInt64(6 * place)
                let made = base64Characters(of: SIMD2(bits, ~bits))
                #expect(made[0] == word(characters))
                #expect(base64Words(of: made) == SIMD2(bits, ~bits & 0xFFFF_FFFF_FFFF))
            }
        }
    }

    @Test func onlyTheAlphabetIsRead() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                var characters = [UInt8](repeating: UInt8(ascii: "z"), count: 8)
                characters[place] = byte
                let isRead = alphabet.contains(byte)
                let other = word(Array("09azAZ-_".utf8))
                #expect((base64Words(of: SIMD2(word(characters), other)) != nil) == isRead, "byte \(byte)")
                #expect((base64Words(of: SIMD2(other, word(characters))) != nil) == isRead, "byte \(byte)")
            }
        }
    }
}
