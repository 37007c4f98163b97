/// A list of plain values whose room is used again: emptying it keeps the room, and costs nothing.
public struct Slots<Element: Sendable>: RandomAccessCollection, Sendable {
    @usableFromInline
    var slots: [Element] = []
    /// How many there are; what lies behind them is left over.
    @usableFromInline
    var used = 0

    /// None.
    @inlinable
    public init() {}

    /// 0.
    @inlinable
    public var startIndex: Int { 0 }
    /// The number of elements.
    @inlinable
    public var endIndex: Int { used }

    /// The element at `index`.
    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index < used, "no such element")
            return slots[index]
        }
        set {
            precondition(index < used, "no such element")
            slots[index] = newValue
        }
    }

    /// What an earlier use left where the next element is to come.
    var leftOver: Element? { used < slots.count ? slots[used] : nil }

    /// Adds what is left over there.
    mutating func keepLeftOver() {
        precondition(used < slots.count, "nothing is left over")
        used &+= 1
    }

    /// Adds an element behind the others.
    mutating func append(_ element: Element) {
        if used < slots.count { slots[used] = element } else { slots.append(element) }
        used &+= 1
    }

    /// Forgets all, and gives the room back if it is that of more than `maximum` elements.
    mutating func removeAll(keeping maximum: Int) {
        used = 0
        if slots.count > maximum { slots = [] }
    }
}

extension Slots: Equatable where Element: Equatable {
    /// Whether both hold the same, whatever is left over.
    public static func == (a: Self, b: Self) -> Bool { a.elementsEqual(b) }
}
