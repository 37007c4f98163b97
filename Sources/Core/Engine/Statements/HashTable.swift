/// Objects by a hash of 64 bits: a table with open addresses. It looks at no object but those whose hash is the same, so
/// that it may be large without being slow, and an object needs no allocation of its own in it.
public struct HashTable<Object: AnyObject> {
    @usableFromInline
    struct Slot {
        @usableFromInline var hash: UInt64 = 0
        @usableFromInline var object: Object?

        @inlinable
        init(hash: UInt64 = 0, object: Object? = nil) {
            self.hash = hash
            self.object = object
        }
    }
    /// A power of two of slots, at most three quarters of them taken.
    @usableFromInline var slots: [Slot]
    @usableFromInline var taken = 0
    @usableFromInline static var least: Int { 16 }

    /// None.
    @inlinable
    public init() { slots = Array(repeating: Slot(), count: Self.least) }

    /// How many objects there are.
    @inlinable
    public var count: Int { taken }

    /// All of them.
    @inlinable
    public var all: [Object] {
        var objects: [Object] = []
        objects.reserveCapacity(count)
        for index in slots.indices {
            if let object = slots[index].object { objects.append(object) }
        }
        return objects
    }

    /// The object with this hash that is the one.
    @inlinable
    public func find(_ hash: UInt64, where isTheOne: (Object) -> Bool) -> Object? {
        slots[index(of: hash, where: isTheOne)].object
    }

    /// Adds an object unless one is there already; answers the one that is there then.
    @inlinable
    @discardableResult
    public mutating func add(_ object: Object, at hash: UInt64, unless isTheOne: (Object) -> Bool) -> Object {
        let index = index(of: hash, where: isTheOne)
        if let present = slots[index].object { return present }
        put(object, hash, at: index)
        return object
    }

    /// Adds an object in the place of whichever has the same hash.
    @inlinable
    public mutating func replace(with object: consuming Object, at hash: UInt64) {
        put(object, hash, at: index(of: hash) { _ in true })
    }

    @inlinable
    mutating func put(_ object: consuming Object, _ hash: UInt64, at index: Int) {
        if slots[index].object == nil { taken += 1 }
        slots[index] = Slot(hash: hash, object: object)
        if taken * 4 > slots.count * 3 { resize(to: slots.count * 2) }
    }

    /// Takes an object out.
    @inlinable
    @discardableResult
    public mutating func remove(_ hash: UInt64, where isTheOne: (Object) -> Bool) -> Object? {
        var gap = index(of: hash, where: isTheOne)
        guard let removed = slots[gap].object.take() else { return nil }
        taken -= 1
        // What was put further on because this slot was taken moves up, or it would not be found any more.
        var next = gap
        while true {
            next = following(next)
            guard slots[next].object != nil else { break }
            let wanted = start(of: slots[next].hash)
            let isReachable = gap <= next ? gap < wanted && wanted <= next : gap < wanted || wanted <= next
            if isReachable { continue }
            slots.swapAt(gap, next)
            gap = next
        }
        if slots.count > Self.least, taken * 8 < slots.count { resize(to: slots.count / 2) }
        return removed
    }

    /// Where the object is, or would be put.
    @inlinable
    func index(of hash: UInt64, where isTheOne: (Object) -> Bool) -> Int {
        var index = start(of: hash)
        while slots[index].object != nil {
            if slots[index].hash == hash, let object = slots[index].object, isTheOne(object) { break }
            index = following(index)
        }
        return index
    }

    /// Where an object with this hash is looked for first.
    @inlinable
    func start(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1) }

    @inlinable
    func following(_ index: Int) -> Int { (index + 1) & (slots.count - 1) }

    @inlinable
    mutating func resize(to size: Int) {
        var old = slots
        slots = Array(repeating: Slot(), count: size)
        for at in old.indices where old[at].object != nil {
            var index = start(of: old[at].hash)
            while slots[index].object != nil { index = following(index) }
            swap(&slots[index], &old[at])
        }
    }
}

extension HashTable.Slot: Sendable where Object: Sendable {}
extension HashTable: Sendable where Object: Sendable {}
