// What a property of a class holds, lent for one call in place. To read it into a constant counts a reference, atomically
// and twice; a poll did so some twenty times. While something is lent nothing else may touch the property, which debug
// builds check.

extension [UInt8] {
    /// Lends the bytes to `body`.
    @inline(__always)
    mutating func lend<Result>(_ body: (Span<UInt8>) -> Result) -> Result { body(span) }
}

extension Optional where Wrapped: AnyObject {
    /// Lends the object to `body`, if there is one.
    @inline(__always)
    mutating func lend<Result>(_ body: (Wrapped) -> Result) -> Result? {
        guard let lent = take() else { return nil }
        let result = body(lent)
        self = lent
        return result
    }
}
