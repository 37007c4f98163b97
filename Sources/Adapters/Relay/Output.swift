/// Where a loop assembles what it sends: heads, tags, the start of a page. One buffer per loop, used within one call.
///
/// Every write is checked against the buffer's bounds; it grows up to the largest head that the limits allow.
@safe
final class Output {
    private var bytes: UnsafeMutableRawBufferPointer
    /// How many bytes were put.
    private(set) var count = 0

    init(capacity: Int) {
        unsafe bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    }

    deinit { unsafe bytes.deallocate() }

    /// Begins anew. A buffer that a huge head made large is given back.
    func clear() {
        count = 0
        if unsafe bytes.count > Self.kept {
            unsafe bytes.deallocate()
            unsafe bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.kept, alignment: 64)
        }
    }

    private static let kept = 512 << 10

    private func makeRoom(_ more: Int) {
        let capacity = unsafe bytes.count
        guard count + more > capacity else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(capacity * 2, count + more), alignment: 64)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
        unsafe bytes.deallocate()
        unsafe bytes = larger
    }

    /// Puts a slice of a span.
    func put(_ span: Span<UInt8>, _ range: Range<Int>) {
        let length = range.count
        guard length > 0 else { return }
        precondition(range.lowerBound >= 0 && range.upperBound <= span.count)
        makeRoom(length)
        unsafe span.withUnsafeBytes { source in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count..<count + length])
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
        }
        count += length
    }

    /// Puts an array.
    func put(_ array: [UInt8]) {
        let span = array.span
        put(span, 0..<span.count)
    }

    /// Puts a literal.
    func put(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        makeRoom(length)
        unsafe bytes.baseAddress?.advanced(by: count).copyMemory(from: text.utf8Start, byteCount: length)
        count += length
    }

    /// Puts a string; off the poll path.
    func put(text: String) {
        var text = text
        text.withUTF8 { source in
            let span = unsafe source.span
            put(span, 0..<span.count)
        }
    }

    /// Puts one byte.
    func put(byte: UInt8) {
        makeRoom(1)
        unsafe bytes[count] = byte
        count += 1
    }

    /// Puts a decimal number that is not negative, filled up with zeroes to at least so many digits.
    func put(decimal value: Int, digits least: Int = 1) {
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        digits = max(digits, least)
        makeRoom(digits)
        rest = value
        for at in stride(from: count + digits - 1, through: count, by: -1) {
            unsafe bytes[at] = UInt8(48 + rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// Puts a chunk's size line.
    func put(chunkSize value: Int) {
        var digits = 1
        var rest = value
        while rest >= 16 {
            rest /= 16
            digits += 1
        }
        makeRoom(digits + 2)
        rest = value
        var at = count + digits
        repeat {
            at -= 1
            let digit = UInt8(rest % 16)
            unsafe bytes[at] = digit < 10 ? 48 + digit : 87 + digit
            rest /= 16
        } while rest > 0
        count += digits
        put("\r\n")
    }

    /// What was put, for one call.
    @inline(__always)
    func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        let filled = unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<count])
        return unsafe filled.withMemoryRebound(to: UInt8.self) { unsafe body($0.span) }
    }

    /// A copy of what was put from `start` on.
    func copy(from start: Int = 0, into array: inout [UInt8]) {
        let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<count])
        // One request is as long as the next, where a client asks for pages.
        if array.count == source.count {
            unsafe array.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
        } else {
            array.removeAll(keepingCapacity: true)
            unsafe array.append(contentsOf: source)
        }
    }
}
