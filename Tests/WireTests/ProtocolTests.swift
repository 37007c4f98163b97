import Testing

@testable import Wire

/// Testing has tags too.
private typealias Tag = Wire.Tag

@Suite struct SipHashTests {
    /// Digests of the messages 0, 1, 2 ... under the key 00 01 ... 0f, as the authors' reference program gives them.
    static let vectors: [(Int, String)] = [
        (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
        (2, "8177228da4a45dc7fca38bdef60affe4"), (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"), (9, "264499060ad9baabc47f8b02bb6d71ed"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"), (16, "6ee2a4ca67b054bbfd3315bf85230577"),
        (31, "2939b0183223fafc1723de4f52c43d35"), (32, "7c3956ca5eeafc3e363e9d556546eb68"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ]

    @Test(arguments: vectors) func agreesWithTheReferenceVectors(_ count: Int, _ digest: String) {
        let message = (0..<count).map { UInt8($0) }
        var hash = SipHash(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)
        let (low, high) = hash.finish(message.span, 0..<count)
        #expect(hex(low) + hex(high) == digest)
    }

    @Test func wordsBeforeTheTailCountAsItsFirstBytes() {
        let message = (0..<31).map { UInt8($0) }
        var hash = SipHash(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)
        hash.absorb(0x0706_0504_0302_0100)
        let (low, high) = hash.finish(message.span, 8..<31)
        #expect(hex(low) + hex(high) == "2939b0183223fafc1723de4f52c43d35")
    }

    private func hex(_ word: UInt64) -> String {
        let digits = Array("0123456789abcdef")
        return (0..<8).map { byte in
            let value = Int(truncatingIfNeeded: word >> UInt64(8 * byte)) & 255
            return "\(digits[value >> 4])\(digits[value & 15])"
        }.joined()
    }
}

@Suite struct TagTests {
    private let keys = TagKeys(newest: TagKey(id: 7, k0: 1, k1: 2), previous: TagKey(id: 6, k0: 3, k1: 4))
    private let path = Array("/v1/statement/queued/20261121_025806_00000_3is75/y4d5/2?slug=x1".utf8)
    private let tag = Tag(
        registration: 0xFFFF_FFF1, owner: Owner(counter: 42, random: .max), statement: 0xFFFF_FFFF_FFFF,
        attempt: 0xFFFE, sequence: 0xFFF_FFFF, minute: 29_000_000)

    private func text(_ tag: Tag, key: TagKey, path: [UInt8]) -> [UInt8] {
        tag.text(key: key, path: path.span).bytes
    }

    private func read(_ text: [UInt8], path: [UInt8], keys: TagKeys) -> Tag? {
        let bytes = path + text
        return Tag.read(bytes.span, tag: path.count..<bytes.count, path: 0..<path.count, keys: keys)
    }

    @Test func comesBackAsItWasMade() {
        let made = text(tag, key: keys.newest, path: path)
        #expect(made.count == Tag.length)
        #expect(made.allSatisfy { $0.isTagCharacter })
        #expect(read(made, path: path, keys: keys) == tag)
        #expect(read(text(tag, key: TagKey(id: 6, k0: 3, k1: 4), path: path), path: path, keys: keys) == tag)
    }

    @Test func comesBackForRandomFieldsAndPaths() {
        var random = Randomness(seed: 1)
        for _ in 0..<500 {
            let tag = Tag(
                registration: UInt32.random(in: 0 ... .max, using: &random),
                owner: Owner(counter: .random(in: 0 ... .max, using: &random), random: random.next()),
                statement: random.next(), attempt: .random(in: 0 ... .max, using: &random),
                sequence: .random(in: 0 ... .max, using: &random), minute: .random(in: 0 ... .max, using: &random))
            let path = (0..<random.below(80)).map { _ in UInt8(0x21 + random.below(90)) }
            #expect(read(text(tag, key: keys.newest, path: path), path: path, keys: keys) == tag)
        }
    }

    @Test func aChangeOfAnyCharacterIsRefused() {
        let made = text(tag, key: keys.newest, path: path)
        for position in made.indices {
            for character in Array("AZaz09-_".utf8) + [0x2B, 0x3D, 0x00, 0xFF] where character != made[position] {
                var forged = made
                forged[position] = character
                #expect(read(forged, path: path, keys: keys) == nil, "\(character) at \(position)")
            }
        }
    }

    @Test func anotherPathKeyOrLengthIsRefused() {
        let made = text(tag, key: keys.newest, path: path)
        #expect(read(made, path: path.dropLast() + [0x33], keys: keys) == nil)
        #expect(read(made, path: path + [0x33], keys: keys) == nil)
        #expect(read(made, path: [], keys: keys) == nil)
        #expect(read(made, path: path, keys: TagKeys(newest: TagKey(id: 7, k0: 1, k1: 3), previous: nil)) == nil)
        #expect(read(made, path: path, keys: TagKeys(newest: TagKey(id: 8, k0: 1, k1: 2), previous: nil)) == nil)
        #expect(read(Array(made.dropLast()), path: path, keys: keys) == nil)
        #expect(read(made + [0x41], path: path, keys: keys) == nil)
    }
}

@Suite struct TagTrailTests {
    /// Whatever was made before, a tag is what it would be alone.
    @Test(arguments: 0..<8) func whatWasMadeBeforeChangesNothing(_ seed: UInt64) {
        var random = Randomness(seed: seed)
        let keys = [TagKey(id: 7, k0: 1, k1: 2), TagKey(id: 7, k0: 1, k1: 3), TagKey(id: 8, k0: 1, k1: 2)]
        let long = String(repeating: "x", count: 300)
        let stems = ["/v1/statement/executing/20261121_025806_00000_3is75/y4d5/", "/v1/a?slug=1&b=", "/", "/\(long)/"]
        var trail = TagTrail()
        var path: [UInt8] = []
        var tag = Tag(
            registration: 1, owner: Owner(counter: 1, random: 2), statement: 3, attempt: 1, sequence: 1, minute: 9)
        for round in 0..<3000 {
            switch random.below(6) {
            case 0: path = Array((random.one(of: stems) + "\(random.below(200))").utf8)
            case 1: if !path.isEmpty { path[random.below(path.count)] = random.one(of: Array("?/a1".utf8)) }
            case 2: path = Array(path.prefix(random.below(path.count + 1)))
            case 3: path += Array("/\(random.below(3000))".utf8).prefix(path.count < 400 ? 9 : 0)
            case 4: tag.attempt = UInt16(random.below(2))
            default: tag.sequence &+= 1
            }
            if random.chance(0.1) { tag.registration = UInt32(random.below(3)) }
            if random.chance(0.1) { tag.owner.random = UInt64(random.below(3)) }
            let key = random.chance(0.8) ? keys[0] : random.one(of: keys)
            let lead = random.below(5)
            let bytes = [UInt8](repeating: 0x3F, count: lead) + path + [0x3F, 0x2F]
            let made = trail.text(of: tag, key: key, bytes: bytes.span, path: lead..<lead + path.count)
            let isSame = made.text.bytes == tag.text(key: key, path: path.span).bytes
            #expect(isSame && made.hasQuery == path.contains(0x3F), "seed \(seed), round \(round)")
        }
    }
}

@Suite struct HandedURITests {
    private let keys = TagKeys(newest: TagKey(id: 7, k0: 1, k1: 2), previous: nil)
    private let tag = Tag(
        registration: 1, owner: Owner(counter: 42, random: 5), statement: 6, attempt: 1, sequence: 2, minute: 29_000_000
    )
    private let text = Array("/v1/statement/queued/a/y4d5/2?via=".utf8)

    private func handed() -> HandedURI {
        var handed = HandedURI()
        handed.text = text
        handed.tag = tag
        handed.key = keys.newest
        return handed
    }

    private func found(_ asked: [UInt8], lead: Int = 0, keys: TagKeys) -> Tag? {
        var handed = handed()
        let bytes = [UInt8](repeating: 0x2F, count: lead) + asked
        return handed.tag(bytes.span, lead..<bytes.count, keys: keys)
    }

    @Test func isKnownAgainWordForWord() {
        #expect(found(text, keys: keys) == tag)
        #expect(found(text, lead: 4, keys: keys) == tag)
        for place in text.indices {
            var other = text
            other[place] ^= 1
            #expect(found(other, keys: keys) == nil)
        }
        #expect(found(text.dropLast(), keys: keys) == nil)
        #expect(found(text + [0x41], keys: keys) == nil)
        #expect(found([], keys: keys) == nil)
        var none = HandedURI()
        #expect(none.tag(text.span, 0..<0, keys: keys) == nil)
    }

    @Test func endsWithItsKey() {
        let newer = TagKey(id: 8, k0: 3, k1: 4)
        #expect(found(text, keys: TagKeys(newest: newer, previous: keys.newest)) == tag)
        #expect(found(text, keys: TagKeys(newest: newer, previous: nil)) == nil)
        #expect(found(text, keys: TagKeys(newest: TagKey(id: 7, k0: 1, k1: 3), previous: nil)) == nil)
    }
}

extension UInt8 {
    fileprivate var isTagCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }
}

@Suite struct EndpointTests {
    /// What a target is, its ranges written out.
    private func classified(_ text: String) -> String {
        let bytes = Array("GET \(text) HTTP/1.1".utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        switch endpoint(of: 4..<4 + text.utf8.count, in: bytes.span) {
        case .statement: return "statement"
        case .tagged(let path, let tag): return "tagged \(part(path)) \(part(tag).count)"
        case .queryID(let id): return "query \(part(id))"
        case .info: return "info"
        case .infoState: return "info state"
        case .status: return "status"
        case .ui: return "ui"
        case .uiQuery(let id): return "ui query \(part(id))"
        case .healthy: return "healthy"
        case .ready: return "ready"
        case .unknown: return "unknown"
        }
    }

    static let tag = String(repeating: "A", count: Tag.length)

    @Test(arguments: [
        ("/v1/statement", "statement"), ("/v1/statement?binaryResults=true&x", "statement"), ("/v1/info", "info"),
        ("/v1/info?x=1", "info"), ("/v1/info/state", "info state"), ("/v1/status", "status"), ("/ui", "ui"),
        ("/ui/", "ui"), ("/ui/query.html?20261121_025806_00000_3is75", "ui query 20261121_025806_00000_3is75"),
        ("/v1/query/20261121_025806_00000_3is75", "query 20261121_025806_00000_3is75"),
        ("/v1/query/A-b_1?pruned=true", "query A-b_1"),
        ("/v1/query/1795219931.4530947_1795220359445", "query 1795219931.4530947_1795220359445"),
        ("/-/healthy", "healthy"), ("/-/ready", "ready"),
        ("/v1/statement/queued/a/b/1?via=\(tag)", "tagged /v1/statement/queued/a/b/1 64"),
        ("/v1/statement/queued/a/1?slug=x&via=\(tag)", "tagged /v1/statement/queued/a/1?slug=x 64"),
        ("/v1/stage/a.1?via=\(tag)", "tagged /v1/stage/a.1 64"), ("//a%2f..?via=\(tag)", "tagged //a%2f.. 64"),
    ])
    func isKnown(_ target: String, _ expected: String) {
        #expect(classified(target) == expected)
    }

    @Test(arguments: [
        "/", "/v1", "/v1/statement/", "/V1/statement", "/v1/Statement", "//v1/statement", "/v1//statement",
        "/v1/./statement", "/v1/x/../statement", "/v1%2fstatement", "/v1/statement%20", "/v1\\statement",
        "/v1/statement/queued/a/b/1", "/v1/query", "/v1/query/", "/v1/query/..", "/v1/query/.a", "/v1/query/a/b",
        "/v1/query/a%2fb", "/v1/query/a/killed", "/v1/info/", "/v1/info/coordinator", "/v1/task/a", "/v1/node",
        "/ui/query.html", "/ui/query.html?a/b", "/ui/query.html?", "/ui/assets/a", "/ui/..", "/-/", "/metrics", "*", "",
        "/v1/query/" + String(repeating: "a", count: 129),
        // The tag too short, too long, named otherwise, or in the path.
        "/a?via=" + String(repeating: "A", count: Tag.length - 1), "/a?xvia=\(tag)", "/a?Via=\(tag)", "/a/via=\(tag)",
        "/a?via=\(tag)&b", "via=\(tag)", "?via=\(tag)",
    ])
    func isUnknown(_ target: String) {
        #expect(classified(target) == "unknown")
    }
}

@Suite struct StatementIDTests {
    @Test func hasTheFormOfAnEnginesIDs() {
        let id = statementID(owner: Owner(counter: 3, random: 0x89AB_CDEF), statement: 42)
        #expect(id == "00042_dce2xtpp")
        #expect(statementID(owner: Owner(counter: 0, random: .max), statement: 1_234_567).hasPrefix("1234567_a"))
    }

    @Test func comesBackAndDiffersForEveryOwnerAndNumber() {
        var random = Randomness(seed: 2)
        var seen: Set<String> = []
        for round in 0..<1000 {
            let wide = round % 3 == 0
            let owner = Owner(
                counter: wide ? 0 : UInt32(random.below(1 << (1 + round % 31))),
                random: wide ? random.next() : random.next() >> 32)
            let statement = random.next() >> UInt64(16 + round % 40)
            let id = statementID(owner: owner, statement: statement)
            let bytes = Array(id.utf8)
            let back = readStatementID(bytes.span, 0..<bytes.count)
            #expect(back?.owner == owner)
            #expect(back?.statement == statement)
            #expect(id.split(separator: "_").last?.count ?? 0 > 5)
            #expect(bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F })
            seen.insert("\(owner) \(statement)|\(id)")
        }
        #expect(Set(seen.map { $0.split(separator: "|")[1] }).count == seen.count)
    }

    @Test(arguments: [
        "", "_", "00042", "00042_", "0042_dce2xtpp", "000042_dce2xtpp", "00042_dce2xtp", "00042_Dce2xtpp",
        "00042_dce2x1pp", "00042_7777777aaaaaaa", "20261121_025806_00000_3is75", "00042_dce2xtpp ",
    ])
    func anotherTextIsNone(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(readStatementID(bytes.span, 0..<bytes.count) == nil)
    }
}

@Suite struct PreparedStatementTests {
    private func found(_ name: String, in value: String) -> String? {
        preparedStatement(named: name, in: Array(value.utf8).span).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func isFoundByItsDecodedName() {
        let value = "a=SELECT+1, my+p%C3%A4ir=INSERT+INTO+t%20VALUES+%28%3F%2C+%27%3D%27%29 ,b=SELECT%0A2"
        #expect(found("a", in: value) == "SELECT 1")
        #expect(found("my p\u{E4}ir", in: value) == "INSERT INTO t VALUES (?, '=')")
        #expect(found("b", in: value) == "SELECT\n2")
        #expect(found("c", in: value) == nil)
        #expect(found("a", in: "") == nil)
    }

    @Test func whatCannotBeReadIsAbsent() {
        #expect(found("a", in: "a=$zstd:KLUv_SA") == nil)
        #expect(found("a", in: "a=%24zstd%3AKLUv_SA") == nil)
        #expect(found("a", in: "a=SELECT%2") == nil)
        #expect(found("a", in: "a=SELECT%zz") == nil)
        #expect(found("a", in: "a") == nil)
    }
}
