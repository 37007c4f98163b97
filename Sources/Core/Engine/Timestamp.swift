/// A moment on the wall clock, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Machines take it as an argument; nothing in Core reads a clock. Spans of time within one process are measured on
/// the monotonic clock instead, as plain `Int64` milliseconds.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970.
    public var milliseconds: Int64

    /// A moment so many milliseconds after 1970 began.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The minute this moment lies in, counted from 1970; tags carry it.
    public var minute: UInt32 { UInt32(truncatingIfNeeded: milliseconds / 60_000) & 0x0fff_ffff }

    /// Earlier moments come first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment so many milliseconds later.
    public func adding(milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: self.milliseconds + milliseconds) }
}
