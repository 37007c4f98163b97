import CZlib

/// Why bytes could not be unpacked.
public enum GzipError: Error, Equatable, Sendable {
    /// They are no gzip member, or a damaged one.
    case malformed
    /// They end before the member does.
    case cut
    /// Unpacked they are larger than the caller allows.
    case tooLarge(maximum: Int)
}

/// Packs bytes as one gzip member.
/// - Parameter level: 1 is fastest, 9 is smallest.
public func compress(_ bytes: [UInt8], level: Int = 6) -> [UInt8] {
    let stream = Stream()
    return stream.deflate(bytes, level: Int32(clamping: min(max(level, 1), 9)))
}

/// Unpacks one gzip member, with bytes after it refused.
/// - Parameter maximum: the most bytes that may come out; a small bomb must not fill the memory.
public func decompress(_ bytes: [UInt8], maximum: Int) throws(GzipError) -> [UInt8] {
    let stream = Stream()
    return try stream.inflate(bytes, maximum: maximum)
}

/// A zlib stream. It sits on the heap because zlib keeps its address.
@safe private final class Stream {
    /// Window of 32 KiB, with gzip's header and trailer (zlib.h, deflateInit2).
    private static let gzipWindowBits: Int32 = 15 + 16
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
    }

    deinit {
        unsafe stream.deallocate()
    }

    func deflate(_ bytes: [UInt8], level: Int32) -> [UInt8] {
        let started = unsafe shim_deflateInit2(stream, level, Stream.gzipWindowBits)
        precondition(started == Z_OK, "zlib refuses only a bad level or when no memory is left")
        defer { unsafe deflateEnd(stream) }
        // The bound holds for the whole input in one call.
        let bound = unsafe Int(deflateBound(stream, UInt(bytes.count)))
        return feed(bytes) {
            unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(output.count)
                let ended = unsafe CZlib.deflate(stream, Z_FINISH)
                precondition(ended == Z_STREAM_END, "the output has room for the bound")
                count = unsafe output.count - Int(stream.pointee.avail_out)
            }
        }
    }

    func inflate(_ bytes: [UInt8], maximum: Int) throws(GzipError) -> [UInt8] {
        let started = unsafe shim_inflateInit2(stream, Stream.gzipWindowBits)
        precondition(started == Z_OK, "zlib refuses only when no memory is left")
        defer { unsafe inflateEnd(stream) }
        let result: Result<[UInt8], GzipError> = feed(bytes) { inflateAll(maximum: maximum) }
        return try result.get()
    }

    private func inflateAll(maximum: Int) -> Result<[UInt8], GzipError> {
        var whole: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            let size = block.count
            let code = unsafe block.withUnsafeMutableBufferPointer { output in
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(size)
                return unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            }
            let count = unsafe size - Int(stream.pointee.avail_out)
            guard whole.count + count <= maximum else { return .failure(.tooLarge(maximum: maximum)) }
            whole += block[..<count]
            switch code {
            case Z_STREAM_END:
                return unsafe stream.pointee.avail_in == 0 ? .success(whole) : .failure(.malformed)
            case Z_OK where count > 0: continue
            case Z_OK, Z_BUF_ERROR: return .failure(.cut)
            default: return .failure(.malformed)
            }
        }
    }

    /// Lends the bytes to the stream as its input while the body runs.
    private func feed<Output>(_ bytes: [UInt8], _ body: () -> Output) -> Output {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(input.count)
            return body()
        }
    }
}
