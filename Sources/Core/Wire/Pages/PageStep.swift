/// How far a page has been scanned. Offsets are those of the span given.
public enum PageStep: Equatable, Sendable {
    /// What lies before `safe` may leave once the URIs found are spliced. The rest is given again, with more behind it,
    /// and scanned from its beginning.
    case more(safe: Int)
    /// The page is over; after it comes white space at most.
    case whole(end: Int)
    /// As `more`, and all URIs have been seen: rows begin, behind a nextUri and in the engines' own order of members,
    /// so the rest may leave unscanned. Said once; scanning on from `safe` is allowed.
    case streams(safe: Int)
    /// It is not a JSON object.
    case malformed
}
