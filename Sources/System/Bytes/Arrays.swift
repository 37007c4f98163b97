extension [UInt8] {
    /// A copy of the bytes of a span, in as much room as they take.
    public init(_ span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Appends the bytes of a span.
    public mutating func append(contentsOf span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Becomes a copy of a span, in its own room where it is as long already.
    public mutating func replace(with span: Span<UInt8>) {
        guard count == span.count else {
            removeAll(keepingCapacity: true)
            return append(contentsOf: span)
        }
        unsafe span.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
        }
    }
}
