/// The number of one run of a gateway process: a counter that the store raises at each start, and random bits.
///
/// With a counter the random part has 32 bits. Where no counter could be committed it is 0 and 64 random bits serve,
/// so that the tags of a process that is gone meet no statement of the new one (design 3).
public struct Owner: Hashable, Sendable {
    /// Raised by the store at each start; 0 if the store could not be written.
    public var counter: UInt32
    /// Random bits of this start.
    public var random: UInt64

    /// An owner number from its parts.
    public init(counter: UInt32, random: UInt64) {
        self.counter = counter
        self.random = random
    }
}
