import Wire

/// Where a loop assembles what it sends: heads, tags, the start of a page. One buffer per loop, used within one call.
///
/// Every write is checked against the buffer's bounds; it grows up to the largest head that the limits allow.
@safe
final class Output {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    /// How many bytes were put.
    private(set) var count = 0

    init(capacity: Int) {
        unsafe start = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        self.capacity = capacity
    }

    deinit { unsafe start.deallocate() }

    /// Room for pages that come in several reads, of which no exchange has need: found anew for each such page, and
    /// moved while it grows, it costs more than the page's copy does.
    private var pageRooms: [[UInt8]] = []

    /// How many are kept, each of at most half of `kept`: two pages seldom come so at the same time.
    private static let keptRooms = 4

    /// Gives such room away, empty; none where there is none.
    func takePageRoom() -> [UInt8] { pageRooms.popLast() ?? [] }

    /// Takes room for a page back, unless it is huge or there is enough.
    func giveBack(pageRoom room: consuming [UInt8]) {
        guard room.capacity <= Self.kept / 2, pageRooms.count < Self.keptRooms else { return }
        room.removeAll(keepingCapacity: true)
        pageRooms.append(room)
    }

    /// Begins anew. A buffer that a huge head made large is given back.
    func clear() {
        count = 0
        if capacity > Self.kept { moveBytes(to: Self.kept) }
    }

    private static let kept = 512 << 10

    /// Where so many bytes may be written.
    @inline(__always)
    private func room(for more: Int) -> UnsafeMutableRawPointer {
        if more > capacity &- count { moveBytes(to: max(capacity * 2, count + more)) }
        return unsafe start + count
    }

    @inline(never)
    private func moveBytes(to size: Int) {
        let other = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        unsafe other.copyMemory(from: start, byteCount: count)
        unsafe start.deallocate()
        unsafe start = other
        capacity = size
    }

    /// Puts a slice of a span.
    @inline(__always)
    func put(_ span: Span<UInt8>, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= span.count)
        let length = range.count
        unsafe span.withUnsafeBytes { source in
            guard length > 0, let base = source.baseAddress else { return }
            unsafe room(for: length).copyMemory(from: base + range.lowerBound, byteCount: length)
            count &+= length
        }
    }

    /// Puts an array.
    @inline(__always)
    func put(_ array: [UInt8]) {
        let span = array.span
        put(span, 0..<span.count)
    }

    /// Puts a literal, whose words are in the code of the place that puts it.
    @inline(__always)
    func put(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        unsafe room(for: length).copyMemory(from: text.utf8Start, byteCount: length)
        count &+= length
    }

    /// Puts a tag.
    @inline(__always)
    func put(_ text: TagText) {
        unsafe room(for: Tag.length).storeBytes(of: text, as: TagText.self)
        count &+= Tag.length
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
        unsafe room(for: 1).storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }

    /// Puts a decimal number that is not negative, filled up with zeroes to at least so many digits.
    func put(decimal value: Int, digits least: Int = 1) {
        var rest = UInt(value)
        var digits = 1
        var power: UInt = 10
        while rest >= power {
            digits &+= 1
            power &*= 10
        }
        digits = max(digits, least)
        let target = unsafe room(for: digits)
        var at = digits
        while at > 0 {
            at &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: 48 &+ digit), toByteOffset: at, as: UInt8.self)
            rest = quotient
        }
        count &+= digits
    }

    /// Puts a chunk's size line.
    func put(chunkSize value: Int) {
        var digits = 1
        while value >> (4 * digits) > 0 { digits += 1 }
        let target = unsafe room(for: digits)
        var rest = value
        var at = digits
        while at > 0 {
            at &-= 1
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            unsafe target.storeBytes(of: digit < 10 ? 48 + digit : 87 + digit, toByteOffset: at, as: UInt8.self)
            rest >>= 4
        }
        count &+= digits
        put("\r\n")
    }

    /// What was put, for one call.
    @inline(__always)
    func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        let filled = unsafe UnsafeRawBufferPointer(start: start, count: count)
        return unsafe filled.withMemoryRebound(to: UInt8.self) { unsafe body($0.span) }
    }

    /// A copy of what was put from `start` on.
    func copy(from first: Int = 0, into array: inout [UInt8]) {
        precondition(first >= 0 && first <= count)
        let source = unsafe UnsafeRawBufferPointer(start: start + first, count: count - first)
        // One request is as long as the next, where a client asks for pages.
        if array.count == source.count {
            unsafe array.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
        } else {
            array.removeAll(keepingCapacity: true)
            unsafe array.append(contentsOf: source)
        }
    }
}
