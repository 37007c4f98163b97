import Bytes

/// What comes next in a chunked body.
public enum ChunkStep: Equatable, Sendable {
    /// Bytes of the body; ask again from the range's end.
    case data(Range<Int>)
    /// Everything up to the span's end has been consumed.
    case more
    /// The body is over; what follows at this offset is the next message.
    case end(at: Int)
    /// The framing is broken, or its extensions and trailers are longer than 16 KiB.
    case bad
}

/// Takes a chunked body apart. It keeps what it knows between reads, so a span may end at any byte.
///
/// Extensions and trailers are read and dropped.
public struct ChunkedBody: Sendable {
    private enum Part {
        case sizeStart, size, extensions, sizeFeed, data, dataReturn, dataFeed
        case trailerStart, trailer, trailerFeed, endFeed, over, broken
    }

    private var part = Part.sizeStart
    /// Bytes of the chunk that are still to come.
    private var left = 0
    private var digits = 0
    /// Bytes of extensions and trailers so far.
    private var extras = 0

    /// The most bytes of extensions and trailers of one body.
    private static let maximumExtras = 16 * 1024

    /// A body of which nothing has been read.
    public init() {}

    /// Whether the last chunk and the trailers have been read.
    public var isOver: Bool { part == .over }

    /// Bytes of the present chunk that are still to come; 0 between chunks.
    public var remainingInChunk: Int { part == .data ? left : 0 }

    /// The next piece of `bytes` at or after `from`, which is where the last step ended.
    public mutating func next(_ bytes: Span<UInt8>, from: Int) -> ChunkStep {
        var index = from
        let count = bytes.count
        while true {
            if part == .over { return .end(at: index) }
            if part == .broken { return .bad }
            guard index < count else { return .more }
            if part == .data {
                let end = min(count, index + left)
                left -= end - index
                if left == 0 { part = .dataReturn }
                return .data(index..<end)
            }
            if !step(bytes[index]) {
                part = .broken
                return .bad
            }
            index += 1
        }
    }

    /// Takes one byte of framing; false when it cannot stand there.
    private mutating func step(_ byte: UInt8) -> Bool {
        switch part {
        case .sizeStart:
            left = 0
            digits = 0
            part = .size
            return takeDigit(byte)
        case .size:
            if byte == 0x0D {
                part = .sizeFeed
            } else if byte == 0x3B {
                part = .extensions
            } else {
                return takeDigit(byte)
            }
            return true
        case .extensions:
            if byte == 0x0D {
                part = .sizeFeed
                return true
            }
            return takeExtra(byte)
        case .sizeFeed:
            part = left == 0 ? .trailerStart : .data
            return byte == 0x0A
        case .dataReturn:
            part = .dataFeed
            return byte == 0x0D
        case .dataFeed:
            part = .sizeStart
            return byte == 0x0A
        case .trailerStart:
            if byte == 0x0D {
                part = .endFeed
                return true
            }
            part = .trailer
            return isToken(byte) && takeExtra(byte)
        case .trailer:
            if byte == 0x0D {
                part = .trailerFeed
                return true
            }
            return takeExtra(byte)
        case .trailerFeed:
            part = .trailerStart
            return byte == 0x0A
        case .endFeed:
            part = .over
            return byte == 0x0A
        case .data, .over, .broken:
            return false
        }
    }

    private mutating func takeDigit(_ byte: UInt8) -> Bool {
        let value: UInt8
        switch byte {
        case 0x30...0x39: value = byte - 0x30
        case 0x41...0x46: value = byte - 0x37
        case 0x61...0x66: value = byte - 0x57
        default: return false
        }
        digits += 1
        left = left << 4 | Int(value)
        return digits <= 15
    }

    private mutating func takeExtra(_ byte: UInt8) -> Bool {
        extras += 1
        return extras <= Self.maximumExtras && (byte >= 0x20 || byte == 0x09) && byte != 0x7F
    }
}
